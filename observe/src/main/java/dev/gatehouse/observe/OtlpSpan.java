package dev.gatehouse.observe;

import dev.gatehouse.http.Spans;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.sdk.common.InstrumentationLibraryInfo;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import java.util.List;

/// One of our spans as OpenTelemetry's exporters read it.
///
/// @param offset from our clock of spans to nanoseconds since 1970
record OtlpSpan(Spans.Span span, Resource resource, long offset) implements SpanData {
  private static final InstrumentationScopeInfo SCOPE =
      InstrumentationScopeInfo.create("gatehouse");

  /// Who sends them.
  static Resource resource(OtlpTraces.Settings settings) {
    return Resource.create(
        Attributes.builder()
            .put("service.name", settings.service())
            .put("service.instance.id", settings.process())
            .put("service.namespace", "gatehouse")
            .put("service.version", settings.version())
            .build());
  }

  @Override
  public String getName() {
    return span.name();
  }

  @Override
  public SpanKind getKind() {
    return switch (span.kind()) {
      case INTERNAL -> SpanKind.INTERNAL;
      case SERVER -> SpanKind.SERVER;
      case CLIENT -> SpanKind.CLIENT;
      case PRODUCER -> SpanKind.PRODUCER;
      case CONSUMER -> SpanKind.CONSUMER;
    };
  }

  @Override
  public SpanContext getSpanContext() {
    return context(span.trace().span());
  }

  @Override
  public SpanContext getParentSpanContext() {
    return span.parent().isEmpty() ? SpanContext.getInvalid() : context(span.parent());
  }

  private SpanContext context(String id) {
    return SpanContext.create(
        span.trace().id(), id, TraceFlags.getSampled(), TraceState.getDefault());
  }

  @Override
  public StatusData getStatus() {
    return span.failure()
        .map(why -> StatusData.create(StatusCode.ERROR, why))
        .orElse(StatusData.unset());
  }

  @Override
  public long getStartEpochNanos() {
    return span.began() + offset;
  }

  @Override
  public long getEndEpochNanos() {
    return span.ended() + offset;
  }

  @Override
  public boolean hasEnded() {
    return true;
  }

  @Override
  public Attributes getAttributes() {
    var all = Attributes.builder();
    span.attributes()
        .forEach((name, value) -> {
          if (value instanceof Number number) {
            all.put(name, number.longValue());
          } else {
            all.put(name, value.toString());
          }
        });
    return all.build();
  }

  @Override
  public int getTotalAttributeCount() {
    return span.attributes().size();
  }

  @Override
  public List<EventData> getEvents() {
    return List.of();
  }

  @Override
  public int getTotalRecordedEvents() {
    return 0;
  }

  @Override
  public List<LinkData> getLinks() {
    return List.of();
  }

  @Override
  public int getTotalRecordedLinks() {
    return 0;
  }

  @Override
  public InstrumentationScopeInfo getInstrumentationScopeInfo() {
    return SCOPE;
  }

  /// What the scope was called before; the interface still has it.
  @Override
  @Deprecated
  public InstrumentationLibraryInfo getInstrumentationLibraryInfo() {
    return InstrumentationLibraryInfo.empty();
  }

  @Override
  public Resource getResource() {
    return resource;
  }
}
