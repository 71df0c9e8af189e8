package dev.gatehouse.observe;

import dev.gatehouse.http.Trace;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.Optional;

/// The time series of one endpoint, found once: finding them by their labels costs more than
/// counting.
///
/// A method that we do not know is `OTHER`. Every 64th request, and every one that took long or has
/// a trace, leaves its id and the trace's as an exemplar, so that a bucket leads to lines of the
/// log and to spans; to make one for each request was refused, it allocates. Any thread may count.
public final class EndpointMetrics {
  private static final List<String> METHODS =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER");
  private static final List<String> CODES = List.of("none", "1xx", "2xx", "3xx", "4xx", "5xx");
  private static final long LONG_NANOS = 250_000_000;
  private static final int EVERY = 64;

  /// OpenMetrics gives an exemplar 128 characters, names of labels included, and a client may
  /// choose an id that is as long. Such an id is left out: half of one would lead nowhere.
  private static final int ID_LENGTH = 128 - "request_id".length() - "trace_id".length() - 32;

  private final String name;
  private final CounterDataPoint[] requests;
  private final CounterDataPoint[] responses;
  private final DistributionDataPoint durations;
  private final Counter failures;

  EndpointMetrics(
      String name, Counter requests, Counter responses, Counter failures, Histogram durations) {
    this.name = name;
    this.failures = failures;
    this.durations = durations.labelValues(name);
    this.requests =
        METHODS.stream()
            .map(method -> requests.labelValues(method, name))
            .toArray(CounterDataPoint[]::new);
    this.responses =
        CODES.stream()
            .map(code -> responses.labelValues(name, code))
            .toArray(CounterDataPoint[]::new);
  }

  /// One request is over.
  ///
  /// @param status 0 when nothing was sent
  /// @param trace the span it was, where its trace is sampled
  public void request(
      String method, int status, long nanos, String requestId, Optional<Trace> trace) {
    requests[index(method)].inc();
    int code = status / 100;
    responses[code < responses.length ? code : 0].inc();
    double seconds = nanos / 1e9;
    // The low bits of a duration are as good as drawn, and cost no counter that all loops share.
    if (nanos >= LONG_NANOS || (nanos >> 6) % EVERY == 0 || trace.isPresent()) {
      durations.observeWithExemplar(seconds, exemplar(requestId, trace));
    } else {
      durations.observe(seconds);
    }
  }

  private static Labels exemplar(String requestId, Optional<Trace> trace) {
    var request =
        requestId.length() > ID_LENGTH ? Labels.EMPTY : Labels.of("request_id", requestId);
    return trace.map(Trace::id).map(id -> request.add("trace_id", id)).orElse(request);
  }

  public void failure(String failure) {
    failures.labelValues(name, failure).inc();
  }

  private static int index(String method) {
    return switch (method) {
      case "GET" -> 0;
      case "HEAD" -> 1;
      case "POST" -> 2;
      case "PUT" -> 3;
      case "PATCH" -> 4;
      case "DELETE" -> 5;
      case "OPTIONS" -> 6;
      default -> 7;
    };
  }
}
