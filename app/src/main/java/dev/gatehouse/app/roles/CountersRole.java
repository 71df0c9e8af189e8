package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.counters.CounterSettings;
import dev.gatehouse.counters.Counters;
import dev.gatehouse.observe.Metrics;
import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;

/// Increments, gathered and written behind: one replica of the counters service.
public final class CountersRole implements Role {
  /// Database connections of one replica, at most.
  public static final int CONNECTIONS = 4;

  /// A draining process has three seconds and a half in all.
  private static final Duration LAST_FLUSH = Duration.ofMillis(1800);

  private final Config config;

  public CountersRole(Config config) {
    this.config = config;
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var usual = CounterSettings.DEFAULTS;
    var settings =
        new CounterSettings(
            config
                .service(ServiceConfig.Counters.class)
                .map(ServiceConfig.Counters::flushEvery)
                .orElse(usual.flushEvery()),
            usual.chunkKeys(),
            usual.maxPendingKeys(),
            usual.maxPendingBytes(),
            LAST_FLUSH);
    var database = Replicas.database(context, CONNECTIONS);
    var scheduler =
        Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().name("flush").daemon().unstarted(task));
    var counters =
        Counters.start(settings, database, UUID.randomUUID(), scheduler, context.nanos());
    var metrics = new Metrics();
    metrics.gauge(
        "gatehouse_counters_staleness_seconds",
        "Age of the oldest increment that Postgres may not have.",
        () -> counters.stalenessMs() / 1000.0);
    metrics.gauge(
        "gatehouse_counters_pending_keys",
        "Keys with increments that Postgres may not have.",
        counters::pendingKeys);
    return Replicas.serve(
        context,
        counters.routes(),
        counters::health,
        metrics,
        () -> {
          counters.close();
          scheduler.shutdownNow();
          database.close();
        });
  }
}
