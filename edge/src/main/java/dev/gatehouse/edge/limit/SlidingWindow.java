package dev.gatehouse.edge.limit;

/// Never more than so many in any window of the period's length: counts by sub-windows, of which
/// one is forgotten only when it lies wholly outside.
///
/// With `n` sub-windows of `period / (n - 1)` the newest `n` always span the period, wherever in
/// the newest one we are. So what they hold is at least what the last period held, and no window of
/// any position ever sees more than the limit. The price is on the other side: a permit comes back
/// up to one sub-window late, which is 1/127 of the period for a limit with one bucket, and 1/39,
/// 1/19 or 1/9 for one with many, depending on how large the numbers get (up to 255, up to 65,535,
/// beyond).
///
/// Refused: the usual weighted sum of two fixed windows, which guesses how the older one was spread
/// and lets more pass when the guess is wrong; and a log of all times, exact but eight bytes a
/// request.
final class SlidingWindow implements Meter {
  /// Of a bucket among many: 40 bytes of counts.
  static final int SMALL = 5;

  /// Of the only bucket of a limit.
  static final int LARGE = 64;

  private final int permits;
  private final long period;
  private final int bits;
  private final int words;
  private final int slots;
  private final long width;

  /// @param words longs for the counts
  SlidingWindow(int permits, long period, int words) {
    this.permits = permits;
    this.period = period;
    this.words = words;
    this.bits = words == LARGE || permits > 0xffff ? 32 : permits > 0xff ? 16 : 8;
    this.slots = words * (Long.SIZE / bits);
    this.width = Math.ceilDiv(period, slots - 1L);
  }

  /// The longest that a permit comes back late.
  long lateNanos() {
    return width;
  }

  @Override
  public int longs() {
    return STATE + words;
  }

  @Override
  public int most() {
    return permits;
  }

  @Override
  public long memoryNanos() {
    return slots * width;
  }

  @Override
  public long take(long[] cells, int at, long now, int cost, int share) {
    long slot = advance(cells, at, now);
    int most = share == 1 ? permits : Math.max(1, permits / share);
    long used = sum(cells, at);
    if (used + cost > most) {
      return -wait(cells, at, slot, now, cost <= most ? used + cost - most : Long.MAX_VALUE);
    }
    add(cells, at, slot, cost);
    cells[at + EXPIRES] = (slot + slots) * width;
    return most - used - cost;
  }

  @Override
  public void refund(long[] cells, int at, long then, int cost) {
    long slot = then / width;
    long last = cells[at + EXPIRES] / width - slots;
    if (slot <= last && slot > last - slots && count(cells, at, slot) >= cost) {
      int index = (int) (slot % slots);
      cells[word(at, index)] -= (long) cost << shift(index);
    }
  }

  @Override
  public void charge(long[] cells, int at, long now, long amount) {
    long slot = advance(cells, at, now);
    long room = (bits == 32 ? 0xffff_ffffL : (1L << bits) - 1) - count(cells, at, slot);
    add(cells, at, slot, Math.min(amount, room));
    cells[at + EXPIRES] = (slot + slots) * width;
  }

  @Override
  public long held(long[] cells, int at, long now) {
    advance(cells, at, now);
    return sum(cells, at);
  }

  /// Empties the sub-windows that lie outside by now; the number of the newest one. A thread that
  /// read the clock earlier and came later counts in the newest there is.
  private long advance(long[] cells, int at, long now) {
    long slot = now / width;
    long expires = cells[at + EXPIRES];
    if (expires == 0) {
      return slot;
    }
    long last = expires / width - slots;
    if (slot <= last) {
      return last;
    }
    if (slot - last >= slots) {
      java.util.Arrays.fill(cells, at + STATE, at + STATE + words, 0);
      return slot;
    }
    long mask = bits == 32 ? 0xffff_ffffL : (1L << bits) - 1;
    for (long old = last + 1; old <= slot; old++) {
      int index = (int) (old % slots);
      cells[word(at, index)] &= ~(mask << shift(index));
    }
    return slot;
  }

  /// Until so many permits have come back; the whole period if that can never be.
  private long wait(long[] cells, int at, long slot, long now, long needed) {
    long freed = 0;
    for (long old = Math.max(0, slot - slots + 1); old <= slot; old++) {
      freed += count(cells, at, old);
      if (freed >= needed) {
        return Math.max(1, (old + slots) * width - now);
      }
    }
    return period;
  }

  /// All counts together, several of a word at once.
  private long sum(long[] cells, int at) {
    long wide = 0;
    int from = at + STATE;
    int to = from + words;
    switch (bits) {
      case 8 -> {
        for (int i = from; i < to; i++) {
          long word = cells[i];
          long pairs = (word & 0x00ff_00ff_00ff_00ffL) + (word >>> 8 & 0x00ff_00ff_00ff_00ffL);
          wide += (pairs & 0x0000_ffff_0000_ffffL) + (pairs >>> 16 & 0x0000_ffff_0000_ffffL);
        }
      }
      case 16 -> {
        for (int i = from; i < to; i++) {
          long word = cells[i];
          wide += (word & 0x0000_ffff_0000_ffffL) + (word >>> 16 & 0x0000_ffff_0000_ffffL);
        }
      }
      default -> {
        long sum = 0;
        for (int i = from; i < to; i++) {
          sum += (cells[i] & 0xffff_ffffL) + (cells[i] >>> 32);
        }
        return sum;
      }
    }
    return (wide & 0xffff_ffffL) + (wide >>> 32);
  }

  private long count(long[] cells, int at, long slot) {
    int index = (int) (slot % slots);
    long mask = bits == 32 ? 0xffff_ffffL : (1L << bits) - 1;
    return cells[word(at, index)] >>> shift(index) & mask;
  }

  /// The count stays within its bits: what is taken is at most the limit, which fits.
  private void add(long[] cells, int at, long slot, long amount) {
    int index = (int) (slot % slots);
    cells[word(at, index)] += amount << shift(index);
  }

  private int word(int at, int index) {
    return at + STATE + index * bits / Long.SIZE;
  }

  private int shift(int index) {
    return index * bits % Long.SIZE;
  }
}
