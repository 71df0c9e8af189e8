package dev.gatehouse.observe;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Spans;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/// The metrics of this process on `GET /metrics`: as OpenMetrics text, as Prometheus' own binary
/// format (which alone carries native histograms), or as its plain text, whichever the scraper asks
/// for: plain text by `*/*`, since `promtool check metrics` reads nothing else, and OpenMetrics
/// where nothing is asked.
///
/// Labels come from closed sets: a route's name and a method we know, never a raw path, so that no
/// client can make a time series. What others count already is read when it is scraped, so it costs
/// requests nothing.
public final class Metrics {
  private static final ExpositionFormats FORMATS = ExpositionFormats.init();
  private static final String OPEN = OpenMetricsTextFormatWriter.CONTENT_TYPE;

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final Counter requests;
  private final Counter responses;
  private final Counter failures;
  private final Histogram durations;
  private final Map<String, EndpointMetrics> endpoints = new ConcurrentHashMap<>();

  public Metrics() {
    requests =
        Counter.builder()
            .name("request_counter_total")
            .help("Requests answered, by method and endpoint.")
            .labelNames("method", "endpoint")
            .withoutExemplars()
            .register(registry);
    responses =
        Counter.builder()
            .name("gatehouse_responses_total")
            .help("Answers by endpoint and class of status; none: the client left before one.")
            .labelNames("endpoint", "code")
            .withoutExemplars()
            .register(registry);
    failures =
        Counter.builder()
            .name("gatehouse_failures_total")
            .help("Tries and answers that failed, by endpoint and kind of failure.")
            .labelNames("endpoint", "failure")
            .withoutExemplars()
            .register(registry);
    durations =
        Histogram.builder()
            .name("http_request_duration_seconds")
            .help("From a request's head to the end of its answer, by endpoint.")
            .labelNames("endpoint")
            .classicUpperBounds(
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
            .nativeInitialSchema(3)
            .nativeMaxNumberOfBuckets(100)
            .register(registry);
    counter(
        "gatehouse_spans_lost", "Spans of traces that found no room or no receiver.", Spans::lost);
  }

  /// Adds the JVM's own: memory, collections, threads. Costs some start-up time, so call it once
  /// all else runs.
  public void jvm() {
    JvmMetrics.builder().register(registry);
  }

  /// The series of one endpoint; ask once and keep it.
  public EndpointMetrics endpoint(String name) {
    return endpoints.computeIfAbsent(
        name, fresh -> new EndpointMetrics(fresh, requests, responses, failures, durations));
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

  /// Gauges read at each scrape, by the values of their labels, which must be a closed set.
  public void gauges(
      String name,
      String help,
      List<String> labels,
      Supplier<? extends Map<List<String>, Double>> values) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .labelNames(labels.toArray(String[]::new))
        .callback(callback ->
            values.get().forEach((of, value) -> callback.call(value, of.toArray(String[]::new))))
        .register(registry);
  }

  /// `GET /metrics`.
  public Routes routes() {
    return Routes.builder().get("/metrics", this::scrape).build();
  }

  private Response scrape(Request request) {
    var wanted = FORMATS.findWriter(request.header("accept").orElse(OPEN));
    var text = new ByteArrayOutputStream(16 * 1024);
    try {
      wanted.write(text, registry.scrape());
    } catch (IOException e) {
      throw Problem.internal().refusal();
    }
    return Response.of(200, wanted.getContentType(), text.toByteArray()).with("Vary", "Accept");
  }
}
