package dev.gatehouse.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdminDoorTest {
  @TempDir private Path data;
  private final Loops loops = Loops.start(1, Loops.Transport.NIO);
  private AdminToken token;
  private AdminDoor door;
  private HttpServer server;

  @BeforeEach
  void open() throws IOException {
    var random = new SecureRandom();
    token = AdminToken.in(data.resolve("admin.token"), random);
    var routes =
        Routes.builder()
            .get("/metrics", request -> Response.text(200, "metrics"))
            .get("/admin/routes", request -> Response.text(200, "routes"))
            .put("/admin/limits/{name}", 100, request -> Response.empty(204))
            .build();
    door =
        new AdminDoor(
            new RoutesHandler(routes, Runnable::run), token, Set.of("edge.internal"), random);
    server =
        HttpServer.start(
            loops,
            Map.of("admin", new InetSocketAddress("127.0.0.1", 0)),
            HttpLimits.DEFAULT,
            door);
  }

  @AfterEach
  void close() {
    server.close(Duration.ZERO);
    loops.close();
  }

  private HttpMessage ask(String line, String... fields) {
    return askAt("127.0.0.1:" + port(), line, fields);
  }

  private HttpMessage askAt(String host, String line, String... fields) {
    var more = fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n";
    try (var client = RawClient.connect(port())) {
      return client.send(line + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n").read();
    }
  }

  private int port() {
    return server.addresses().getFirst().getPort();
  }

  private String bearer() {
    return "Authorization: Bearer " + token.value();
  }

  @Test
  void everything_but_probes_and_scrapes_needs_the_token() {
    assertThat(ask("GET /metrics").status()).isEqualTo(200);
    var refused = ask("GET /admin/routes");
    assertThat(refused.status()).isEqualTo(401);
    assertThat(refused.header("WWW-Authenticate")).contains("Bearer");
    assertThat(ask("GET /nowhere").status()).isEqualTo(401);
    assertThat(ask("GET /metrics/").status()).isEqualTo(401);
    assertThat(ask("GET /admin/routes", bearer()).bodyText()).isEqualTo("routes");
    assertThat(ask("GET /admin/routes", bearer() + "x").status()).isEqualTo(401);
    assertThat(ask("GET /admin/routes", bearer(), bearer()).status()).isEqualTo(401);
    assertThat(ask("GET /admin/routes", "Authorization: Basic " + token.value()).status())
        .isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "evil.example:9000",
        "edge.internal.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil"
      })
  void a_name_that_was_rebound_to_our_address_is_refused_even_with_the_token(String host) {
    assertThat(askAt(host, "GET /admin/routes", bearer()).status()).isEqualTo(403);
    assertThat(askAt(host, "GET /metrics").status()).isEqualTo(403);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "edge.internal:9000",
        "Edge.Internal",
        "127.0.0.1:9000",
        "localhost",
        "LOCALHOST:9000",
        "[::1]:9000"
      })
  void addresses_localhost_and_the_names_that_were_given_are_ours(String host) {
    assertThat(askAt(host, "GET /admin/routes", bearer()).status()).isEqualTo(200);
  }

  @Test
  void a_page_of_another_origin_must_not_act_even_with_the_cookie() {
    var cookie = signIn();
    assertThat(ask("GET /admin/routes", cookie).status()).isEqualTo(200);
    for (var origin : new String[] {"http://evil.example", "null", "https://127.0.0.1:" + port()}) {
      assertThat(ask("PUT /admin/limits/a", cookie, "Origin: " + origin).status())
          .as(origin)
          .isEqualTo(403);
    }
    assertThat(ask("PUT /admin/limits/a", cookie, "Origin: http://127.0.0.1:" + port()).status())
        .isEqualTo(204);
  }

  private String signIn() {
    var signedIn = ask("GET " + door.signInPath());
    assertThat(signedIn.status()).isEqualTo(303);
    var set = signedIn.header("Set-Cookie").orElseThrow();
    assertThat(set).contains("HttpOnly", "SameSite=Strict").doesNotContain(token.value());
    return "Cookie: a=b; " + set.substring(0, set.indexOf(';'));
  }

  @Test
  void a_sign_in_link_works_once_and_a_wrong_one_never() {
    var link = door.signInPath();
    assertThat(ask("GET /sign-in").status()).isEqualTo(401);
    assertThat(ask("GET /sign-in?code=wrong").status()).isEqualTo(401);
    assertThat(ask("GET " + link).status()).isEqualTo(303);
    assertThat(ask("GET " + link).status()).isEqualTo(401);
    assertThat(ask("GET /sign-in?code=").status()).isEqualTo(401);
    assertThat(ask("GET /admin/routes", "Cookie: gatehouse_admin=forged").status()).isEqualTo(401);
  }

  @Test
  void the_token_stays_the_same_and_only_its_owner_can_read_it() throws IOException {
    var file = data.resolve("admin.token");
    assertThat(AdminToken.in(file, new SecureRandom()).value()).isEqualTo(token.value());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");

    Files.writeString(file, "short\n");
    assertThatThrownBy(() -> AdminToken.in(file, new SecureRandom()))
        .hasMessageContaining("too short");
  }
}
