package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Address;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import dev.gatehouse.storage.Storage;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Optional;

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
    var database =
        Replicas.database(context, CONNECTIONS - Coherence.CONNECTIONS - Storage.CONNECTIONS);
    var coherence = coherence(database, context);
    var bytes = config.flatMap(ServiceConfig.Storage::cache).orElse(0L);
    var storage = new Storage(database, context.name(), coherence, bytes);
    var metrics = new Metrics();
    ProcessMetrics.of(database, metrics);
    if (bytes > 0) {
      NearCacheMetrics.of(coherence, storage::caches, metrics);
    }
    return Replicas.serve(
        context,
        storage.routes(),
        () -> bytes == 0 || coherence.hasLease() ? "ok" : "ok, without a lease: reads through",
        metrics,
        () -> {
          coherence.close();
          storage.close();
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
}
