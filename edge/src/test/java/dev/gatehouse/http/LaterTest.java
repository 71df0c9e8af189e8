package dev.gatehouse.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Answers that become certain after their handler has returned.
class LaterTest {
  private final Loops loops = Loops.start(1, Loops.Transport.NIO);
  private final CompletableFuture<Response> answer = new CompletableFuture<>();
  private final CompletableFuture<String> asked = new CompletableFuture<>();
  private HttpServer server;

  @BeforeEach
  void open() throws IOException {
    var routes =
        Routes.builder()
            .get("/other", request -> Response.text(200, "other"))
            .later(
                "PUT",
                "/later",
                10,
                request -> {
                  asked.complete(new String(request.body(), StandardCharsets.UTF_8));
                  return answer;
                })
            .later(
                "GET",
                "/thrown",
                0,
                request -> {
                  throw Problem.notFound("There is no such thing.").refusal();
                })
            .build();
    var handler = new RoutesHandler(routes, Executors.newVirtualThreadPerTaskExecutor());
    server =
        HttpServer.start(
            loops,
            Map.of("main", new InetSocketAddress("127.0.0.1", 0)),
            HttpLimits.DEFAULT,
            exchange ->
                handler.handle(
                    exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty())));
  }

  @AfterEach
  void close() {
    server.close(Duration.ZERO);
    loops.close();
  }

  @Test
  void the_answer_is_sent_when_it_is_certain_and_nobody_waits_for_it_meanwhile() {
    try (var client = ask();
        var other = connect()) {
      assertThat(asked.join()).isEqualTo("body");
      assertThat(other.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(200);
      answer.complete(Response.text(201, "certain"));
      var response = client.read();
      assertThat(response.status()).isEqualTo(201);
      assertThat(response.bodyText()).isEqualTo("certain");
    }
  }

  @Test
  void a_refusal_that_comes_later_is_what_the_client_reads() {
    try (var client = ask()) {
      asked.join();
      answer.completeExceptionally(new Problem(503, "away", "Away", "Nobody is there.").refusal());
      var response = client.read();
      assertThat(response.status()).isEqualTo(503);
      assertThat(response.bodyText()).contains("Nobody is there.");
    }
  }

  @Test
  void any_other_failure_is_a_500_that_tells_nothing() {
    try (var client = ask()) {
      asked.join();
      answer.completeExceptionally(new IllegalStateException("inside"));
      var response = client.read();
      assertThat(response.status()).isEqualTo(500);
      assertThat(response.bodyText()).doesNotContain("inside");
    }
  }

  @Test
  void a_handler_may_refuse_at_once_and_a_body_that_is_too_long_never_reaches_it() {
    try (var client = connect()) {
      assertThat(client.send("GET /thrown HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(404);
      var long_ = "PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890";
      assertThat(client.send(long_).read().status()).isEqualTo(413);
      assertThat(asked).isNotDone();
    }
  }

  private RawClient ask() {
    return connect().send("PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  }

  private RawClient connect() {
    return RawClient.connect(server.addresses().getFirst().getPort());
  }
}
