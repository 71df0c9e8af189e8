package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class AdminDoorTest {
  private final Http admin = new Http(Shared.program().adminPort());
  private final Path tokenFile = Shared.program().data().resolve("admin.token");
  private final String token = read(tokenFile).strip();

  @ParameterizedTest
  @ValueSource(strings = {"/admin/routes", "/admin/upstreams", "/admin/config"})
  void the_admin_api_needs_the_token(String path) {
    problem(admin.get(path), 401);
    problem(admin.get(path, "Authorization", "Bearer wrong"), 401);
    problem(admin.get(path, "Authorization", "Bearer "), 401);
    problem(admin.get(path, "Authorization", "Basic " + token), 401);
    problem(admin.get(path, "Authorization", token), 401);
    problem(admin.get(path, "Authorization", "Bearer " + token.substring(1)), 401);
    var answer = admin.get(path, "Authorization", "Bearer " + token);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer).isEmpty()).isFalse();
    methodNotAllowed(admin.post(path, "{}", "Authorization", "Bearer " + token), "GET", "HEAD");
  }

  @Test
  void an_unknown_admin_path_tells_nothing_without_the_token() {
    problem(admin.get("/admin/nothing"), 401);
    problem(admin.get("/admin/nothing", "Authorization", "Bearer " + token), 404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/healthz", "/readyz", "/metrics", "/prometheus/targets"})
  void probes_and_metrics_need_none(String path) {
    assertThat(admin.get(path).statusCode()).isEqualTo(200);
  }

  @Test
  void the_token_is_for_the_owner_s_eyes_only() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(tokenFile)))
        .isEqualTo("rw-------");
    assertThat(token.length()).isGreaterThanOrEqualTo(22);
  }

  @Test
  void up_prints_a_sign_in_link_and_where_everything_listens() {
    var log = Shared.program().log();
    assertThat(log).contains("http://127.0.0.1:" + Shared.program().adminPort());
    assertThat(log).contains(":" + Shared.program().edgePort());
    assertThat(log).contains(":" + Shared.program().countersPort());
  }

  @ParameterizedTest
  @ValueSource(strings = {"evil.example", "evil.example:9000", "127.0.0.1.evil.example"})
  void a_foreign_host_is_refused_even_with_the_token(String host) {
    for (var path : List.of("/admin/config", "/readyz", "/metrics")) {
      var answer =
          raw(
              "GET "
                  + path
                  + " HTTP/1.1\r\nHost: "
                  + host
                  + "\r\nAuthorization: Bearer "
                  + token
                  + "\r\n\r\n");
      if (path.startsWith("/admin")) {
        assertThat(answer.status()).as(path).isIn(400, 403, 421);
      }
      assertThat(answer.bodyText()).doesNotContain("storage");
    }
  }

  @Test
  void the_own_host_is_welcome_by_name_and_by_address() {
    int port = Shared.program().adminPort();
    for (var host : List.of("127.0.0.1:" + port, "localhost:" + port)) {
      assertThat(
              raw("GET /admin/config HTTP/1.1\r\nHost: "
                      + host
                      + "\r\nAuthorization: Bearer "
                      + token
                      + "\r\n\r\n")
                  .status())
          .as(host)
          .isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://evil.example", "null", "https://127.0.0.1.evil.example"})
  void a_foreign_origin_is_refused_even_with_the_token(String origin) {
    var answer = admin.get("/admin/config", "Authorization", "Bearer " + token, "Origin", origin);
    problem(answer, 403);
  }

  @Test
  void routes_upstreams_and_config_say_what_is_in_force_and_where_it_came_from() {
    var routes = signedIn("/admin/routes");
    assertThat(routes).contains("/data", "/increment", "meli");
    var upstreams = signedIn("/admin/upstreams");
    assertThat(upstreams).contains("meli", "storage");
    var config = signedIn("/admin/config");
    assertThat(config)
        .contains("admin.listen", Shared.meli().url(), "environment GATEHOUSE_ADMIN_LISTEN");
    assertThat(config).doesNotContain(token);
  }

  @Test
  void the_edge_s_ports_have_no_admin_door() {
    for (var http : List.of(Shared.edge(), Shared.counters())) {
      problem(http.get("/admin/config", "Authorization", "Bearer " + token), 404);
      problem(http.get("/metrics"), 404);
    }
  }

  private String signedIn(String path) {
    return admin.get(path, "Authorization", "Bearer " + token).body();
  }

  private static HttpMessage raw(String request) {
    try (var client = RawClient.connect(Shared.program().adminPort())) {
      return client.send(request).read();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
