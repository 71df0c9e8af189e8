package dev.gatehouse.counters;

import java.math.BigInteger;

/// What one window adds to one key: a sum that never overflows.
///
/// It is a `long` as long as it fits; what would not is carried over. Guarded by [Pending]'s lock
/// while its window is open, and never changed afterwards.
final class Delta {
  private long sum;
  private BigInteger carried = BigInteger.ZERO;

  void add(long value) {
    long next = sum + value;
    if (((sum ^ next) & (value ^ next)) < 0) {
      carried = carried.add(BigInteger.valueOf(sum));
      next = value;
    }
    sum = next;
  }

  BigInteger total() {
    return carried.add(BigInteger.valueOf(sum));
  }
}
