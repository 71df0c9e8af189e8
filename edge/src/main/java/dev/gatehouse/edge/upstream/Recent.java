package dev.gatehouse.edge.upstream;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/// How often something happened in the last seconds, counted from any thread without a lock.
///
/// The window is ten buckets in a ring. A bucket is one long, the number of its turn in the upper
/// half and the count in the lower one, so that starting it anew and counting are the same atomic
/// step.
final class Recent {
  private static final int BUCKETS = 10;
  private static final long COUNT = 0xffff_ffffL;

  private final AtomicLongArray buckets = new AtomicLongArray(BUCKETS);
  private final long bucketNanos;

  Recent(Duration window) {
    bucketNanos = Math.max(1, window.toNanos() / BUCKETS);
    for (int i = 0; i < BUCKETS; i++) {
      buckets.set(i, Long.MIN_VALUE); // a turn that never is
    }
  }

  void add(long now) {
    long turn = Math.floorDiv(now, bucketNanos);
    int at = Math.floorMod(turn, BUCKETS);
    long mark = turn << 32;
    while (true) {
      long before = buckets.get(at);
      long after = (before & ~COUNT) == mark ? before + 1 : mark | 1;
      if (buckets.compareAndSet(at, before, after)) {
        return;
      }
    }
  }

  /// What was counted within the window that ends at `now`.
  long sum(long now) {
    long turn = Math.floorDiv(now, bucketNanos);
    long sum = 0;
    for (long past = turn - BUCKETS + 1; past <= turn; past++) {
      sum += in(past);
    }
    return sum;
  }

  /// What was counted in the bucket of `now` alone: a tenth of the window, or less.
  long latest(long now) {
    return in(Math.floorDiv(now, bucketNanos));
  }

  void clear() {
    for (int i = 0; i < BUCKETS; i++) {
      buckets.set(i, Long.MIN_VALUE);
    }
  }

  private long in(long turn) {
    long bucket = buckets.get(Math.floorMod(turn, BUCKETS));
    return (bucket & ~COUNT) == turn << 32 ? bucket & COUNT : 0;
  }
}
