package dev.gatehouse.edge.usage;

import java.util.Comparator;
import java.util.List;

/// Rows that go to the database in one transaction, under one number for good.
record Batch(long number, List<Requests> requests, List<Latencies> latencies, List<Limits> limits) {
  /// A minute, or an hour.
  ///
  /// @param at its beginning, in seconds of the epoch
  record Slot(boolean hourly, long at) implements Comparable<Slot> {
    private static final Comparator<Slot> OLDEST_FIRST =
        Comparator.comparingLong(Slot::at).thenComparing(Slot::hourly);

    static Slot minute(long second) {
      return new Slot(false, second - Math.floorMod(second, 60L));
    }

    Slot hour() {
      return new Slot(true, at - Math.floorMod(at, 3600L));
    }

    @Override
    public int compareTo(Slot other) {
      return OLDEST_FIRST.compare(this, other);
    }
  }

  record Requests(Slot slot, String route, int status, String client, Figures figures) {}

  record Latencies(Slot slot, String route, int status, int bucket, long requests) {}

  record Limits(Slot slot, String name, long allowed, long refused) {}

  /// How many requests would be lost with it.
  long counted() {
    return requests.stream().mapToLong(row -> row.figures.requests).sum();
  }

  int rows() {
    return requests.size() + latencies.size() + limits.size();
  }
}
