package dev.gatehouse.app.roles;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.cache.Cache;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The admin API of the cache; what a purge forgets, the edge's own tests show.
class CacheAdminTest {
  @ParameterizedTest
  @ValueSource(strings = {"{\"path\":\"/a/**\"}", "{\"tag\":\"x\"}", "{\"all\":true}"})
  void a_purge_says_how_many_answers_it_forgot(String order) throws IOException {
    var answer = post(order);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.bodyText()).isEqualTo("{\"purged\":0}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "{\"all\":false}",
        "{\"tag\":\"\"}",
        "{\"tag\":1}",
        "{\"path\":\"a\"}",
        "{\"path\":\"/a\",\"tag\":\"x\"}",
        "{\"host\":\"a\"}",
        "not json"
      })
  void an_order_that_is_not_one_thing_is_400_with_a_reason(String order) throws IOException {
    var answer = post(order);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.header("Content-Type")).contains("application/problem+json");
  }

  @Test
  void the_figures_are_told() throws IOException {
    var answer = ask("GET /admin/cache HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assertThat(answer.bodyText())
        .contains(
            "\"entries\":0", "\"bytes\":0", "\"size\":1048576", "\"hits\":0", "\"waiting\":0");
  }

  private static HttpMessage post(String order) throws IOException {
    return ask(
        "POST /admin/cache/purge HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + order.length()
            + "\r\n\r\n"
            + order);
  }

  private static HttpMessage ask(String request) throws IOException {
    var handler =
        new RoutesHandler(
            CacheAdmin.routes(new Cache(1 << 20, InstantSource.system())), Runnable::run);
    try (var loops = Loops.start(1);
        var server =
            HttpServer.start(
                loops,
                Map.of("admin", new InetSocketAddress("127.0.0.1", 0)),
                HttpLimits.DEFAULT,
                exchange ->
                    handler.handle(
                        exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty())));
        var client = RawClient.connect(server.addresses().getFirst().getPort())) {
      return client.send(request).read();
    }
  }
}
