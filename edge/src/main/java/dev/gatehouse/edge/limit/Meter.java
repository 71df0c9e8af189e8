package dev.gatehouse.edge.limit;

/// How one bucket counts. The state of a bucket is a few longs in a larger array, so that a million
/// buckets are a few arrays and not a million objects.
///
/// A cell begins with [#EXPIRES], when it says no more than an empty one would, and [#OWN], which
/// the table uses; the rest is the meter's. A new cell is all zeros. Times are nanoseconds and
/// positive. Callers hold the lock of the cell.
sealed interface Meter permits SlidingWindow, TokenBucket {
  /// Where in a cell the time stands after which it can be forgotten.
  int EXPIRES = 0;

  /// Where the table counts what this edge let in.
  int OWN = 1;

  /// Where a meter's own state begins.
  int STATE = 2;

  /// How many longs a cell has.
  int longs();

  /// The most that can be taken at once.
  int most();

  /// For how long an edge that is not told of others' requests may still be wrong about them.
  long memoryNanos();

  /// Takes `cost` permits, if there are that many.
  ///
  /// @param share this many edges share the limit and know nothing of each other; 1 when this one
  ///   knows all that was taken
  /// @return how many are left; or, if there were too few, minus the nanoseconds until there are
  ///   enough
  long take(long[] cells, int at, long now, int cost, int share);

  /// Gives back what was taken at `then`.
  void refund(long[] cells, int at, long then, int cost);

  /// Counts what others took, however many that is.
  void charge(long[] cells, int at, long now, long permits);

  /// How many permits are taken right now.
  long held(long[] cells, int at, long now);
}
