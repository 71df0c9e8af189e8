package dev.gatehouse.edge.usage;

import dev.gatehouse.edge.ExchangeRecord;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What one event loop has counted since it was last asked. Confined to that loop, so counting is
/// two look-ups and a few additions, without a lock and, once a client is known, without an
/// allocation (for IPv4).
///
/// Shared counters ([java.util.concurrent.atomic.LongAdder] in a concurrent map) were refused: they
/// cost several times as much, and taking them away while others add loses counts or needs a lock.
final class Tally {
  /// Stands for the clients that have no figures of their own.
  static final String OTHERS = "";

  /// Clients by route that have figures of their own, at most; those who come later are summed.
  /// Bounds what a flood of addresses can cost, at about 2 MB a loop.
  static final int MOST = 8192;

  /// A status' first digit; 0 is no answer.
  static final int CLASSES = 6;

  /// The counts of one route.
  static final class OfRoute {
    final Map<String, @Nullable Figures[]> clients = new HashMap<>();

    /// By class, then by [Latency#bucket].
    final int[] @Nullable [] latencies = new int[CLASSES] @Nullable [];
  }

  final Map<String, OfRoute> routes = new HashMap<>();

  /// How many passed and how many did not, by limit.
  final Map<String, long[]> limits = new HashMap<>();

  private int known;

  void count(ExchangeRecord done) {
    var route = routes.get(done.route());
    if (route == null) {
      route = new OfRoute();
      routes.put(done.route(), route);
    }
    int status = done.status() / 100;
    int kind = status < CLASSES ? status : 0;
    long micros = done.nanos() / 1000;
    figures(route, Client.of(done.client()), kind).add(1, done.bytesIn(), done.bytesOut(), micros);
    var latencies = route.latencies[kind];
    if (latencies == null) {
      latencies = new int[Latency.BUCKETS];
      route.latencies[kind] = latencies;
    }
    latencies[Latency.bucket(micros)]++;
  }

  void limit(String name, boolean allowed) {
    limits.computeIfAbsent(name, fresh -> new long[2])[allowed ? 0 : 1]++;
  }

  private Figures figures(OfRoute route, String client, int kind) {
    var byKind = route.clients.get(client);
    if (byKind == null) {
      var counted = known < MOST ? client : OTHERS;
      byKind = route.clients.get(counted);
      if (byKind == null) {
        byKind = new @Nullable Figures[CLASSES];
        route.clients.put(counted, byKind);
        known++;
      }
    }
    var figures = byKind[kind];
    if (figures == null) {
      figures = new Figures();
      byKind[kind] = figures;
    }
    return figures;
  }

  boolean isEmpty() {
    return routes.isEmpty() && limits.isEmpty();
  }
}
