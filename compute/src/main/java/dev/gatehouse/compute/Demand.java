package dev.gatehouse.compute;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/// When the last request came; producers make values only in the quiet between requests.
///
/// Under load whatever a producer computes is taken from a request that could be answered from the
/// buffer or compute for itself: all in all nothing is gained, and the burst that the buffer is for
/// takes longer. So producers wait until no request has come for [#QUIET], also in the middle of a
/// value. Low thread priority alone was refused: the JVM gives it no meaning on Linux.
final class Demand {
  static final Duration QUIET = Duration.ofMillis(2);

  private final LongSupplier nanos;
  private volatile long last;

  /// @param nanos monotonic
  Demand(LongSupplier nanos) {
    this.nanos = nanos;
    this.last = nanos.getAsLong() - QUIET.toNanos();
  }

  /// A request is here.
  void came() {
    last = nanos.getAsLong();
  }

  /// Returns when it is quiet.
  void awaitQuiet() throws InterruptedException {
    for (long left = left(); left > 0; left = left()) {
      LockSupport.parkNanos(this, left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  private long left() {
    return last + QUIET.toNanos() - nanos.getAsLong();
  }
}
