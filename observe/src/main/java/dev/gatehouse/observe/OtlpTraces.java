package dev.gatehouse.observe;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Spans;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sends spans to a collector by OTLP over HTTP, in the protocol's JSON form
/// (opentelemetry.io/docs/specs/otlp, section "JSON Protobuf Encoding").
///
/// Spans wait in a [Backlog] and go in batches; while the collector cannot be reached they are
/// lost, which is said once, and nothing waits for them. It is written without OpenTelemetry's SDK,
/// which no replica would load otherwise.
public final class OtlpTraces implements Spans.Sink, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OtlpTraces.class);
  private static final int MOST = 4096;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final URI endpoint;
  private final double share;
  private final DoubleSupplier draw;
  private final LongSupplier nanos;
  private final long offset;
  private final List<Map<String, Object>> resource;
  private final HttpClient http;
  private final Backlog<Spans.Span> backlog;

  /// The sending thread's alone.
  private boolean away;

  private OtlpTraces(
      Settings settings, InstantSource clock, LongSupplier nanos, DoubleSupplier draw) {
    this.endpoint = settings.endpoint;
    this.share = settings.share;
    this.draw = draw;
    this.nanos = nanos;
    var now = clock.instant();
    this.offset =
        TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - nanos.getAsLong();
    this.resource =
        attributes(
            Map.of(
                "service.name",
                settings.process.replaceFirst("-\\d+$", ""),
                "service.instance.id",
                settings.process,
                "service.namespace",
                "gatehouse",
                "service.version",
                settings.version));
    this.http = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    this.backlog = Backlog.start("traces", MOST, this::send);
  }

  /// @param endpoint where batches are posted, such as `http://127.0.0.1:4318/v1/traces`
  /// @param share of the traces that begin here, from 0 to 1
  /// @param process whose spans these are, such as `storage-2`
  public record Settings(URI endpoint, double share, String process, String version) {}

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

  /// Spans that found no room.
  public long dropped() {
    return backlog.dropped();
  }

  private void send(List<Spans.Span> spans) {
    try {
      var request =
          HttpRequest.newBuilder(endpoint)
              .timeout(PATIENCE)
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofByteArray(Json.bytes(message(spans))))
              .build();
      int status = http.send(request, BodyHandlers.discarding()).statusCode();
      if (status / 100 == 2) {
        if (away) {
          away = false;
          LOG.info("traces go to {} again", endpoint);
        }
      } else {
        lost("it answered " + status);
      }
    } catch (IOException e) {
      lost(String.valueOf(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      lost(String.valueOf(e));
    }
  }

  private void lost(String why) {
    if (!away) {
      away = true;
      LOG.warn("traces cannot be sent to {} ({}); they are lost until they can", endpoint, why);
    }
  }

  private Map<String, Object> message(List<Spans.Span> spans) {
    var all = new ArrayList<Map<String, Object>>();
    spans.forEach(span -> all.add(shown(span)));
    return Map.of(
        "resourceSpans",
        List.of(
            Map.of(
                "resource",
                Map.of("attributes", resource),
                "scopeSpans",
                List.of(Map.of("scope", Map.of("name", "gatehouse"), "spans", all)))));
  }

  /// Ids in hexadecimal, 64-bit numbers as text, enums as numbers: so the specification has it.
  private Map<String, Object> shown(Spans.Span span) {
    var members = new LinkedHashMap<String, Object>();
    members.put("traceId", span.trace().id());
    members.put("spanId", span.trace().span());
    if (!span.parent().isEmpty()) {
      members.put("parentSpanId", span.parent());
    }
    members.put("name", span.name());
    members.put("kind", number(span.kind()));
    members.put("startTimeUnixNano", Long.toString(span.began() + offset));
    members.put("endTimeUnixNano", Long.toString(span.ended() + offset));
    members.put("attributes", attributes(span.attributes()));
    span.failure().ifPresent(why -> members.put("status", Map.of("code", 2, "message", why)));
    return members;
  }

  private static int number(Spans.Kind kind) {
    return switch (kind) {
      case INTERNAL -> 1;
      case SERVER -> 2;
      case CLIENT -> 3;
      case PRODUCER -> 4;
      case CONSUMER -> 5;
    };
  }

  private static List<Map<String, Object>> attributes(Map<String, Object> values) {
    var all = new ArrayList<Map<String, Object>>();
    values.forEach((name, value) ->
        all.add(
            Map.of(
                "key",
                name,
                "value",
                value instanceof Number number
                    ? Map.of("intValue", Long.toString(number.longValue()))
                    : Map.of("stringValue", value.toString()))));
    return all;
  }

  @Override
  public void close() {
    backlog.close();
    http.shutdownNow();
  }
}
