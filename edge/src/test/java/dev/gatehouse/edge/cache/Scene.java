package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.HttpMessage;
import java.util.ArrayList;
import java.util.List;

/// One client, one origin and one path of a [CachingEdge]: what the origin says, what the client
/// gets, and whether the origin was asked.
final class Scene {
  final CachingEdge edge;
  String path;

  Scene(CachingEdge edge) {
    this.edge = edge;
    this.path = edge.path();
  }

  /// Goes on with another path, about which nothing is stored.
  Scene anew() {
    path = edge.path();
    return this;
  }

  /// From now on the origin answers 200 with this and a `Date`, unless one is given.
  Scene says(String... fields) {
    return says(200, "hello", fields);
  }

  Scene says(int status, String body, String... fields) {
    var all = new ArrayList<>(List.of(fields));
    if (all.stream().noneMatch(field -> field.startsWith("Date:"))) {
      all.add("Date: " + edge.date(0));
    }
    var answer = CachingEdge.answer(status, body, all.toArray(String[]::new));
    edge.origin.answering((request, wire) ->
        wire.send(
            request.method().equals("HEAD")
                ? answer.substring(0, answer.indexOf("\r\n\r\n") + 4)
                : answer));
    return this;
  }

  /// From now on the origin answers a validation with 304 and this.
  Scene confirms(String... fields) {
    return says(304, "", fields);
  }

  /// From now on the origin closes every connection without an answer.
  Scene breaks() {
    edge.origin.answering((request, wire) -> wire.close());
    return this;
  }

  Scene pass(long seconds) {
    edge.pass(seconds);
    return this;
  }

  HttpMessage get(String... fields) {
    return edge.ask("GET", path, fields);
  }

  HttpMessage ask(String method, String... fields) {
    return edge.ask(method, path, fields);
  }

  long asked() {
    return edge.origin.received().stream().filter(request -> request.target().equals(path)).count();
  }

  /// What the origin was asked last for this path.
  HttpMessage question() {
    return edge.origin.lastReceived(path);
  }

  /// A GET that is answered without asking the origin.
  HttpMessage reuses(String... fields) {
    long before = asked();
    var answer = get(fields);
    assertThat(asked()).as("questions to the origin after %s", answer).isEqualTo(before);
    assertThat(answer.header("Age")).as("Age of %s", answer).isPresent();
    assertThat(status(answer)).contains("gatehouse; hit");
    return answer;
  }

  /// A GET for which the origin is asked.
  HttpMessage forwards(String... fields) {
    long before = asked();
    var answer = get(fields);
    assertThat(asked()).as("questions to the origin after %s", answer).isGreaterThan(before);
    assertThat(status(answer)).contains("gatehouse; fwd=");
    return answer;
  }

  /// `Cache-Status` of an answer.
  static String status(HttpMessage answer) {
    return String.join(", ", answer.headers("Cache-Status"));
  }
}
