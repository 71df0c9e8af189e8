package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Traces from the edge to services, statements and jobs, as a receiver of OTLP gets them.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TracesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final JsonMapper JSON = new JsonMapper();
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319";

  /// A span as it came, with the service that sent it.
  private record Got(String service, JsonNode span) {
    String text(String name) {
      return span.path(name).asString("");
    }

    Optional<String> attribute(String name) {
      for (var attribute : span.path("attributes")) {
        if (attribute.path("key").asString().equals(name)) {
          var value = attribute.path("value");
          return Optional.of(
              value.path("stringValue").asString(value.path("intValue").asString("")));
        }
      }
      return Optional.empty();
    }
  }

  private final RecordingOrigin origin = RecordingOrigin.start();
  private final List<Got> received = new CopyOnWriteArrayList<>();
  private final AtomicInteger next = new AtomicInteger();
  private Optional<HttpServer> receiver = Optional.empty();
  private ProgramUnderTest program = ProgramUnderTest.assembly("");

  @BeforeAll
  void start() throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/v1/traces",
        exchange -> {
          take(JSON.readTree(exchange.getRequestBody().readAllBytes()));
          exchange.getResponseHeaders().add("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, 2);
          try (var out = exchange.getResponseBody()) {
            out.write(new byte[] {'{', '}'});
          }
        });
    server.start();
    receiver = Optional.of(server);
    origin.answering(RecordingOrigin.ok("in"));
    program =
        ProgramUnderTest.assembly(
                """
                traces: {endpoint: "http://127.0.0.1:%d", sample: 0}
                edge: {trusted-proxies: [127.0.0.1]}
                services: {storage: {replicas: 1}, multivac: {workers: 1}}
                upstreams: {far: "%s"}
                routes:
                  - {name: documents, match: {path: /data/**}, to: storage}
                  - {name: asker, match: {path: /multivac/**}, to: multivac}
                  - {name: rest, match: {path: /**}, to: far}
                """
                    .formatted(server.getAddress().getPort(), origin.url()))
            .start();
  }

  @AfterAll
  void close() {
    program.close();
    origin.close();
    receiver.ifPresent(server -> server.stop(0));
  }

  private void take(JsonNode message) {
    for (var resource : message.path("resourceSpans")) {
      var service =
          new Got("", resource.path("resource")).attribute("service.name").orElse("nobody");
      for (var scope : resource.path("scopeSpans")) {
        scope.path("spans").forEach(span -> received.add(new Got(service, span)));
      }
    }
  }

  @Test
  void a_trace_has_the_edge_its_try_the_handler_and_each_statement_one_below_the_other() {
    var trace = trace();
    assertThat(send("PUT", "/data/traced/one", "{\"a\":1}", trace, "01")).isEqualTo(201);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(below(trace, "insert", "INSERT", "WITH")).isPresent());
    var edge = find(trace, "PUT documents");
    assertThat(edge.service()).isEqualTo("edge");
    assertThat(edge.text("parentSpanId")).isEqualTo("b7ad6b7169203331");
    assertThat(edge.attribute("http.response.status_code")).contains("201");
    var attempt = find(trace, "PUT storage");
    assertThat(attempt.text("parentSpanId")).isEqualTo(edge.text("spanId"));
    assertThat(attempt.attribute("gatehouse.replica")).contains("storage-1");
    var handler = find(trace, "PUT /data/{partition}/{id}");
    assertThat(handler.service()).isEqualTo("storage");
    assertThat(handler.text("parentSpanId")).isEqualTo(attempt.text("spanId"));
    var statement = below(trace, "insert", "INSERT", "WITH").orElseThrow();
    assertThat(statement.text("parentSpanId")).isEqualTo(handler.text("spanId"));
    assertThat(statement.attribute("db.query.text").orElse("")).doesNotContain("traced");
    for (var span : of(trace)) {
      assertThat(Long.parseLong(span.text("endTimeUnixNano")))
          .isGreaterThanOrEqualTo(Long.parseLong(span.text("startTimeUnixNano")));
    }
  }

  @Test
  void a_job_is_part_of_the_trace_of_the_request_that_put_it_in() {
    var trace = trace();
    assertThat(send("POST", "/multivac/data", "data=traced", trace, "01")).isEqualTo(200);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(of(trace)).extracting(span -> span.text("name")).contains("job datum"));
    assertThat(find(trace, "job datum").service()).isEqualTo("worker");
    assertThat(find(trace, "job datum").text("parentSpanId"))
        .isEqualTo(find(trace, "POST /multivac/data").text("spanId"));
  }

  @Test
  void an_origin_gets_the_trace_with_the_span_of_its_try() {
    var trace = trace();
    assertThat(send("GET", "/far", "", trace, "01")).isEqualTo(200);
    await().atMost(PATIENCE).until(() -> of(trace).size() >= 2);
    assertThat(origin.lastReceived().headers("traceparent"))
        .containsExactly("00-" + trace + "-" + find(trace, "GET far").text("spanId") + "-01");
  }

  @Test
  void what_is_not_sampled_goes_on_with_its_trace_and_is_not_sent() {
    var trace = trace();
    assertThat(send("GET", "/far", "", trace, "00")).isEqualTo(200);
    assertThat(origin.lastReceived().headers("traceparent").getFirst()).contains(trace);
    assertThat(send("GET", "/far", "", "no-trace", "zz")).isEqualTo(200);
    assertThat(origin.lastReceived().headers("traceparent"))
        .singleElement()
        .asString()
        .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-00");
    var later = trace();
    send("GET", "/far", "", later, "01");
    await().atMost(PATIENCE).until(() -> !of(later).isEmpty());
    assertThat(of(trace)).isEmpty();
  }

  private String trace() {
    return TRACE + Integer.toHexString(next.incrementAndGet());
  }

  private List<Got> of(String trace) {
    return received.stream().filter(span -> span.text("traceId").equals(trace)).toList();
  }

  private Got find(String trace, String name) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(
                    of(trace).stream().map(span -> span.text("name")).collect(Collectors.toList()))
                .contains(name));
    return of(trace).stream()
        .filter(span -> span.text("name").equals(name))
        .findFirst()
        .orElseThrow();
  }

  private Optional<Got> below(String trace, String... names) {
    return of(trace).stream()
        .filter(span -> List.of(names).contains(span.text("name")))
        .findFirst();
  }

  private int send(String method, String path, String body, String trace, String flags) {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + program.edgePort() + path))
            .timeout(PATIENCE)
            .header("traceparent", "00-" + trace + "-b7ad6b7169203331-" + flags)
            .header(
                "Content-Type",
                path.equals("/multivac/data")
                    ? "application/x-www-form-urlencoded"
                    : "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    try {
      return HTTP.send(request, BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
