package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.upstream.UpstreamSettings.Trip;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/// The circuit breaker of an upstream: closed while enough tries succeed, open for a while when too
/// many fail, then half open, which lets one request at a time find out.
///
/// Its state is one reference, swapped whole. Half open is not a state of its own: it is an open
/// breaker whose time is over, and whoever moves that time on is the probe. So a probe that never
/// tells how it went (its client left) blocks nobody for longer than one more opening.
final class Breaker {
  /// @param until when the next probe may go; meaningless while closed
  private record State(boolean open, long since, long until) {}

  private static final State CLOSED = new State(false, 0, 0);

  private final Trip settings;
  private final Recent tries;
  private final Recent failures;
  private final AtomicReference<State> state = new AtomicReference<>(CLOSED);

  Breaker(Trip settings) {
    this.settings = settings;
    tries = new Recent(settings.window());
    failures = new Recent(settings.window());
  }

  Trip settings() {
    return settings;
  }

  boolean open() {
    return seen().open;
  }

  /// Whether a request may be sent now; open, one is let through each time its wait is over.
  boolean admits(long now) {
    var seen = seen();
    return !seen.open
        || (now - seen.until >= 0
            && state.compareAndSet(
                seen, new State(true, seen.since, now + settings.open().toNanos())));
  }

  /// How long until somebody is let through again.
  long waitNanos(long now) {
    var seen = seen();
    return seen.open ? Math.max(0, seen.until - now) : 0;
  }

  /// A try that began at `began` went well; true when that closes the breaker.
  boolean succeeded(long began, long now) {
    tries.add(now);
    var seen = seen();
    // What began before it opened says nothing about now.
    if (seen.open && began - seen.since >= 0 && state.compareAndSet(seen, CLOSED)) {
      tries.clear();
      failures.clear();
      return true;
    }
    return false;
  }

  /// A try failed; true when that opens the breaker.
  boolean failed(long now) {
    tries.add(now);
    failures.add(now);
    var seen = seen();
    long volume = tries.sum(now);
    return !seen.open
        && volume >= settings.volume()
        && failures.sum(now) * 100 >= volume * settings.percent()
        && state.compareAndSet(seen, new State(true, now, now + settings.open().toNanos()));
  }

  private State seen() {
    return Objects.requireNonNull(state.get());
  }
}
