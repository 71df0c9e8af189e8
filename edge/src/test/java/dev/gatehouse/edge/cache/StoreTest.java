package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.LeakReports;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.testkit.RecordingOrigin;
import org.junit.jupiter.api.Test;

/// What the store holds: its bound, its purge, and that nothing is lost on the way in.
class StoreTest {
  private static final String KEPT = "Cache-Control: max-age=100";

  @Test
  void purge_by_path_and_by_tag_forgets_what_they_name_and_nothing_else() {
    try (var edge = new CachingEdge()) {
      var scene = new Scene(edge);
      for (var path : new String[] {"/a", "/a/b?x=1", "/b"}) {
        scene.path = path;
        scene.says(KEPT, "Cache-Tag: red, " + path, "Surrogate-Key: blue").forwards();
        var answer = scene.reuses();
        assertThat(answer.header("Cache-Tag")).isEmpty();
        assertThat(answer.header("Surrogate-Key")).isEmpty();
      }
      assertThat(edge.cache().purge(PathPattern.parse("/a/**"))).isEqualTo(2);
      scene.path = "/b";
      scene.reuses();
      scene.path = "/a";
      scene.says(KEPT).forwards();
      assertThat(edge.cache().purge("blue")).isEqualTo(1);
      scene.reuses();
      scene.path = "/b";
      scene.forwards();
      assertThat(edge.cache().purgeAll()).isEqualTo(2);
      assertThat(edge.cache().figures().entries()).isZero();
    }
  }

  @Test
  void the_store_stays_below_its_bound() {
    try (var edge = new CachingEdge()) {
      edge.cache().resize(1 << 20);
      edge.origin.answering(
          RecordingOrigin.bytes(CachingEdge.answer(200, "x".repeat(100_000), KEPT)));
      for (int i = 0; i < 40; i++) {
        edge.ask("GET", "/large" + i);
      }
      var figures = edge.cache().figures();
      assertThat(figures.bytes()).isBetween(500_000L, (long) (1 << 20));
      assertThat(figures.entries()).isLessThan(12);
    }
  }

  @Test
  void a_body_over_the_largest_object_passes_and_is_not_stored() {
    try (var edge = new CachingEdge()) {
      var scene = new Scene(edge);
      var large = "x".repeat(CachingEdge.MAX_OBJECT + 1);
      scene.says(200, large, KEPT);
      assertThat(scene.forwards().body()).hasSize(large.length());
      assertThat(scene.forwards().body()).hasSize(large.length());
      scene.anew();
      edge.origin.answering((request, wire) ->
          wire.send(
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                  + KEPT
                  + "\r\n\r\n"
                  + Integer.toHexString(large.length())
                  + "\r\n"
                  + large
                  + "\r\n0\r\n\r\n"));
      assertThat(scene.forwards().body()).hasSize(large.length());
      assertThat(scene.forwards().body()).hasSize(large.length());
    }
  }

  @Test
  void a_client_that_reads_slowly_or_leaves_does_not_stop_the_store() {
    try (var edge = new CachingEdge()) {
      var scene = new Scene(edge);
      var body = "x".repeat(CachingEdge.MAX_OBJECT);
      scene.says(200, body, KEPT);
      try (var slow = edge.client()) {
        slow.send(CachingEdge.request("GET", scene.path));
        await().until(() -> edge.cache().figures().entries() == 1);
        assertThat(scene.reuses().body()).hasSize(body.length());
        assertThat(slow.read().body()).hasSize(body.length());
      }
    }
  }

  @Test
  void hits_on_one_connection_are_whole_and_in_order() {
    try (var edge = new CachingEdge();
        var client = edge.client()) {
      var scene = new Scene(edge);
      scene.says(200, "small", KEPT, "X-Request-Id: of-the-origin").forwards();
      var large = new Scene(edge);
      large.says(200, "x".repeat(100_000), KEPT).forwards();
      client.send(
          CachingEdge.request("GET", scene.path, "X-Request-Id: mine")
              + CachingEdge.request("GET", large.path)
              + CachingEdge.request("HEAD", scene.path)
              + CachingEdge.request("GET", scene.path, "Connection: close"));
      var first = client.read();
      assertThat(first.bodyText()).isEqualTo("small");
      assertThat(first.headers("X-Request-Id")).containsExactly("mine");
      assertThat(first.headers("Content-Length")).containsExactly("5");
      assertThat(client.read().body()).hasSize(100_000);
      assertThat(client.readToHead().headers("Content-Length")).containsExactly("5");
      var last = client.read();
      assertThat(last.bodyText()).isEqualTo("small");
      assertThat(last.headers("Connection")).containsExactly("close");
      assertThat(client.isClosedByPeer()).isTrue();
    }
  }

  @Test
  void bad_exchanges_leave_no_buffer_behind() {
    try (var edge = new CachingEdge()) {
      var body = "x".repeat(CachingEdge.MAX_OBJECT);
      var leaks =
          LeakReports.after(() -> {
            for (int i = 0; i < 20; i++) {
              var scene = new Scene(edge);
              cut(edge, scene, body);
              leaves(edge, scene.says(200, body, KEPT));
              scene.forwards("Cache-Control: no-cache");
              leaves(edge, scene);
              scene.anew().says(200, body + body, KEPT);
              leaves(edge, scene);
              scene.anew().says("Cache-Control: max-age=1").forwards();
              scene.pass(2).says(503, body).get();
              scene.pass(2).breaks().get();
            }
            await().until(() -> edge.gateway.connections() == 0);
          });
      assertThat(leaks).isEmpty();
    }
  }

  private static void cut(CachingEdge edge, Scene scene, String body) {
    edge.origin.answering((request, wire) ->
        wire.send("HTTP/1.1 200 OK\r\n" + KEPT + "\r\nContent-Length: 900000\r\n\r\n" + body)
            .close());
    try (var client = edge.client()) {
      client.send(CachingEdge.request("GET", scene.path)).readUntil("xxxx");
    }
  }

  private static void leaves(CachingEdge edge, Scene scene) {
    try (var client = edge.client()) {
      client.send(CachingEdge.request("GET", scene.path)).readUntil("xxxx");
      client.reset();
    }
  }
}
