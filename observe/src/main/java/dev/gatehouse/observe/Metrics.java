package dev.gatehouse.observe;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// The metrics of this process, as OpenMetrics text on `GET /metrics`.
///
/// Labels come from closed sets: a route's name and a method we know, never a raw path, so that no
/// client can make a time series.
public final class Metrics {
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final Counter requests;
  private final Counter failures;
  private final Histogram durations;

  /// The time series of one endpoint: finding them by their labels costs more than counting.
  private record Endpoint(
      DistributionDataPoint durations, Map<String, CounterDataPoint> requests) {}

  private final Map<String, Endpoint> endpoints = new ConcurrentHashMap<>();

  public Metrics() {
    requests =
        Counter.builder()
            .name("request_counter_total")
            .help("Requests answered, by method and endpoint.")
            .labelNames("method", "endpoint")
            .register(registry);
    failures =
        Counter.builder()
            .name("gatehouse_failures_total")
            .help("Tries and answers that failed, by endpoint and kind of failure.")
            .labelNames("endpoint", "failure")
            .register(registry);
    durations =
        Histogram.builder()
            .name("http_request_duration_seconds")
            .help("From a request's head to the end of its answer, by endpoint.")
            .labelNames("endpoint")
            .classicUpperBounds(
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
            .classicOnly()
            .register(registry);
  }

  /// Adds the JVM's own: memory, collections, threads. Costs some start-up time, so call it once
  /// all else runs.
  public void jvm() {
    JvmMetrics.builder().register(registry);
  }

  /// One request is over.
  public void request(String method, String endpoint, long nanos) {
    var series = endpoints.computeIfAbsent(endpoint, this::endpoint);
    var known = series.requests.get(method);
    (known == null ? requests.labelValues("OTHER", endpoint) : known).inc();
    series.durations.observe(nanos / 1e9);
  }

  private Endpoint endpoint(String name) {
    return new Endpoint(
        durations.labelValues(name),
        METHODS.stream()
            .collect(
                Collectors.toUnmodifiableMap(
                    method -> method, method -> requests.labelValues(method, name))));
  }

  public void failure(String endpoint, String failure) {
    failures.labelValues(endpoint, failure).inc();
  }

  /// A counter read at each scrape; `name` by Prometheus' conventions, without `_total`.
  public void counter(String name, String help, DoubleSupplier value) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  /// Counters read at each scrape, by the values of their labels, which must be a closed set.
  public void counters(
      String name,
      String help,
      List<String> labels,
      Supplier<? extends Map<List<String>, Double>> values) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames(labels.toArray(String[]::new))
        .callback(callback ->
            values.get().forEach((of, value) -> callback.call(value, of.toArray(String[]::new))))
        .register(registry);
  }

  /// A gauge read at each scrape; `name` by Prometheus' conventions, its unit last.
  public void gauge(String name, String help, DoubleSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  /// `GET /metrics`.
  public Routes routes() {
    return Routes.builder().get("/metrics", request -> scrape()).build();
  }

  private Response scrape() {
    var text = new ByteArrayOutputStream(16 * 1024);
    try {
      OpenMetricsTextFormatWriter.create().write(text, registry.scrape());
    } catch (IOException e) {
      throw Problem.internal().refusal();
    }
    return Response.of(200, OpenMetricsTextFormatWriter.CONTENT_TYPE, text.toByteArray());
  }
}
