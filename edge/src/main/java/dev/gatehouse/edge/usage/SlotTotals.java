package dev.gatehouse.edge.usage;

import dev.gatehouse.edge.usage.Batch.Slot;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What is known of one minute or hour and not yet on its way to the database.
final class SlotTotals {
  private record Cell(String route, int status, String client) {}

  private record Kind(String route, int status) {}

  private final Map<Cell, Figures> requests = new HashMap<>();
  private final Map<Kind, long[]> latencies = new HashMap<>();
  private final Map<String, long[]> limits = new HashMap<>();

  void add(Tally tally) {
    tally.routes.forEach((route, counts) -> {
      counts.clients.forEach((client, byKind) -> {
        for (int kind = 0; kind < byKind.length; kind++) {
          var figures = byKind[kind];
          if (figures != null) {
            requests(new Cell(route, kind, client)).add(figures);
          }
        }
      });
      for (int kind = 0; kind < counts.latencies.length; kind++) {
        var buckets = counts.latencies[kind];
        if (buckets != null) {
          var sums = latencies(new Kind(route, kind));
          for (int i = 0; i < buckets.length; i++) {
            sums[i] += buckets[i];
          }
        }
      }
    });
    tally.limits.forEach(this::addLimit);
  }

  void add(SlotTotals more) {
    more.requests.forEach((cell, figures) -> requests(cell).add(figures));
    more.latencies.forEach((kind, buckets) -> {
      var sums = latencies(kind);
      for (int i = 0; i < buckets.length; i++) {
        sums[i] += buckets[i];
      }
    });
    more.limits.forEach(this::addLimit);
  }

  private void addLimit(String name, long[] counts) {
    var sums = limits.computeIfAbsent(name, fresh -> new long[2]);
    sums[0] += counts[0];
    sums[1] += counts[1];
  }

  private Figures requests(Cell cell) {
    return requests.computeIfAbsent(cell, fresh -> new Figures());
  }

  private long[] latencies(Kind kind) {
    return latencies.computeIfAbsent(kind, fresh -> new long[Latency.BUCKETS]);
  }

  /// Sums all clients but the `most` that asked most.
  void keepClients(int most) {
    var byClient = new HashMap<String, Long>();
    requests.forEach((cell, figures) ->
        byClient.merge(cell.client, figures.requests, (one, other) -> one + other));
    byClient.remove(Tally.OTHERS);
    if (byClient.size() <= most) {
      return;
    }
    Set<String> kept = new HashSet<>();
    byClient.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
        .limit(most)
        .forEach(entry -> kept.add(entry.getKey()));
    for (var cell : List.copyOf(requests.keySet())) {
      if (!kept.contains(cell.client) && !cell.client.equals(Tally.OTHERS)) {
        var figures = requests.remove(cell);
        if (figures != null) {
          requests(new Cell(cell.route, cell.status, Tally.OTHERS)).add(figures);
        }
      }
    }
  }

  boolean hasClients() {
    return requests.keySet().stream().anyMatch(cell -> !cell.client.equals(Tally.OTHERS));
  }

  /// Rows it would be in the database; latencies by what is usual, since counting them costs more.
  int size() {
    return requests.size() + 8 * latencies.size() + limits.size();
  }

  long counted() {
    return requests.values().stream().mapToLong(figures -> figures.requests).sum();
  }

  void rows(
      Slot slot,
      List<Batch.Requests> toRequests,
      List<Batch.Latencies> toLatencies,
      List<Batch.Limits> toLimits) {
    requests.forEach((cell, figures) ->
        toRequests.add(new Batch.Requests(slot, cell.route, cell.status, cell.client, figures)));
    latencies.forEach((kind, buckets) -> {
      for (int i = 0; i < buckets.length; i++) {
        if (buckets[i] > 0) {
          toLatencies.add(new Batch.Latencies(slot, kind.route, kind.status, i, buckets[i]));
        }
      }
    });
    limits.forEach(
        (name, counts) -> toLimits.add(new Batch.Limits(slot, name, counts[0], counts[1])));
  }
}
