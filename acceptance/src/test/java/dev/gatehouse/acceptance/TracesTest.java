package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import dev.gatehouse.testkit.TraceReceiver;
import dev.gatehouse.testkit.TraceReceiver.Got;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Traces from the edge to services, statements and jobs, as a receiver of OTLP gets them.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TracesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319";

  private final RecordingOrigin origin = RecordingOrigin.start();
  private final TraceReceiver receiver = TraceReceiver.start();
  private final AtomicInteger next = new AtomicInteger();
  private ProgramUnderTest program = ProgramUnderTest.assembly("");

  @BeforeAll
  void start() {
    origin.answering(RecordingOrigin.ok("in"));
    program =
        ProgramUnderTest.assembly(
                """
                traces: {endpoint: "%s", sample: 0}
                edge: {trusted-proxies: [127.0.0.1]}
                services: {storage: {replicas: 1}, multivac: {workers: 1}}
                upstreams: {far: "%s"}
                routes:
                  - {name: documents, match: {path: /data/**}, to: storage}
                  - {name: asker, match: {path: /multivac/**}, to: multivac}
                  - {name: rest, match: {path: /**}, to: far}
                """
                    .formatted(receiver.url(), origin.url()))
            .start();
  }

  @AfterAll
  void close() {
    program.close();
    origin.close();
    receiver.close();
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
    assertThat(edge.parentId()).isEqualTo("b7ad6b7169203331");
    assertThat(edge.attribute("http.response.status_code")).contains("201");
    var attempt = find(trace, "PUT storage");
    assertThat(attempt.parentId()).isEqualTo(edge.spanId());
    assertThat(attempt.attribute("gatehouse.replica")).contains("storage-1");
    var handler = find(trace, "PUT /data/{partition}/{id}");
    assertThat(handler.service()).isEqualTo("storage");
    assertThat(handler.parentId()).isEqualTo(attempt.spanId());
    var statement = below(trace, "insert", "INSERT", "WITH").orElseThrow();
    assertThat(statement.parentId()).isEqualTo(handler.spanId());
    assertThat(statement.attribute("db.query.text").orElse("")).doesNotContain("traced");
    for (var span : of(trace)) {
      assertThat(span.span().getEndTimeUnixNano())
          .isGreaterThanOrEqualTo(span.span().getStartTimeUnixNano());
    }
  }

  @Test
  void a_job_is_part_of_the_trace_of_the_request_that_put_it_in() {
    var trace = trace();
    assertThat(send("POST", "/multivac/data", "data=traced", trace, "01")).isEqualTo(200);
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> assertThat(of(trace)).extracting(span -> span.name()).contains("job datum"));
    assertThat(find(trace, "job datum").service()).isEqualTo("worker");
    assertThat(find(trace, "job datum").parentId())
        .isEqualTo(find(trace, "POST /multivac/data").spanId());
  }

  @Test
  void an_origin_gets_the_trace_with_the_span_of_its_try() {
    var trace = trace();
    assertThat(send("GET", "/far", "", trace, "01")).isEqualTo(200);
    await().atMost(PATIENCE).until(() -> of(trace).size() >= 2);
    assertThat(origin.lastReceived().headers("traceparent"))
        .containsExactly("00-" + trace + "-" + find(trace, "GET far").spanId() + "-01");
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
    return receiver.of(trace);
  }

  private Got find(String trace, String name) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(of(trace).stream().map(span -> span.name()).collect(Collectors.toList()))
                .contains(name));
    return of(trace).stream().filter(span -> span.name().equals(name)).findFirst().orElseThrow();
  }

  private Optional<Got> below(String trace, String... names) {
    return of(trace).stream().filter(span -> List.of(names).contains(span.name())).findFirst();
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
