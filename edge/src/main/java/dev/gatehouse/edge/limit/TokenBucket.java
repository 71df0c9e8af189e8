package dev.gatehouse.edge.limit;

/// A bucket of tokens that fills steadily, kept as the one time at which it will be full again: the
/// generic cell rate algorithm (ITU-T I.371).
///
/// That time is also when the cell can be forgotten, so the state is a single long.
final class TokenBucket implements Meter {
  private final int burst;
  private final long period;

  /// Nanoseconds a token takes to come back, rounded up: never a token too many.
  private final long each;

  TokenBucket(int permits, long period, int burst) {
    this.burst = burst;
    this.period = period;
    this.each = Math.ceilDiv(period, (long) permits);
  }

  /// As many as for a window, so that one table holds both.
  @Override
  public int longs() {
    return STATE + SlidingWindow.SMALL;
  }

  @Override
  public int most() {
    return burst;
  }

  @Override
  public long memoryNanos() {
    return burst * each;
  }

  @Override
  public long take(long[] cells, int at, long now, int cost, int share) {
    long full = burst * each;
    long then = Math.max(cells[at + EXPIRES], now) + cost * each * share;
    if (then - now > full && (share == 1 || cells[at + EXPIRES] > now)) {
      return -Math.max(1, cost * each * share > full ? period : then - now - full);
    }
    cells[at + EXPIRES] = then;
    return Math.max(0, (full - (then - now)) / (each * share));
  }

  @Override
  public void refund(long[] cells, int at, long then, int cost) {
    cells[at + EXPIRES] -= cost * each;
  }

  @Override
  public void charge(long[] cells, int at, long now, long permits) {
    // Beyond two bursts of debt nothing is worth remembering.
    long longest = now + 2L * burst * each;
    cells[at + EXPIRES] =
        Math.min(longest, Math.max(cells[at + EXPIRES], now) + Math.min(permits, burst) * each);
  }

  @Override
  public long held(long[] cells, int at, long now) {
    return Math.max(0, Math.ceilDiv(cells[at + EXPIRES] - now, each));
  }
}
