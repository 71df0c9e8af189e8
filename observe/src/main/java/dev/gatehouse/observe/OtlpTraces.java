package dev.gatehouse.observe;

import dev.gatehouse.http.Spans;
import io.opentelemetry.api.metrics.MeterProvider;
import io.opentelemetry.exporter.internal.FailedExportException.HttpExportException;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sends spans to a collector by OTLP over HTTP, with OpenTelemetry's exporter.
///
/// Spans wait in a [Backlog] and go in batches; while the collector cannot be reached they are
/// lost, which is counted and said once, and nothing waits for them. OpenTelemetry's own batch
/// processor was refused: how many it drops is known only to its metrics, which would be a second
/// metrics library. This class and [OtlpSpan] are all that knows OpenTelemetry, so a process
/// without an endpoint loads none of it.
///
/// ## Concurrency
///
/// Any thread ends spans. The backlog's thread hands a batch to the exporter, which sends it on a
/// thread of its own, and waits for it: so batches go one after the other and what is behind them
/// waits in the backlog, where there is an end to it.
public final class OtlpTraces implements Spans.Sink, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OtlpTraces.class);
  private static final int MOST = 4096;

  /// With all tries: the exporter repeats what may be well a moment later.
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final Duration LAST = Duration.ofMillis(500);

  /// It tells each failure anew, with a stack trace; we tell the first. Held, or it is forgotten.
  private static final java.util.logging.Logger LIBRARY =
      java.util.logging.Logger.getLogger("io.opentelemetry");

  private final URI endpoint;
  private final double share;
  private final DoubleSupplier draw;
  private final LongSupplier nanos;
  private final long offset;
  private final Resource resource;
  private final SpanExporter exporter;
  private final Backlog<Spans.Span> backlog;
  private final LongAdder refused = new LongAdder();

  /// The sending thread's alone.
  private boolean away;

  private OtlpTraces(
      Settings settings, InstantSource clock, LongSupplier nanos, DoubleSupplier draw) {
    LIBRARY.setLevel(Level.OFF);
    this.endpoint = settings.endpoint;
    this.share = settings.share;
    this.draw = draw;
    this.nanos = nanos;
    var now = clock.instant();
    this.offset =
        TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - nanos.getAsLong();
    this.resource = OtlpSpan.resource(settings);
    this.exporter =
        OtlpHttpSpanExporter.builder()
            .setEndpoint(endpoint.toString())
            .setConnectTimeout(PATIENCE)
            .setTimeout(PATIENCE)
            .setMeterProvider(MeterProvider.noop())
            .build();
    this.backlog = Backlog.start("traces", MOST, this::send);
  }

  /// @param endpoint where batches are posted, such as `http://127.0.0.1:4318/v1/traces`
  /// @param share of the traces that begin here, from 0 to 1
  /// @param service whose spans these are, such as `storage`
  /// @param process of that service, such as `storage-2`
  public record Settings(
      URI endpoint, double share, String service, String process, String version) {}

  /// @param draw a random number from 0 to below 1
  public static OtlpTraces start(
      Settings settings, InstantSource clock, LongSupplier nanos, DoubleSupplier draw) {
    return new OtlpTraces(settings, clock, nanos, draw);
  }

  @Override
  public long now() {
    return nanos.getAsLong();
  }

  @Override
  public boolean samples() {
    return draw.getAsDouble() < share;
  }

  @Override
  public void ended(Spans.Span span) {
    backlog.offer(span);
  }

  @Override
  public long lost() {
    return backlog.dropped() + refused.sum();
  }

  private void send(List<Spans.Span> spans) {
    var batch = new ArrayList<SpanData>(spans.size());
    spans.forEach(span -> batch.add(new OtlpSpan(span, resource, offset)));
    CompletableResultCode sent;
    try {
      sent = exporter.export(batch).join(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RuntimeException broken) {
      sent = CompletableResultCode.ofExceptionalFailure(broken);
    }
    if (!sent.isSuccess()) {
      refused.add(spans.size());
      if (!away) {
        away = true;
        LOG.warn(
            "traces cannot be sent to {} ({}); they are lost until they can", endpoint, why(sent));
      }
    } else if (away) {
      away = false;
      LOG.info("traces go to {} again", endpoint);
    }
  }

  /// The status is only in a class that the library keeps for itself.
  private static String why(CompletableResultCode failed) {
    var thrown = failed.getFailureThrowable();
    if (thrown == null) {
      return "no answer within " + PATIENCE.toSeconds() + " s";
    }
    if (thrown instanceof HttpExportException http && http.failedWithResponse()) {
      return "it answered " + http.getResponse().getStatusCode();
    }
    return String.valueOf(thrown.getCause() == null ? thrown : thrown.getCause());
  }

  /// What waits is sent if that is a matter of a moment. The exporter's end waits for what it has
  /// under way, so it is not waited for longer than that either.
  @Override
  public void close() {
    backlog.close();
    var end = Thread.ofPlatform().daemon().name("traces-end").start(exporter::shutdown);
    try {
      end.join(LAST);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    end.interrupt();
  }
}
