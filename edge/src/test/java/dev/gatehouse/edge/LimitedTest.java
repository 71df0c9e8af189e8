package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.limit.AddressBlock;
import dev.gatehouse.edge.limit.Limit;
import dev.gatehouse.edge.limit.Limit.KeyPart;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What clients see of limits, over sockets.
final class LimitedTest {
  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);
  private final RawClient client = edge.client();

  @BeforeEach
  void answer() throws IOException {
    edge.external.answering(RecordingOrigin.ok("hello"));
    // The test itself is the trusted proxy.
    edge.gateway.reconfigure(
        edge.settings(edge.settings().routes(), InetAddress::isLoopbackAddress));
  }

  @AfterEach
  void close() {
    client.close();
    edge.close();
  }

  private static Limit limit(
      String name, List<AddressBlock> clients, String path, int permits, KeyPart... key) {
    return new Limit(
        name,
        new Limit.Match(
            clients,
            Optional.of(PathPattern.parse(path)),
            Optional.empty(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of()),
        List.of(key),
        new Limit.Rate(permits, Duration.ofMinutes(1)),
        OptionalInt.empty(),
        Limit.MissingKey.SKIP,
        1,
        Limit.Origin.FILE);
  }

  private dev.gatehouse.testkit.HttpMessage get(String path, String from, String... lines) {
    return client
        .send(
            "GET "
                + path
                + " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: "
                + from
                + "\r\n"
                + String.join("", lines)
                + "\r\n")
        .read();
  }

  @Test
  void the_nth_passes_the_next_is_429_and_another_address_is_untouched() {
    var one = List.of(AddressBlock.of(InetAddress.ofLiteral("152.152.152.152"), 32));
    edge.limits.file(List.of(limit("address-item", one, "/items/**", 10)));
    for (int left = 9; left >= 0; left--) {
      var answer = get("/items/1", "152.152.152.152");
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("RateLimit-Policy")).hasValue("\"address-item\";q=10;w=60");
      assertThat(answer.header("RateLimit").orElseThrow())
          .startsWith("\"address-item\";r=" + left + ";t=");
    }
    var refused = get("/items/1", "152.152.152.152");
    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.header("Content-Type")).hasValue("application/problem+json");
    assertThat(Integer.parseInt(refused.header("Retry-After").orElseThrow())).isBetween(50, 61);
    assertThat(refused.header("RateLimit-Policy")).hasValue("\"address-item\";q=10;w=60");
    assertThat(refused.header("RateLimit").orElseThrow()).startsWith("\"address-item\";r=0;t=");
    assertThat(refused.bodyText()).contains("\"limit\":\"address-item\"", "\"scope\":\"all\"");
    assertThat(get("/items/1", "152.152.152.153").status()).isEqualTo(200);
    assertThat(get("/other", "152.152.152.152").header("RateLimit")).isEmpty();
  }

  @Test
  void who_guesses_is_limited_before_authentication_and_users_after_it() {
    edge.limits.file(
        List.of(
            limit("guessing", List.of(), "/mine", 5, KeyPart.of(KeyPart.Source.CLIENT)),
            limit("users", List.of(), "/mine", 2, KeyPart.of(KeyPart.Source.USER))));
    for (int i = 0; i < 5; i++) {
      assertThat(get("/mine", "192.0.2.1", "Cookie: session=bad\r\n").status()).isEqualTo(401);
    }
    assertThat(get("/mine", "192.0.2.1", "Cookie: session=bad\r\n").status()).isEqualTo(429);
    for (int i = 0; i < 2; i++) {
      var answer = get("/mine", "192.0.2.2", "Cookie: session=good\r\n");
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("RateLimit").orElseThrow()).startsWith("\"users\";r=" + (1 - i));
    }
    // What the second limit refuses costs nothing of the first: five tries are left, minus two.
    for (int i = 0; i < 4; i++) {
      var answer = get("/mine", "192.0.2.2", "Cookie: session=good\r\n");
      assertThat(answer.status()).isEqualTo(429);
      assertThat(answer.bodyText()).contains("\"limit\":\"users\"", "\"scope\":\"user\"");
    }
    assertThat(get("/mine", "192.0.2.2", "Cookie: session=bad\r\n").status()).isEqualTo(401);
  }
}
