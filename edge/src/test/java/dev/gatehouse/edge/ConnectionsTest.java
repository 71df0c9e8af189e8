package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Failure;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.http.OriginExchange;
import dev.gatehouse.http.OriginListener;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.OriginRequest;
import dev.gatehouse.http.Response;
import dev.gatehouse.testkit.FreePort;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Connections in the moments in which they begin, change hands and end.
final class ConnectionsTest {
  static Stream<Loops.Transport> transports() {
    return ProxyTest.transports();
  }

  /// On io_uring such a connection has no peer, and its request can still be read.
  @ParameterizedTest
  @MethodSource("transports")
  void a_client_that_reset_before_it_was_looked_at_is_not_served(Loops.Transport transport)
      throws Exception {
    var peers = new CopyOnWriteArrayList<String>();
    try (var loops = Loops.start(1, transport);
        var server =
            HttpServer.start(
                loops,
                Map.of("main", new InetSocketAddress("127.0.0.1", 0)),
                HttpLimits.DEFAULT,
                exchange -> {
                  peers.add(String.valueOf(exchange.peer()));
                  exchange.send(Response.text(200, "fine"));
                })) {
      int port = server.addresses().getFirst().getPort();
      var held = new CountDownLatch(1);
      var go = new CountDownLatch(1);
      loops
          .all()
          .getFirst()
          .execute(() -> {
            held.countDown();
            hold(go);
          });
      assertThat(held.await(10, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 5; i++) {
        RawClient.connect(port).send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n").reset();
      }
      go.countDown();
      try (var client = RawClient.connect(port)) {
        client.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.read().bodyText()).isEqualTo("fine");
      }
      await().until(() -> server.connections() == 0);
    }
    assertThat(peers).isNotEmpty().doesNotContain("null");
  }

  @ParameterizedTest
  @MethodSource("transports")
  void what_lies_behind_an_answer_is_not_the_answer_to_the_next_request(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport)) {
      edge.external.answering((request, wire) ->
          wire.send(
              "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
                  + (request.target().equals("/first")
                      ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
                      : "")));
      try (var client = edge.client()) {
        client.send(
            "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");

        assertThat(client.read().bodyText()).isEqualTo("mine");
        assertThat(client.read().bodyText()).isEqualTo("mine");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void the_first_connection_after_a_silence_has_all_its_time(Loops.Transport transport)
      throws Exception {
    try (var origin = RecordingOrigin.start();
        var loops = Loops.start(1, transport);
        var pools = new OriginPools(loops, OriginPools.Settings.DEFAULT)) {
      var go = new CountDownLatch(1);
      origin.answering((request, wire) -> RecordingOrigin.ok("").answer(request, wire.await(go)));
      assertThat(ask(pools, loops, FreePort.next()).get(10, TimeUnit.SECONDS))
          .isEqualTo(Failure.ORIGIN_REFUSED.toString());
      long since = System.nanoTime();
      await().until(() -> System.nanoTime() - since > HEAD_TIMEOUT.plusMillis(200).toNanos());

      var answer = ask(pools, loops, origin.port());
      await().until(() -> !origin.received().isEmpty());
      long asked = System.nanoTime();
      await().until(() -> System.nanoTime() - asked > 300_000_000);
      go.countDown();

      assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo("200");
    }
  }

  private static final Duration HEAD_TIMEOUT = Duration.ofSeconds(2);

  /// The status, or the failure.
  private static CompletableFuture<String> ask(OriginPools pools, Loops loops, int port) {
    var loop = loops.all().getFirst();
    var answer = new CompletableFuture<String>();
    var origin = new Origin("127.0.0.1", port, false);
    var fields = new DefaultHttpHeaders().set("Host", origin.authority());
    var request = new OriginRequest("GET", "/", fields, false, HEAD_TIMEOUT, HEAD_TIMEOUT);
    loop.execute(() -> pools.send(loop, origin, request, false, new Answer(answer)));
    return answer;
  }

  private record Answer(CompletableFuture<String> told) implements OriginListener {
    @Override
    public void connected(OriginExchange exchange) {}

    @Override
    public void informational(int status, HttpHeaders headers) {}

    @Override
    public void head(int status, HttpHeaders headers) {
      told.complete(Integer.toString(status));
    }

    @Override
    public void data(ByteBuf piece) {
      piece.release();
    }

    @Override
    public void end(HttpHeaders trailers) {}

    @Override
    public void pausePoint() {}

    @Override
    public void writable() {}

    @Override
    public void failed(Failure failure, String detail) {
      told.complete(failure.toString());
    }
  }

  /// Holds the event loop up.
  private static void hold(CountDownLatch until) {
    try {
      assertThat(until.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
