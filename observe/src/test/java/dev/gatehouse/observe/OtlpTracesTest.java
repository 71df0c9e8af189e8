package dev.gatehouse.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Spans;
import dev.gatehouse.http.Spans.Kind;
import dev.gatehouse.testkit.TraceReceiver;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OtlpTracesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

  private final TraceReceiver receiver = TraceReceiver.start();
  private final AtomicInteger drawn = new AtomicInteger();
  private long nanos = 5_000;

  @AfterEach
  void close() {
    Spans.into(Optional.empty());
    receiver.close();
  }

  @Test
  void a_span_arrives_with_all_that_was_noted() {
    try (var traces = into(receiver.endpoint(), 1)) {
      Spans.into(Optional.of(traces));
      var first = Spans.root(Optional.empty(), "PUT documents", 4_000).orElseThrow();
      var second =
          Spans.begin(Optional.of(first.trace()), Kind.CLIENT, "PUT storage", 500).orElseThrow();
      nanos = 9_000;
      second.with("gatehouse.replica", "storage-1").failed("refused").end();
      first.with("http.response.status_code", 201).end();
      await().atMost(PATIENCE).until(() -> receiver.received().size() == 2);

      var attempt = receiver.received().getFirst();
      assertThat(attempt.service()).isEqualTo("edge");
      assertThat(attempt.node()).isEqualTo("edge-2");
      assertThat(attempt.traceId()).isEqualTo(first.trace().id());
      assertThat(attempt.spanId()).isEqualTo(second.trace().span());
      assertThat(attempt.parentId()).isEqualTo(first.trace().span());
      assertThat(attempt.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
      assertThat(attempt.attribute("gatehouse.replica")).contains("storage-1");
      assertThat(attempt.span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
      assertThat(attempt.span().getStatus().getMessage()).isEqualTo("refused");
      long epoch = NOW.getEpochSecond() * 1_000_000_000L - 5_000;
      assertThat(attempt.span().getStartTimeUnixNano()).isEqualTo(epoch + 4_500);
      assertThat(attempt.span().getEndTimeUnixNano()).isEqualTo(epoch + 9_000);

      var root = receiver.received().getLast();
      assertThat(root.parentId()).isEmpty();
      assertThat(root.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
      assertThat(root.attribute("http.response.status_code")).contains("201");
      assertThat(root.span().getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);
      assertThat(Spans.lost()).isZero();
    }
  }

  @Test
  void of_the_traces_that_begin_here_the_share_that_was_asked_for_is_written_down() {
    try (var traces = into(receiver.endpoint(), 0.25)) {
      Spans.into(Optional.of(traces));
      int sampled = 0;
      for (int i = 0; i < 100; i++) {
        var root = Spans.root(Optional.empty(), "GET rest", 0);
        sampled += root.isPresent() ? 1 : 0;
        root.ifPresent(Spans.Open::end);
      }
      assertThat(sampled).isEqualTo(25);
      await().atMost(PATIENCE).until(() -> receiver.received().size() == 25);
    }
  }

  @Test
  void what_the_receiver_does_not_take_is_lost_and_counted_and_later_spans_arrive() {
    try (var traces = into(receiver.endpoint(), 1)) {
      Spans.into(Optional.of(traces));
      receiver.answering(400);
      one("first");
      await().atMost(PATIENCE).until(() -> Spans.lost() == 1);
      receiver.answering(200);
      one("second");
      await().atMost(PATIENCE).until(() -> receiver.received().size() == 1);
      assertThat(receiver.received().getFirst().name()).isEqualTo("second");
      assertThat(Spans.lost()).isEqualTo(1);
    }
  }

  @Test
  void a_receiver_that_says_nothing_holds_up_neither_requests_nor_the_end() throws IOException {
    try (var mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      var endpoint = URI.create("http://127.0.0.1:" + mute.getLocalPort() + "/v1/traces");
      var traces = into(endpoint, 1);
      Spans.into(Optional.of(traces));
      for (int i = 0; i < 10_000; i++) {
        one("lost");
      }
      assertThat(Spans.lost()).isPositive();
      traces.close();
      traces.close();
      // Had it waited for the answer, the exporter would have given up and said so.
      assertThat(traces.lost()).isLessThan(10_000);
    }
  }

  /// With this class they would, for each request, also where no traces are sent.
  @Test
  void metrics_do_not_ask_opentelemetry_for_the_current_span() {
    assertThatThrownBy(
            () -> Class.forName("io.prometheus.metrics.tracer.otel.OpenTelemetrySpanContext"))
        .isInstanceOf(ClassNotFoundException.class);
  }

  private static void one(String name) {
    Spans.root(Optional.empty(), name, 0).orElseThrow().end();
  }

  /// Draws 0, 0.01, 0.02 and so on.
  private OtlpTraces into(URI endpoint, double share) {
    return OtlpTraces.start(
        new OtlpTraces.Settings(endpoint, share, "edge", "edge-2", "1.0"),
        () -> NOW,
        () -> nanos,
        () -> drawn.getAndIncrement() % 100 / 100.0);
  }
}
