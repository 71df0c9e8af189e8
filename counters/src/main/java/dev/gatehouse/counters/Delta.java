package dev.gatehouse.counters;

import java.math.BigInteger;

/// What one window adds to one key: a sum that never overflows.
///
/// It is a `long` as long as it fits; what would not is carried over. Guarded by [Pending]'s lock
/// while its window is open, and never changed afterwards.
final class Delta {
  /// Beyond this the sums of a few windows could leave 64 bits.
  private static final long HEAVY = 1L << 60;

  private final String key;
  private long sum;
  private BigInteger carried = BigInteger.ZERO;

  Delta(String key) {
    this.key = key;
  }

  String key() {
    return key;
  }

  void add(long value) {
    long next = sum + value;
    if (((sum ^ next) & (value ^ next)) < 0) {
      carried = carried.add(BigInteger.valueOf(sum));
      next = value;
    }
    sum = next;
  }

  boolean isHeavy() {
    return sum > HEAVY || sum < -HEAVY || carried.signum() != 0;
  }

  BigInteger total() {
    return carried.signum() == 0 ? BigInteger.valueOf(sum) : carried.add(BigInteger.valueOf(sum));
  }

  @Override
  public String toString() {
    return carried.signum() == 0 ? Long.toString(sum) : total().toString();
  }
}
