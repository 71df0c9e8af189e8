package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.FreePort;
import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What an assembly writes down of what it does, and how it is found again.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LogsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final JsonMapper JSON = new JsonMapper();

  private final RecordingOrigin origin = RecordingOrigin.start();
  private ProgramUnderTest program = ProgramUnderTest.assembly("");

  @BeforeAll
  void start() {
    origin.answering(RecordingOrigin.ok("in"));
    program =
        ProgramUnderTest.assembly(
                """
                log: {level: debug, access: true}
                services: {accounts: {}, storage: {replicas: 1}, multivac: {workers: 1}}
                upstreams: {far: "%s", dead: "http://127.0.0.1:%d"}
                routes:
                  - {name: accounts, match: {path: /api/**}, to: accounts}
                  - {name: documents, match: {path: /data/**}, to: storage}
                  - {name: asker, match: {path: /multivac/**}, to: multivac}
                  - {name: dead, match: {path: /dead}, to: dead}
                  - {name: key, match: {path: /key}, to: far, authenticate: api-key}
                  - {name: rest, match: {path: /**}, to: far}
                """
                    .formatted(origin.url(), FreePort.next()))
            .start();
  }

  @AfterAll
  void close() {
    program.close();
    origin.close();
  }

  @Test
  void the_access_log_says_route_replica_and_the_time_of_each_step() {
    var id = id();
    assertThat(send(id, "PUT", "/data/p/i?secret=x", "{}").statusCode()).isEqualTo(201);
    var line = access(id);
    assertThat(line.path("gatehouse.route").asString()).isEqualTo("documents");
    assertThat(line.path("gatehouse.replica").asString()).isEqualTo("storage-1");
    assertThat(line.path("http.request.method").asString()).isEqualTo("PUT");
    assertThat(line.path("url.path").asString()).isEqualTo("/data/p/i");
    assertThat(line.path("http.response.status_code").asInt()).isEqualTo(201);
    assertThat(line.path("client.ip").asString()).isEqualTo("127.0.0.1");
    assertThat(line.path("event.outcome").asString()).isEqualTo("success");
    assertThat(line.path("service.node.name").asString()).isEqualTo("edge");
    long steps = 0;
    for (var step : List.of("filters", "wait", "origin", "body")) {
      assertThat(line.has("gatehouse.step." + step)).as(step).isTrue();
      steps += line.path("gatehouse.step." + step).asLong();
    }
    assertThat(steps).isEqualTo(line.path("event.duration").asLong());
  }

  @Test
  void a_failure_is_one_line_that_says_who_failed_and_how() {
    var id = id();
    assertThat(send(id, "GET", "/dead", "").statusCode()).isEqualTo(502);
    var line = access(id);
    assertThat(line.path("log.level").asString()).isEqualTo("WARN");
    assertThat(line.path("event.outcome").asString()).isEqualTo("failure");
    assertThat(line.path("gatehouse.failure").asString()).isEqualTo("origin-refused");
    assertThat(line.path("gatehouse.blame").asString()).isEqualTo("origin");
    assertThat(line.path("message").asString())
        .contains("502", "the origin refused the connection");
    assertThat(lines("--request", id, "--level", "warn")).hasSize(1);
  }

  @Test
  void one_request_is_found_by_its_id_from_the_edge_to_its_job() {
    var id = id();
    assertThat(send(id, "POST", "/multivac/data", "data=fact").statusCode()).isEqualTo(200);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(lines("--request", id))
                .extracting(line -> line.path("service.name").asString())
                .contains("edge", "worker"));
    assertThat(lines("--request", id, "--service", "worker"))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(line.path("http.request.id").asString()).isEqualTo(id));
  }

  @Test
  void no_line_of_any_process_holds_a_secret() {
    var mark = "S3CRET" + UUID.randomUUID().toString().replace("-", "");
    var user = "{\"email\":\"a@example.org\",\"password\":\"" + mark + "-password\"}";
    var id = id();
    send(id, "POST", "/api/users", user);
    send(id, "POST", "/api/users", user);
    send(id, "POST", "/api/sessions", user.replace("password\"}", "wrong\"}"));
    var session = send(id, "POST", "/api/sessions", user);
    assertThat(session.statusCode()).isEqualTo(201);
    var cookie = session.headers().firstValue("Set-Cookie").orElseThrow().split(";", 2)[0];
    var token = cookie.substring(cookie.indexOf('=') + 1);
    for (var path : List.of("/key", "/dead", "/data/p/none", "/api/sessions", "/elsewhere")) {
      send(
          id,
          "GET",
          path + "?token=" + mark + "-query",
          "",
          "Cookie",
          cookie + "; other=" + mark + "-cookie",
          "Authorization",
          "Bearer " + mark + "-bearer",
          "X-Api-Key",
          mark + "-key");
    }
    send(id, "POST", "/multivac/data", "data=" + mark + "-datum");
    send(id, "PUT", "/data/p/s", "{\"broken\":\"" + mark + "-document\"");
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(lines("--request", id)).hasSizeGreaterThan(10));
    var everything = program.log() + program.run("logs", "--json").out();
    assertThat(everything).contains(id).doesNotContain(mark).doesNotContain(token);
  }

  @Test
  void logs_can_be_read_by_service_level_and_age_also_when_nothing_runs() {
    await().atMost(PATIENCE).until(() -> !lines("--service", "worker").isEmpty());
    assertThat(lines("--service", "worker"))
        .allSatisfy(
            line -> assertThat(line.path("service.node.name").asString()).isEqualTo("worker-1"));
    assertThat(lines("--service", "worker-9")).isEmpty();
    assertThat(lines("--level", "info"))
        .noneSatisfy(line -> assertThat(line.path("log.level").asString()).isEqualTo("DEBUG"));
    assertThat(lines("--since", "1h")).hasSizeGreaterThan(10);
    var text = program.run("logs", "--service", "edge").out();
    assertThat(text).contains("edge       | 20").contains("event loops on");
    assertThat(program.run("logs", "--level", "loud").err()).contains("'loud' is no level");
    program.stop();
    assertThat(program.run("logs").out()).contains("supervisor | ", "stopping: the edge first");
    program.start();
  }

  private static String id() {
    return "r-" + UUID.randomUUID();
  }

  private JsonNode access(String id) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(accessLines(id)).as(program::log).hasSize(1));
    return accessLines(id).getFirst();
  }

  private List<JsonNode> accessLines(String id) {
    return lines("--request", id).stream()
        .filter(line -> line.path("event.dataset").asString("").equals("gatehouse.access"))
        .toList();
  }

  private List<JsonNode> lines(String... options) {
    var words = new java.util.ArrayList<>(List.of("logs", "--json"));
    words.addAll(List.of(options));
    var shown = program.run(words.toArray(String[]::new));
    assertThat(shown.exit()).as(shown.err()).isZero();
    return shown.out().lines().map(JSON::readTree).toList();
  }

  private HttpResponse<String> send(
      String id, String method, String path, String body, String... headers) {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + program.edgePort() + path))
            .timeout(PATIENCE)
            .header("X-Request-Id", id)
            .header(
                "Content-Type",
                path.equals("/multivac/data")
                    ? "application/x-www-form-urlencoded"
                    : "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      return HTTP.send(request.build(), BodyHandlers.ofString());
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
