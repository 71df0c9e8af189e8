package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What SIGTERM does to an edge that stands alone, as in a container.
class DrainTest {
  private static final String REQUEST = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

  private final RecordingOrigin origin = RecordingOrigin.start();
  private final ProgramUnderTest edge =
      ProgramUnderTest.assembly(
              """
              database: postgres://nobody@127.0.0.1:1/unused
              routes: [{name: all, match: {path: /**}, to: "%s"}]
              """
                  .formatted(origin.url()))
          .with("GATEHOUSE_SECRET", "0123456789abcdef");

  @AfterEach
  void close() {
    edge.close();
    origin.close();
  }

  @Test
  void on_sigterm_readiness_fails_late_comers_are_served_and_what_is_in_flight_ends_whole()
      throws Exception {
    var go = new CountDownLatch(1);
    origin.answering((request, wire) -> {
      if (request.target().equals("/slow")) {
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        wire.await(go).send("done");
      } else {
        RecordingOrigin.ok("x").answer(request, wire);
      }
    });
    edge.start("run", "edge");
    var admin = new Http(edge.adminPort());
    try (var slow = RawClient.connect(edge.edgePort());
        var idle = RawClient.connect(edge.edgePort())) {
      slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").readUntil("half");
      assertThat(idle.send(REQUEST).read().header("Connection")).isEmpty();

      edge.terminate();

      await().until(() -> !edge.isReady());
      assertThat(admin.get("/readyz").statusCode()).isEqualTo(503);
      try (var late = RawClient.connect(edge.edgePort())) {
        var answer = late.send(REQUEST).read();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Connection")).contains("close");
      }
      var last = idle.send(REQUEST).read();
      assertThat(last.status()).isEqualTo(200);
      assertThat(last.header("Connection")).contains("close");
      assertThat(idle.isClosedByPeer()).isTrue();
      go.countDown();
      slow.readUntil("done");
    }
    assertThat(edge.awaitEnd()).isZero();
  }
}
