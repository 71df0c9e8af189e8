package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// Many clients who want the same at once: one asks the origin, on whichever event loop it is.
class CollapseTest {
  private static final int MANY = 1000;

  private final CountDownLatch mayAnswer = new CountDownLatch(1);

  @Test
  void a_thousand_clients_on_a_missing_key_are_one_origin_request() {
    try (var edge = new CachingEdge()) {
      holding(edge, CachingEdge.answer(200, "hello", "Cache-Control: max-age=100"));
      var answers = allAtOnce(edge, "/one", MANY, MANY - 1);
      assertThat(answers).allSatisfy(answer -> assertThat(answer.bodyText()).isEqualTo("hello"));
      assertThat(answers)
          .filteredOn(answer -> Scene.status(answer).contains("; collapsed"))
          .hasSize(MANY - 1);
      assertThat(edge.asked("/one")).isEqualTo(1);
    }
  }

  @Test
  void a_thousand_clients_on_an_expired_key_are_one_origin_request() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(
          RecordingOrigin.bytes(
              CachingEdge.answer(200, "hello", "Cache-Control: max-age=1", "ETag: \"a\"")));
      edge.ask("GET", "/one");
      edge.pass(2);
      holding(edge, CachingEdge.answer(304, "", "Cache-Control: max-age=100"));
      var answers = allAtOnce(edge, "/one", MANY, MANY - 1);
      assertThat(answers).allSatisfy(answer -> assertThat(answer.bodyText()).isEqualTo("hello"));
      assertThat(edge.asked("/one")).isEqualTo(2);
    }
  }

  @Test
  void a_failure_is_told_to_all_who_waited_and_not_tried_by_each() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering((request, wire) -> wire.await(mayAnswer).close());
      var answers = allAtOnce(edge, "/one", 200, 199);
      assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(502));
      // A single origin's reset is tried once more on a new connection.
      assertThat(edge.asked("/one")).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void an_origins_error_is_told_to_all_who_waited() {
    try (var edge = new CachingEdge()) {
      holding(edge, CachingEdge.answer(500, "broken"));
      var answers = allAtOnce(edge, "/one", 200, 199);
      assertThat(answers)
          .allSatisfy(answer -> {
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.bodyText()).isEqualTo("broken");
          });
      assertThat(edge.asked("/one")).isEqualTo(1);
    }
  }

  @Test
  void what_is_not_for_others_is_asked_by_each_and_nobody_waits_again() {
    try (var edge = new CachingEdge()) {
      holding(edge, CachingEdge.answer(200, "mine", "Cache-Control: private"));
      var answers = allAtOnce(edge, "/one", 50, 49);
      assertThat(answers).allSatisfy(answer -> assertThat(answer.bodyText()).isEqualTo("mine"));
      assertThat(edge.asked("/one")).isEqualTo(50);
      edge.ask("GET", "/one");
      assertThat(edge.asked("/one")).isEqualTo(51);
    }
  }

  @Test
  void a_leader_whose_client_leaves_goes_on_for_the_others() {
    try (var edge = new CachingEdge()) {
      holding(edge, CachingEdge.answer(200, "hello", "Cache-Control: max-age=100"));
      var leader = edge.client().send(CachingEdge.request("GET", "/one"));
      await().until(() -> edge.asked("/one") == 1);
      var clients = sent(edge, "/one", 20);
      await().until(() -> edge.cache().figures().waiting() == 20);
      leader.reset();
      await().until(() -> edge.gateway.connections() == 20);
      mayAnswer.countDown();
      assertThat(read(clients))
          .allSatisfy(answer -> assertThat(answer.bodyText()).isEqualTo("hello"));
      assertThat(edge.asked("/one")).isEqualTo(1);
    }
  }

  @Test
  void a_leader_that_nobody_waits_for_gives_up_and_leaves_nothing_behind() {
    try (var edge = new CachingEdge()) {
      holding(edge, CachingEdge.answer(200, "hello", "Cache-Control: max-age=100"));
      var leader = edge.client().send(CachingEdge.request("GET", "/one"));
      await().until(() -> edge.asked("/one") == 1);
      leader.reset();
      await().until(() -> edge.gateway.connections() == 0);
      mayAnswer.countDown();
      assertThat(edge.ask("GET", "/one").bodyText()).isEqualTo("hello");
      assertThat(edge.asked("/one")).isEqualTo(2);
    }
  }

  @Test
  void requests_that_select_another_variant_do_not_get_the_first() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering((request, wire) ->
          wire.await(mayAnswer)
              .send(
                  CachingEdge.answer(
                      200,
                      request.header("Foo").orElse("none"),
                      "Cache-Control: max-age=100",
                      "Vary: Foo")));
      var ones = sent(edge, "/one", 20, "Foo: 1");
      var twos = sent(edge, "/one", 20, "Foo: 2");
      await().until(() -> edge.cache().figures().waiting() == 39);
      mayAnswer.countDown();
      assertThat(read(ones)).allSatisfy(a -> assertThat(a.bodyText()).isEqualTo("1"));
      assertThat(read(twos)).allSatisfy(a -> assertThat(a.bodyText()).isEqualTo("2"));
      assertThat(edge.asked("/one")).isEqualTo(2);
    }
  }

  @Test
  void what_was_invalidated_on_its_way_is_not_stored() {
    try (var edge = new CachingEdge()) {
      var old = CachingEdge.answer(200, "old", "Cache-Control: max-age=100");
      edge.origin.answering((request, wire) -> {
        if (request.method().equals("GET")) {
          wire.await(mayAnswer).send(old);
        } else {
          wire.send(CachingEdge.answer(200, ""));
        }
      });
      try (var reader = edge.client()) {
        reader.send(CachingEdge.request("GET", "/one"));
        await().until(() -> edge.asked("/one") == 1);
        edge.ask("POST", "/one", "Content-Length: 0");
        mayAnswer.countDown();
        assertThat(reader.read().bodyText()).isEqualTo("old");
      }
      edge.origin.answering(RecordingOrigin.ok("new"));
      assertThat(edge.ask("GET", "/one").bodyText()).isEqualTo("new");
    }
  }

  /// The origin answers this once the test lets it.
  private void holding(CachingEdge edge, String answer) {
    edge.origin.answering((request, wire) -> wire.await(mayAnswer).send(answer));
  }

  /// What this many clients get who ask before the origin answers any of them.
  private List<HttpMessage> allAtOnce(CachingEdge edge, String path, int clients, int waiting) {
    var all = sent(edge, path, clients);
    await().atMost(Duration.ofSeconds(30)).until(() -> edge.cache().figures().waiting() == waiting);
    mayAnswer.countDown();
    return read(all);
  }

  private static List<RawClient> sent(CachingEdge edge, String path, int count, String... fields) {
    var clients = new ArrayList<RawClient>();
    for (int i = 0; i < count; i++) {
      clients.add(edge.client().send(CachingEdge.request("GET", path, fields)));
    }
    return clients;
  }

  private static List<HttpMessage> read(List<RawClient> clients) {
    var answers = new ArrayList<HttpMessage>();
    for (var client : clients) {
      answers.add(client.read());
      client.close();
    }
    return answers;
  }
}
