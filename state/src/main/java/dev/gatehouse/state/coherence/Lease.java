package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.function.LongSupplier;

/// Whether this process may answer from memory now, and since when without a gap.
///
/// An *epoch* is a time without a gap in the lease. What was cached in one epoch is worth nothing
/// in the next, since nobody waited for us in between; so whoever reads from a cache asks for the
/// epoch first, takes only what was cached in it, and asks [#holds] before answering.
///
/// Concurrency: one thread extends and grants, any thread asks. Epoch and end change together, as
/// one reference.
final class Lease {
  /// The epoch of a process that has no lease.
  static final long NONE = 0;

  private record Held(long epoch, long end) {}

  private final LongSupplier nanos;
  private final long lasts;
  private volatile Held held;

  Lease(LongSupplier nanos, Duration lasts) {
    this.nanos = nanos;
    this.lasts = lasts.toNanos();
    this.held = new Held(NONE, nanos.getAsLong());
  }

  /// The epoch we are in; [#NONE] without a lease.
  long epoch() {
    var now = held;
    return now.end - nanos.getAsLong() > 0 ? now.epoch : NONE;
  }

  /// Whether that epoch has lasted until now.
  boolean holds(long epoch) {
    return epoch != NONE && epoch() == epoch;
  }

  /// The last epoch, whether it lasts or not.
  long lastEpoch() {
    return held.epoch;
  }

  /// Prolongs the epoch, counted from `sentAt`, the instant before the renewal was sent. Refused
  /// when the lease ran out meanwhile: a writer may have given us up.
  boolean extend(long sentAt) {
    var now = held;
    if (now.end - nanos.getAsLong() <= 0) {
      return false;
    }
    held = new Held(now.epoch, sentAt + lasts);
    return true;
  }

  /// Begins a new epoch, counted from `sentAt`.
  void begin(long sentAt) {
    held = new Held(held.epoch + 1, sentAt + lasts);
  }

  /// Ends the epoch now.
  void end() {
    held = new Held(held.epoch, nanos.getAsLong());
  }

  Duration left() {
    return Duration.ofNanos(Math.max(0, held.end - nanos.getAsLong()));
  }
}
