package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// Requests and routes as tests write them.
final class Requests {
  private Requests() {}

  /// `GET http://host/path?query`, then header lines such as `X-Beta: 1`.
  static RequestHead request(String method, String url, String... lines) {
    var rest = url.substring("http://".length());
    int slash = rest.indexOf('/');
    var headers = new DefaultHttpHeaders();
    for (var line : lines) {
      int colon = line.indexOf(':');
      headers.add(line.substring(0, colon), line.substring(colon + 1).trim());
    }
    return new RequestHead(
        method, Target.parse(rest.substring(slash)), rest.substring(0, slash), headers, false);
  }

  static RequestHead get(String url, String... lines) {
    return request("GET", url, lines);
  }

  /// A pattern in words: `main> GET,POST *.example.com /a/{id} X-Beta=1 ?debug=* cookie:id=!`, each
  /// part but the path optional.
  static RoutePattern pattern(String words) {
    Optional<String> listener = Optional.empty();
    Optional<String> host = Optional.empty();
    Set<String> methods = Set.of();
    Optional<PathPattern> path = Optional.empty();
    var conditions = new ArrayList<Condition>();
    for (var word : words.split(" ")) {
      if (word.endsWith(">")) {
        listener = Optional.of(word.substring(0, word.length() - 1));
      } else if (word.startsWith("/")) {
        path = Optional.of(PathPattern.parse(word));
      } else if (word.contains("=")) {
        conditions.add(condition(word));
      } else if (word.matches("[A-Z,]+")) {
        methods = Set.of(word.split(","));
      } else {
        host = Optional.of(word);
      }
    }
    return new RoutePattern(listener, host, path.orElseThrow(), methods, conditions);
  }

  private static Condition condition(String word) {
    int equals = word.indexOf('=');
    var name = word.substring(0, equals);
    var want = word.substring(equals + 1);
    if (name.startsWith("?")) {
      return Condition.parse(Condition.Source.QUERY, name.substring(1), want);
    }
    return name.startsWith("cookie:")
        ? Condition.parse(Condition.Source.COOKIE, name.substring(7), want)
        : Condition.parse(Condition.Source.HEADER, name, want);
  }

  /// A route whose name is its pattern's words, to an origin that is not ours.
  static Route route(String words) {
    return route(words, new Route.Destination.External("origin"));
  }

  static Route route(String words, Route.Destination to) {
    return new Route(
        words,
        pattern(words),
        to,
        Route.Changes.NONE,
        Optional.empty(),
        Route.Retry.IDEMPOTENT,
        Route.AllDown.STALE,
        Route.Authentication.NONE,
        OptionalLong.empty(),
        Duration.ofSeconds(1),
        Duration.ofSeconds(1),
        Optional.empty());
  }

  static List<Route> routes(String... words) {
    return Arrays.stream(words).map(Requests::route).toList();
  }

  static Route.Destination fixed(int status) {
    return new Route.Destination.Fixed(Response.empty(status));
  }
}
