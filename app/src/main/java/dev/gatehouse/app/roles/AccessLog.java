package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.LogConfig;
import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Trace;
import dev.gatehouse.observe.Backlog;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// The access log: one line for each exchange, with its route, who answered, how long each step
/// took, and where it failed, whose fault that was and how.
///
/// Never in a line: the query, any header field, any body. Credentials travel in all three.
///
/// An event loop only leaves an [Entry]; the line is made and written by another thread. When that
/// cannot keep up, entries are dropped and the next line says how many. Off, it is one look at a
/// field. (Logback's own appender for this was refused: it would have the event loop format the
/// line.)
final class AccessLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("access");

  /// About 4 MB.
  private static final int MOST = 8192;

  /// What one line is made of, copied on the event loop; times in nanoseconds, -1: no such step.
  private record Entry(
      String id,
      String method,
      String path,
      String route,
      String client,
      int status,
      long bytesIn,
      long bytesOut,
      long nanos,
      long filters,
      long queued,
      long origin,
      long body,
      String replica,
      int tries,
      Optional<Failure> failure,
      String trouble,
      Optional<Trace> trace) {
    static Entry of(ExchangeRecord done) {
      var steps = done.steps();
      return new Entry(
          done.requestId(),
          done.method(),
          done.path(),
          done.route(),
          done.client(),
          done.status(),
          done.bytesIn(),
          done.bytesOut(),
          done.nanos(),
          between(done.began(), steps.arrived()),
          between(steps.arrived(), steps.sent()),
          between(steps.sent(), steps.answered()),
          between(steps.answered(), done.began() + done.nanos()),
          steps.replica(),
          steps.tries(),
          done.failure(),
          done.trouble(),
          done.trace());
    }

    private static long between(long from, long to) {
      return from == 0 || to == 0 ? -1 : Math.max(0, to - from);
    }

    /// Whether somebody has to look at it: the client is to blame for the rest.
    boolean bad() {
      return status >= 500
          || failure.filter(why -> why.blame() != Failure.Blame.CLIENT).isPresent();
    }
  }

  private final IntUnaryOperator draw;
  private volatile int share;
  private volatile Optional<Backlog<Entry>> backlog = Optional.empty();

  /// The writing thread's alone.
  private long told;

  /// @param draw a number below the one it is given
  AccessLog(IntUnaryOperator draw) {
    this.draw = draw;
  }

  /// From now on as this says. The thread stays once there was need of it.
  void configure(LogConfig config) {
    share = config.access() ? config.sample() : 0;
    if (config.access() && backlog.isEmpty()) {
      backlog = Optional.of(Backlog.start("access-log", MOST, this::write));
    }
  }

  /// Whether failures are told here.
  boolean on() {
    return share > 0;
  }

  /// On an event loop. What failed is always written.
  void note(ExchangeRecord done) {
    int percent = share;
    if (percent == 0) {
      return;
    }
    boolean always = done.status() >= 500 || done.failure().isPresent();
    if (always || percent == 100 || draw.applyAsInt(100) < percent) {
      backlog.ifPresent(queue -> queue.offer(Entry.of(done)));
    }
  }

  long dropped() {
    return backlog.map(Backlog::dropped).orElse(0L);
  }

  private void write(List<Entry> entries) {
    for (var entry : entries) {
      try {
        line(entry);
      } catch (RuntimeException broken) {
        LOG.error("the access log could not write request {}; it goes on", entry.id, broken);
      }
    }
    long now = dropped();
    if (now > told) {
      LOG.warn(
          "{} requests are missing here: they came faster than lines can be written", now - told);
      told = now;
    }
  }

  private static void line(Entry done) {
    var line = LOG.atLevel(done.bad() ? Level.WARN : Level.INFO);
    for (var field : fields(done).entrySet()) {
      line = line.addKeyValue(field.getKey(), field.getValue());
    }
    line.log(sentence(done));
  }

  private static Map<String, Object> fields(Entry done) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("event.dataset", "gatehouse.access");
    fields.put("event.outcome", done.bad() ? "failure" : "success");
    fields.put("event.duration", done.nanos);
    fields.put("http.request.id", done.id);
    fields.put("http.request.method", done.method);
    fields.put("url.path", done.path);
    fields.put("http.response.status_code", done.status);
    fields.put("http.request.body.bytes", done.bytesIn);
    fields.put("http.response.body.bytes", done.bytesOut);
    fields.put("client.ip", done.client);
    fields.put("gatehouse.route", done.route);
    if (done.tries > 0) {
      fields.put("gatehouse.replica", done.replica);
      fields.put("gatehouse.tries", done.tries);
    }
    step(fields, "filters", done.filters);
    step(fields, "wait", done.queued);
    step(fields, "origin", done.origin);
    step(fields, "body", done.body);
    done.failure.ifPresent(why -> {
      fields.put("gatehouse.failure", why.slug());
      fields.put("gatehouse.blame", why.blame().name().toLowerCase(Locale.ROOT));
      fields.put("error.message", EdgeRole.oneLine(done.trouble));
    });
    done.trace.ifPresent(span -> {
      fields.put("trace.id", span.id());
      fields.put("span.id", span.span());
    });
    return fields;
  }

  private static void step(Map<String, Object> fields, String name, long nanos) {
    if (nanos >= 0) {
      fields.put("gatehouse.step." + name, nanos);
    }
  }

  /// What a person reads on a terminal.
  private static String sentence(Entry done) {
    var text = new StringBuilder(160);
    text.append(done.method).append(' ').append(done.path).append(' ').append(done.status);
    text.append(" in ").append(millis(done.nanos)).append(" ms, route ").append(done.route);
    if (done.tries > 0) {
      text.append(", ").append(done.replica);
    }
    if (done.tries > 1) {
      text.append(" at try ").append(done.tries);
    }
    if (done.filters >= 0 && done.queued >= 0) {
      text.append(" (filters ").append(millis(done.filters));
      text.append(", wait ").append(millis(done.queued));
      if (done.origin >= 0) {
        text.append(", origin ").append(millis(done.origin));
        text.append(", body ").append(millis(done.body));
      }
      text.append(')');
    }
    text.append(", from ").append(done.client);
    done.failure.ifPresent(why ->
        text.append("; ")
            .append(why.sentence())
            .append(" (")
            .append(EdgeRole.oneLine(done.trouble))
            .append(')'));
    return text.toString();
  }

  private static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.2f", nanos / 1e6);
  }

  @Override
  public void close() {
    backlog.ifPresent(Backlog::close);
  }
}
