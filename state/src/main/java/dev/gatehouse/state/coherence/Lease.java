package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.function.LongSupplier;

/// Whether this process may answer from memory now, and since when without a gap.
///
/// An *epoch* is a time without a gap in the lease. What was cached in one epoch is worth nothing
/// in the next, since nobody waited for us in between; so whoever reads from a cache asks for the
/// epoch first, takes only what was cached in it, and asks [#holds] before answering.
///
/// An epoch begins with a pause, in which it counts as none: so long a writer may go by a listing
/// of the leases from before it, and wait for us not at all.
///
/// Concurrency: one thread extends and grants, any thread asks. Epoch, beginning and end change
/// together, as one reference.
final class Lease {
  /// The epoch of a process that has no lease.
  static final long NONE = 0;

  private record Held(long epoch, long from, long end) {}

  private final LongSupplier nanos;
  private final long lasts;
  private final long pause;
  private volatile Held held;

  Lease(LongSupplier nanos, Duration lasts, Duration pause) {
    this.nanos = nanos;
    this.lasts = lasts.toNanos();
    this.pause = pause.toNanos();
    long now = nanos.getAsLong();
    this.held = new Held(NONE, now, now);
  }

  /// The epoch we are in; [#NONE] without a lease.
  long epoch() {
    var is = held;
    long now = nanos.getAsLong();
    return now - is.from >= 0 && is.end - now > 0 ? is.epoch : NONE;
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
    return extend(held.epoch, sentAt);
  }

  /// As [#extend], and what was cached is worth nothing any more. It needs no pause: the lease had
  /// no gap.
  boolean extendAnew(long sentAt) {
    return extend(held.epoch + 1, sentAt);
  }

  private boolean extend(long epoch, long sentAt) {
    var was = held;
    if (was.end - nanos.getAsLong() <= 0) {
      return false;
    }
    held = new Held(epoch, was.from, sentAt + lasts);
    return true;
  }

  /// Begins a new epoch, counted from `sentAt`, with its pause.
  void begin(long sentAt) {
    held = new Held(held.epoch + 1, nanos.getAsLong() + pause, sentAt + lasts);
  }

  /// Ends the epoch now.
  void end() {
    long now = nanos.getAsLong();
    held = new Held(held.epoch, now, now);
  }

  Duration left() {
    var is = held;
    long now = nanos.getAsLong();
    return now - is.from >= 0 ? Duration.ofNanos(Math.max(0, is.end - now)) : Duration.ZERO;
  }
}
