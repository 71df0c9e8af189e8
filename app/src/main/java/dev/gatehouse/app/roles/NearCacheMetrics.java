package dev.gatehouse.app.roles;

import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.NearCache;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/// What a process tells of its near caches, and of the bus that keeps them true.
final class NearCacheMetrics {
  private NearCacheMetrics() {}

  static void of(
      Coherence coherence, Supplier<List<? extends NearCache<?>>> caches, Metrics metrics) {
    metrics.counters(
        "gatehouse_near_cache_reads",
        "Reads by what became of them: hit, answered from memory; miss, loaded from the database or"
            + " waited for one that did; read-through, no lease and so asked the database.",
        List.of("result"),
        () ->
            Map.of(
                List.of("hit"), sum(caches, NearCache::hits),
                List.of("miss"), sum(caches, NearCache::misses),
                List.of("read-through"), sum(caches, NearCache::readThrough)));
    metrics.gauge(
        "gatehouse_near_cache_bytes",
        "What is remembered, about.",
        () -> sum(caches, NearCache::bytes));
    lease(coherence, metrics);
    bus(coherence, metrics);
  }

  private static void lease(Coherence coherence, Metrics metrics) {
    metrics.gauge(
        "gatehouse_near_cache_lease_seconds",
        "How long it may be answered, should the database not be heard of any more.",
        () -> coherence.leaseLeft().toNanos() / 1e9);
    metrics.counter(
        "gatehouse_near_cache_lease_begun",
        "How often the lease began, after a gap: what was remembered is forgotten then.",
        coherence::epochs);
    metrics.counter(
        "gatehouse_near_cache_changes_read",
        "Changes read from the log, known from the bus before or not.",
        coherence::learned);
  }

  private static void bus(Coherence coherence, Metrics metrics) {
    metrics.counter(
        "gatehouse_bus_announced",
        "Writes that every other replica has heard of.",
        coherence::announced);
    metrics.counter(
        "gatehouse_bus_announcing_seconds",
        "How long that took in all, from the commit.",
        () -> coherence.announcing().toNanos() / 1e9);
    metrics.gauge(
        "gatehouse_bus_lag_seconds",
        "Age of the oldest write that some replica may not have heard of.",
        () -> coherence.waiting().toNanos() / 1e9);
  }

  private static double sum(
      Supplier<List<? extends NearCache<?>>> caches, ToLongFunction<NearCache<?>> what) {
    return caches.get().stream().mapToLong(what).sum();
  }
}
