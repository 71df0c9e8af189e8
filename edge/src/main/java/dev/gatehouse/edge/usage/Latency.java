package dev.gatehouse.edge.usage;

/// Buckets of durations, two for each doubling of a microsecond.
///
/// A quantile told from them is within a quarter of the true one, which is enough to see that
/// something became slow; finer ones would double the rows. (The histogram in the metrics has fixed
/// bounds, for alerts.)
final class Latency {
  /// The last holds everything from 1.8 hours on.
  static final int BUCKETS = 66;

  private Latency() {}

  static int bucket(long micros) {
    long positive = Math.max(1, micros);
    int doublings = 63 - Long.numberOfLeadingZeros(positive);
    int half = doublings == 0 ? 0 : (int) (positive >>> (doublings - 1)) & 1;
    return Math.min(2 * doublings + half, BUCKETS - 1);
  }

  /// Its middle, in microseconds.
  static double middle(int bucket) {
    double low = Math.scalb(1.0, bucket / 2);
    return bucket % 2 == 0 ? low * 1.25 : low * 1.75;
  }

  /// The duration that a share of all requests stayed below, in microseconds; 0 for none.
  static double quantile(long[] counts, double share) {
    long all = 0;
    for (long count : counts) {
      all += count;
    }
    long wanted = (long) Math.ceil(all * share);
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= wanted && seen > 0) {
        return middle(i);
      }
    }
    return 0;
  }
}
