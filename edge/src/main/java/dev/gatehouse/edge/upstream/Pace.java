package dev.gatehouse.edge.upstream;

/// How long a replica took lately to begin its answers: a moving average that follows a rise at
/// once and a fall slowly (peak EWMA, as in Finagle's and Linkerd's balancers).
///
/// Written from every event loop without a lock: of two samples at the same moment one may be lost,
/// which costs an average nothing.
final class Pace {
  /// After this long without rising, two thirds of an old peak are forgotten.
  private static final double DECAY_NANOS = 10e9;

  /// What one that has not answered yet is taken for while it has something to answer.
  private static final double UNKNOWN_NANOS = 1e9;

  private volatile double average;
  private volatile long stamp;

  void answered(long took, long now) {
    double before = average;
    if (took >= before) {
      average = took;
    } else {
      double keep = Math.exp(-Math.max(0, now - stamp) / DECAY_NANOS);
      average = before * keep + took * (1 - keep);
    }
    stamp = now;
  }

  double load(int inFlight) {
    double known = average;
    if (known == 0) {
      return inFlight * UNKNOWN_NANOS;
    }
    return known * (inFlight + 1);
  }
}
