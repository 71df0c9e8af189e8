package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import io.netty.buffer.ByteBufAllocator;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Exchanges that end badly leave nothing behind, and the others do not notice.
final class LeakTest {
  private static final int TIMES = 20;
  private static final String LARGE = "x".repeat(2_000_000);

  static Stream<Loops.Transport> transports() {
    return ProxyTest.transports();
  }

  @Test
  void the_detector_finds_a_lost_buffer() {
    assertThat(LeakReports.after(() -> ByteBufAllocator.DEFAULT.directBuffer(64).writeByte(1)))
        .isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_client_that_reads_slowly_and_leaves(Loops.Transport transport) {
    leavesNothing(
        transport,
        (request, wire) ->
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + LARGE.length() + "\r\n\r\n" + LARGE),
        edge -> {
          try (var client = edge.client()) {
            client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n").readUntil("xxxxxxxxxx");
            client.reset();
          }
        });
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_client_that_leaves_in_mid_upload(Loops.Transport transport) {
    leavesNothing(
        transport,
        RecordingOrigin.ok("never: the upload does not end"),
        edge -> {
          try (var client = edge.client()) {
            client.send(
                "POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n"
                    + "y".repeat(90_000));
            // A reset throws away what the edge has not read yet.
            await()
                .pollInterval(Duration.ofMillis(2))
                .until(() ->
                    edge.gateway.upstreams().stream()
                        .flatMap(upstream -> upstream.replicas().stream())
                        .anyMatch(replica -> replica.inFlight() > 0));
            client.reset();
          }
        });
  }

  @ParameterizedTest
  @MethodSource("transports")
  void an_origin_that_answers_before_the_upload_ends(Loops.Transport transport) {
    try (var hasty = RecordingOrigin.start()) {
      hasty.answeringEarly((request, wire) ->
          wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
              .close());
      leavesNothing(
          transport,
          RecordingOrigin.ok(""),
          edge -> {
            edge.replicas(hasty);
            try (var client = edge.client()) {
              client.send(
                  "POST /data/early HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
              client.trySend(LARGE.getBytes(StandardCharsets.ISO_8859_1));
              // The origin's own answer, or a 502 where its reset overtook it.
              assertThat(client.read().status()).isIn(413, 502, 503);
            }
          });
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void an_origin_that_closes_in_mid_body(Loops.Transport transport) {
    leavesNothing(
        transport,
        (request, wire) ->
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + "z".repeat(50_000))
                .close(),
        edge -> {
          try (var client = edge.client()) {
            client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n").readUntil("zzzz");
            assertThat(endsEarly(client)).isTrue();
          }
        });
  }

  @ParameterizedTest
  @MethodSource("transports")
  void an_origin_that_sends_too_much(Loops.Transport transport) {
    leavesNothing(
        transport,
        (request, wire) ->
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + "!".repeat(70_000)),
        edge -> {
          try (var client = edge.client()) {
            client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.read().bodyText()).isEqualTo("hello");
            client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.read().bodyText()).isEqualTo("hello");
          }
        });
  }

  /// Runs the bad exchange again and again beside good ones, and looks for what it left.
  private static void leavesNothing(
      Loops.Transport transport, RecordingOrigin.Script script, Consumer<EdgeUnderTest> bad) {
    try (var edge = new EdgeUnderTest(transport)) {
      edge.external.answering((request, wire) -> {
        if (request.target().equals("/good")) {
          RecordingOrigin.ok("fine").answer(request, wire);
        } else {
          script.answer(request, wire);
        }
      });
      var leaks =
          LeakReports.after(() -> {
            try (var good = edge.client()) {
              for (int i = 0; i < TIMES; i++) {
                bad.accept(edge);
                good.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(good.read().bodyText()).isEqualTo("fine");
              }
            }
            await().until(() -> edge.gateway.connections() == 0);
            await()
                .untilAsserted(() ->
                    assertThat(edge.gateway.upstreams())
                        .flatExtracting(Upstream::replicas)
                        .extracting(Replica::inFlight)
                        .containsOnly(0));
          });
      assertThat(leaks).isEmpty();
      assertThat(edge.records).hasSizeGreaterThanOrEqualTo(2 * TIMES);
      edge.gateway.close(Duration.ZERO);
      await().until(() -> edge.external.connections() == 0);
    }
  }

  private static boolean endsEarly(RawClient client) {
    try {
      client.readUntil("this never comes");
      return false;
    } catch (UncheckedIOException cut) {
      return true;
    }
  }
}
