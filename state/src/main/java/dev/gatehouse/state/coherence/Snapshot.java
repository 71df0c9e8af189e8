package dev.gatehouse.state.coherence;

import java.util.Arrays;

/// Which transactions a statement saw: PostgreSQL's `pg_snapshot`, as its text says it.
///
/// @param xmin all below are over
/// @param xmax none from here on is seen
/// @param running those between that were not over, sorted
record Snapshot(String text, long xmin, long xmax, long[] running) {
  static Snapshot parse(String text) {
    var parts = text.split(":", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException("not a snapshot: " + text);
    }
    var running =
        parts[2].isEmpty()
            ? new long[0]
            : Arrays.stream(parts[2].split(",", -1)).mapToLong(Long::parseLong).sorted().toArray();
    return new Snapshot(text, Long.parseLong(parts[0]), Long.parseLong(parts[1]), running);
  }

  /// Whether what that transaction committed was seen.
  boolean sees(long transaction) {
    return transaction < xmin
        || (transaction < xmax && Arrays.binarySearch(running, transaction) < 0);
  }
}
