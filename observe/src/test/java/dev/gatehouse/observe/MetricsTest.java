package dev.gatehouse.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.Call;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private final Metrics metrics = new Metrics();

  private String scraped() {
    var answer = Call.of(metrics.routes(), "GET", "/metrics").send();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Content-Type").orElse("")).startsWith("application/openmetrics-text");
    return answer.bodyText();
  }

  @Test
  void requests_are_counted_by_method_and_endpoint_and_timed_by_endpoint() {
    metrics.request("GET", "data", 2_000_000);
    metrics.request("GET", "data", 30_000_000_000L);
    metrics.request("PUT", "data", 1);

    assertThat(scraped())
        .contains("request_counter_total{endpoint=\"data\",method=\"GET\"} 2.0")
        .contains("request_counter_total{endpoint=\"data\",method=\"PUT\"} 1.0")
        .contains("http_request_duration_seconds_bucket{endpoint=\"data\",le=\"0.0025\"} 2")
        .contains("http_request_duration_seconds_bucket{endpoint=\"data\",le=\"10.0\"} 2")
        .contains("http_request_duration_seconds_count{endpoint=\"data\"} 3")
        .endsWith("# EOF\n");
  }

  @Test
  void no_client_can_make_a_time_series_by_inventing_methods() {
    for (int i = 0; i < 100; i++) {
      metrics.request("METHOD" + i, "data", 1);
    }

    assertThat(scraped())
        .contains("request_counter_total{endpoint=\"data\",method=\"OTHER\"} 100.0")
        .doesNotContain("METHOD");
  }

  @Test
  void failures_and_gauges_are_told() {
    metrics.failure("meli", "origin-refused");
    metrics.gauge("gatehouse_edge_connections", "Connections of clients.", () -> 7);

    assertThat(scraped())
        .contains("gatehouse_failures_total{endpoint=\"meli\",failure=\"origin-refused\"} 1.0")
        .contains("gatehouse_edge_connections 7.0");
  }
}
