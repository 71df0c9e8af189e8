package dev.gatehouse.http;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What is measured of traces that are sampled: a span for each exchange, try, handler, statement
/// and job.
///
/// A process has one place where spans go, like it has one log; where traces are not configured
/// there is none, and then nothing is measured. Only the start of a process sets it.
public final class Spans {
  /// Where spans go.
  public interface Sink {
    /// The clock of spans, in nanoseconds; the one that the edge has.
    long now();

    /// Whether a trace that begins here is one of those that are written down.
    boolean samples();

    /// Takes over; never waits, never throws.
    void ended(Span span);

    /// Spans that were lost so far: they found no room, or nobody took them.
    long lost();
  }

  /// Which side of a call it is.
  public enum Kind {
    INTERNAL,
    SERVER,
    CLIENT,
    PRODUCER,
    CONSUMER
  }

  /// One that is over.
  ///
  /// @param parent the id of the span it is part of; empty for the first of a trace
  /// @param began in nanoseconds of [Sink#now]
  /// @param attributes texts and whole numbers, named by OpenTelemetry's conventions
  /// @param failure what went wrong
  public record Span(
      Trace trace,
      String parent,
      String name,
      Kind kind,
      long began,
      long ended,
      Map<String, Object> attributes,
      Optional<String> failure) {}

  /// One that is open; for one thread.
  public static final class Open {
    private final Sink to;
    private final Trace trace;
    private final String parent;
    private final String name;
    private final Kind kind;
    private final long began;
    private final Map<String, Object> attributes = new LinkedHashMap<>();
    private Optional<String> failure = Optional.empty();
    private boolean over;

    private Open(Sink to, Trace trace, String parent, String name, Kind kind, long began) {
      this.to = to;
      this.trace = trace;
      this.parent = parent;
      this.name = name;
      this.kind = kind;
      this.began = began;
    }

    /// What is done because of it is part of this.
    public Trace trace() {
      return trace;
    }

    public Open with(String attribute, Object value) {
      attributes.put(attribute, value);
      return this;
    }

    public Open failed(String why) {
      failure = Optional.of(why);
      return this;
    }

    /// Harmless twice.
    public void end() {
      if (!over) {
        over = true;
        to.ended(
            new Span(trace, parent, name, kind, began, to.now(), Map.copyOf(attributes), failure));
      }
    }
  }

  private static volatile Optional<Sink> sink = Optional.empty();

  private Spans() {}

  /// From now on spans of this process go there; empty: nowhere.
  public static void into(Optional<Sink> to) {
    sink = to;
  }

  /// Whether anything is measured.
  public static boolean on() {
    return sink.isPresent();
  }

  /// Spans of this process that reached nobody.
  public static long lost() {
    return sink.map(Sink::lost).orElse(0L);
  }

  /// The first span of this process for what came from outside.
  ///
  /// @param from the field `traceparent` of somebody who is believed; empty: it begins here
  /// @param began by the clock of spans
  public static Optional<Open> root(Optional<String> from, String name, long began) {
    var to = sink;
    if (to.isEmpty()) {
      return Optional.empty();
    }
    if (from.isPresent()) {
      return Trace.sampled(from.get())
          .map(parent ->
              new Open(to.get(), parent.child(), parent.span(), name, Kind.SERVER, began));
    }
    return to.filter(Sink::samples)
        .map(taker -> new Open(taker, Trace.fresh(), "", name, Kind.SERVER, began));
  }

  /// A span that is part of `parent`; empty when that is not sampled.
  public static Optional<Open> begin(Optional<Trace> parent, Kind kind, String name) {
    return begin(parent, kind, name, 0);
  }

  /// @param lasted how long ago it began, in nanoseconds
  public static Optional<Open> begin(Optional<Trace> parent, Kind kind, String name, long lasted) {
    if (parent.isEmpty()) {
      return Optional.empty();
    }
    var above = parent.get();
    return sink.map(to -> new Open(to, above.child(), above.span(), name, kind, to.now() - lasted));
  }
}
