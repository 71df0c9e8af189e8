package dev.gatehouse.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Trace;
import dev.gatehouse.testkit.Call;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private final Metrics metrics = new Metrics();

  private String scraped() {
    return scraped("application/openmetrics-text;version=1.0.0", "application/openmetrics-text");
  }

  private String scraped(String accept, String type) {
    var answer = Call.of(metrics.routes(), "GET", "/metrics").with("Accept", accept).send();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Content-Type").orElse("")).startsWith(type);
    return answer.bodyText();
  }

  @Test
  void requests_are_counted_by_method_and_endpoint_and_timed_by_endpoint() {
    var data = metrics.endpoint("data");
    data.request("GET", 200, 2_000_000, "id-1", Optional.empty());
    data.request("GET", 200, 30_000_000_000L, "id-2", Optional.empty());
    data.request("PUT", 0, 1, "id-3", Optional.empty());

    assertThat(scraped())
        .contains("request_counter_total{endpoint=\"data\",method=\"GET\"} 2.0")
        .contains("request_counter_total{endpoint=\"data\",method=\"PUT\"} 1.0")
        .contains("http_request_duration_seconds_bucket{endpoint=\"data\",le=\"0.0025\"} 2")
        .contains("http_request_duration_seconds_bucket{endpoint=\"data\",le=\"10.0\"} 2")
        .contains("gatehouse_responses_total{code=\"2xx\",endpoint=\"data\"} 2.0")
        .contains("gatehouse_responses_total{code=\"none\",endpoint=\"data\"} 1.0")
        .contains("http_request_duration_seconds_count{endpoint=\"data\"} 3")
        .endsWith("# EOF\n");
  }

  @Test
  void no_client_can_make_a_time_series_by_inventing_methods() {
    for (int i = 0; i < 100; i++) {
      metrics.endpoint("data").request("METHOD" + i, 200, 1, "id", Optional.empty());
    }

    assertThat(scraped())
        .contains("request_counter_total{endpoint=\"data\",method=\"OTHER\"} 100.0")
        .doesNotContain("METHOD");
  }

  @Test
  void failures_and_gauges_are_told() {
    metrics.endpoint("meli").failure("origin-refused");
    metrics.gauge("gatehouse_edge_connections", "Connections of clients.", () -> 7);

    assertThat(scraped())
        .contains("gatehouse_failures_total{endpoint=\"meli\",failure=\"origin-refused\"} 1.0")
        .contains("gatehouse_edge_connections 7.0");
  }

  @Test
  void a_slow_request_leaves_its_id_where_prometheus_looks_for_examples() {
    metrics.endpoint("data").request("GET", 200, 3_000_000_000L, "slow-one", Optional.empty());

    await()
        .untilAsserted(() ->
            assertThat(scraped().lines())
                .anyMatch(line ->
                    line.contains("le=\"5.0\"") && line.contains("{request_id=\"slow-one\"} 3.0")));
  }

  @Test
  void a_request_of_a_sampled_trace_leaves_the_trace_s_id_however_short_it_was() {
    var trace = Trace.fresh();
    metrics.endpoint("data").request("GET", 200, 64, "traced", Optional.of(trace));

    await()
        .untilAsserted(() ->
            assertThat(scraped())
                .contains("{request_id=\"traced\",trace_id=\"" + trace.id() + "\"}"));
  }

  @Test
  void an_exemplar_is_never_longer_than_openmetrics_allows() {
    var endpoint = metrics.endpoint("data");
    endpoint.request("GET", 200, 3_000_000_000L, "x".repeat(128), Optional.of(Trace.fresh()));

    await()
        .untilAsserted(
            () -> assertThat(scraped()).contains("# {trace_id=").doesNotContain("request_id"));
  }

  @Test
  void
      whoever_takes_anything_gets_the_plain_text_that_promtool_reads_and_whoever_says_nothing_open_metrics() {
    metrics.endpoint("data").request("GET", 200, 3_000_000_000L, "slow-one", Optional.empty());

    assertThat(scraped("*/*", "text/plain"))
        .contains("# TYPE request_counter_total counter")
        .doesNotContain("slow-one");
    assertThat(Call.of(metrics.routes(), "GET", "/metrics").send().bodyText()).endsWith("# EOF\n");
  }

  @Test
  void whoever_reads_the_binary_format_gets_native_histograms() {
    metrics.endpoint("data").request("GET", 200, 1_000_000, "id", Optional.empty());

    assertThat(
            scraped(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                    + "encoding=delimited",
                "application/vnd.google.protobuf"))
        .contains("http_request_duration_seconds");
  }
}
