package dev.gatehouse.counters;

/// How far a journal is in the totals, as one snapshot of the database says it: chunks are flushed
/// strictly in order, so all up to this one are in it and none after it.
record Mark(long window, int chunk) implements Comparable<Mark> {
  /// The number of each window's last chunk, however many it has: so the mark alone says whether a
  /// window is complete.
  static final int LAST = Integer.MAX_VALUE;

  static final Mark NOTHING = new Mark(0, LAST);

  /// The last window that is wholly in the totals.
  long complete() {
    return chunk == LAST ? window : window - 1;
  }

  @Override
  public int compareTo(Mark other) {
    int windows = Long.compare(window, other.window);
    return windows != 0 ? windows : Integer.compare(chunk, other.chunk);
  }
}
