package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.RecordingOrigin;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// A route that keeps answers for when nobody else can answer, as `/data` does.
class StaleOnlyTest {
  private static final String ANSWER = CachingEdge.answer(200, "document", "ETag: \"1\"");

  @Test
  void a_replica_that_is_up_always_answers() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      for (int i = 1; i <= 3; i++) {
        var answer = edge.ask("GET", "/data/a");
        assertThat(Scene.status(answer)).startsWith("gatehouse; fwd=bypass; fwd-status=200");
        assertThat(answer.header("Age")).isEmpty();
        assertThat(edge.asked("/data")).isEqualTo(i);
      }
      edge.origin.answering(RecordingOrigin.bytes(CachingEdge.answer(500, "broken")));
      assertThat(edge.ask("GET", "/data/a").status()).isEqualTo(500);
      edge.origin.answering(RecordingOrigin.bytes(CachingEdge.answer(304, "")));
      assertThat(edge.ask("GET", "/data/a", "If-None-Match: \"1\"").status()).isEqualTo(304);
    }
  }

  @Test
  void requests_never_wait_for_each_other() {
    try (var edge = new CachingEdge();
        var one = edge.client();
        var two = edge.client()) {
      var mayAnswer = new CountDownLatch(1);
      edge.origin.answering((request, wire) -> wire.await(mayAnswer).send(ANSWER));
      one.send(CachingEdge.request("GET", "/data/a"));
      two.send(CachingEdge.request("GET", "/data/a"));
      await().until(() -> edge.asked("/data") == 2);
      mayAnswer.countDown();
      assertThat(one.read().bodyText()).isEqualTo("document");
      assertThat(two.read().bodyText()).isEqualTo("document");
    }
  }

  @Test
  void without_a_replica_what_was_read_is_answered_and_marked_stale() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      edge.ask("GET", "/data/a");
      edge.ask("GET", "/data/a");
      edge.pass(60);
      edge.replica(false);
      long before = edge.asked("/data");
      var answer = edge.ask("GET", "/data/a");
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.bodyText()).isEqualTo("document");
      assertThat(answer.header("Age")).contains("60");
      assertThat(Scene.status(answer))
          .startsWith("gatehouse; hit; fwd=stale")
          .endsWith("detail=no-replica");
      assertThat(edge.ask("HEAD", "/data/a").status()).isEqualTo(200);
      assertThat(edge.ask("GET", "/data/a", "If-None-Match: \"1\"").status()).isEqualTo(304);
      assertThat(edge.asked("/data")).isEqualTo(before);
      edge.replica(true);
      assertThat(Scene.status(edge.ask("GET", "/data/a"))).contains("fwd=bypass");
    }
  }

  @Test
  void an_unchanged_document_is_as_young_as_its_last_reading() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      edge.ask("GET", "/data/a");
      edge.pass(60);
      edge.ask("GET", "/data/a");
      edge.pass(5);
      edge.replica(false);
      assertThat(edge.ask("GET", "/data/a").header("Age")).contains("5");
    }
  }

  @Test
  void without_a_replica_everything_else_is_503() {
    try (var edge = new CachingEdge()) {
      edge.replica(false);
      var unread = edge.ask("GET", "/data/never-read");
      assertThat(unread.status()).isEqualTo(503);
      assertThat(unread.header("Retry-After")).isPresent();
      assertThat(Scene.status(unread)).isEqualTo("gatehouse; fwd=bypass; detail=no-replica");
      var write = edge.ask("PUT", "/data/a", "Content-Length: 0");
      assertThat(write.status()).isEqualTo(503);
    }
  }

  @Test
  void a_refused_connection_is_as_good_as_no_replica() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      edge.ask("GET", "/data/a");
      edge.origin.refuse();
      // A connection that the origin had taken in already may still be served.
      await()
          .untilAsserted(() -> {
            var answer = edge.ask("GET", "/data/a");
            assertThat(answer.bodyText()).isEqualTo("document");
            assertThat(Scene.status(answer)).contains("hit; fwd=stale");
          });
    }
  }

  @Test
  void what_was_written_or_is_gone_is_not_answered_from_before() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      edge.ask("GET", "/data/written");
      edge.ask("GET", "/data/gone");
      edge.origin.answering(RecordingOrigin.bytes(CachingEdge.answer(200, "")));
      edge.ask("PUT", "/data/written", "Content-Length: 0");
      edge.origin.answering(RecordingOrigin.bytes(CachingEdge.answer(404, "none")));
      edge.ask("GET", "/data/gone");
      edge.replica(false);
      assertThat(edge.ask("GET", "/data/written").status()).isEqualTo(503);
      assertThat(edge.ask("GET", "/data/gone").status()).isEqualTo(503);
    }
  }

  @Test
  void what_is_not_for_others_is_not_kept_here_either() {
    try (var edge = new CachingEdge()) {
      edge.origin.answering(
          RecordingOrigin.bytes(CachingEdge.answer(200, "mine", "Cache-Control: private")));
      edge.ask("GET", "/data/a");
      edge.origin.answering(RecordingOrigin.bytes(ANSWER));
      edge.ask("GET", "/data/b", "Authorization: x");
      edge.replica(false);
      assertThat(edge.ask("GET", "/data/a").status()).isEqualTo(503);
      assertThat(edge.ask("GET", "/data/b").status()).isEqualTo(503);
    }
  }
}
