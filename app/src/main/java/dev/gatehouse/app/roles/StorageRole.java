package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Address;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import dev.gatehouse.state.coherence.NearCache;
import dev.gatehouse.storage.Storage;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.function.ToLongFunction;

/// Documents and ages: one replica of the storage service.
public final class StorageRole implements Role {
  /// Database connections of one replica, at most.
  public static final int CONNECTIONS = 8;

  private final Optional<ServiceConfig.Storage> config;

  public StorageRole(Config config) {
    this.config = config.service(ServiceConfig.Storage.class);
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var database = Replicas.database(context, CONNECTIONS - Coherence.CONNECTIONS);
    var coherence = coherence(database, context);
    var bytes = config.flatMap(ServiceConfig.Storage::cache).orElse(0L);
    var storage = new Storage(database, context.name(), coherence, bytes);
    var metrics = new Metrics();
    if (bytes > 0) {
      measure(metrics, storage, coherence);
    }
    return Replicas.serve(
        context,
        storage.routes(),
        () -> bytes == 0 || coherence.hasLease() ? "ok" : "ok, without a lease: reads through",
        metrics,
        () -> {
          coherence.close();
          database.close();
        });
  }

  /// One that remembers nothing takes part too: the others must hear of its writes.
  private Coherence coherence(Database database, RoleContext context) {
    var settings = CoherenceSettings.DEFAULTS;
    if (config.flatMap(ServiceConfig.Storage::cache).isEmpty()) {
      settings = settings.withoutCaches();
    }
    var bus = config.flatMap(ServiceConfig.Storage::bus).map(Address::socket);
    if (bus.isPresent()) {
      settings = settings.listening(bus.get());
    }
    return Coherence.startAnyway(
        settings,
        database,
        new Coherence.Member(context.name(), context.secrets().assembly()),
        context.nanos(),
        new SecureRandom());
  }

  private static void measure(Metrics metrics, Storage storage, Coherence coherence) {
    metrics.counter(
        "gatehouse_cache_hits",
        "Reads of a document or an age that were answered from memory.",
        () -> sum(storage, NearCache::hits));
    metrics.counter(
        "gatehouse_cache_misses",
        "Reads that loaded from the database, or waited for one that did.",
        () -> sum(storage, NearCache::misses));
    metrics.counter(
        "gatehouse_cache_read_through",
        "Reads that found no lease, and so asked the database.",
        () -> sum(storage, NearCache::readThrough));
    metrics.gauge(
        "gatehouse_cache_bytes",
        "What is remembered, about.",
        () -> sum(storage, NearCache::bytes));
    metrics.gauge(
        "gatehouse_cache_lease_seconds",
        "How long it may be answered, should the database not be heard of any more.",
        () -> coherence.leaseLeft().toNanos() / 1e9);
    metrics.counter(
        "gatehouse_cache_lease_begun",
        "How often the lease began, after a gap: what was remembered is forgotten then.",
        coherence::epochs);
    metrics.counter(
        "gatehouse_cache_changes_read",
        "Changes read from the log, known from the bus before or not.",
        coherence::learned);
    metrics.counter(
        "gatehouse_cache_announced",
        "Writes that every other replica has heard of.",
        coherence::announced);
    metrics.counter(
        "gatehouse_cache_announcing_seconds",
        "How long that took in all, from the commit.",
        () -> coherence.announcing().toNanos() / 1e9);
    metrics.gauge(
        "gatehouse_cache_unannounced_seconds",
        "Age of the oldest write that some replica may not have heard of.",
        () -> coherence.waiting().toNanos() / 1e9);
  }

  private static double sum(Storage storage, ToLongFunction<NearCache<?>> what) {
    return storage.caches().stream().mapToLong(what).sum();
  }
}
