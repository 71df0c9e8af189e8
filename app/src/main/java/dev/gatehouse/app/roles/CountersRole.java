package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.counters.CounterSettings;
import dev.gatehouse.counters.Counters;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.journal.JournalSettings;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.Executors;

/// Increments, gathered and written behind: one replica of the counters service.
public final class CountersRole implements Role {
  /// Database connections of one replica, at most.
  public static final int CONNECTIONS = 4;

  /// A draining process has three seconds and a half in all.
  private static final Duration LAST_FLUSH = Duration.ofMillis(1800);

  /// How long a database that does not answer is waited for, at the start and at each flush.
  private static final Duration ASKED = Duration.ofSeconds(1);

  private final Config config;

  public CountersRole(Config config) {
    this.config = config;
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var settings = settings();
    var database = Replicas.open(context, CONNECTIONS);
    var scheduler =
        Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().name("flush").daemon().unstarted(task));
    Counters counters;
    try {
      counters =
          Counters.start(
              settings,
              database,
              context.data().resolve("counters"),
              new Counters.Means(
                  scheduler,
                  Executors.newVirtualThreadPerTaskExecutor(),
                  context.nanos(),
                  new SecureRandom(),
                  () -> Replicas.migrate(database, context, ASKED)));
    } catch (IOException e) {
      database.close();
      throw new IOException("The counters' journal cannot be used: " + e.getMessage(), e);
    } catch (IllegalStateException e) {
      database.close();
      throw e;
    }
    var metrics = new Metrics();
    ProcessMetrics.of(database, metrics);
    metrics.gauge(
        "gatehouse_counters_staleness_seconds",
        "Age of the oldest increment that Postgres may not have.",
        () -> counters.stalenessMs() / 1000.0);
    metrics.gauge(
        "gatehouse_counters_pending_keys",
        "Keys with increments that Postgres may not have.",
        counters::pendingKeys);
    metrics.gauge(
        "gatehouse_counters_journal_bytes",
        "What the journal of this replica takes on its disk.",
        counters::journalBytes);
    metrics.gauge(
        "gatehouse_counters_journal_limit_bytes",
        "What the journal of this replica may take on its disk.",
        settings.journal()::maxBytes);
    metrics.counter(
        "gatehouse_counters_repeated",
        "Requests with an Idempotency-Key that the flush found to have been counted before.",
        counters::repeated);
    metrics.counter(
        "gatehouse_counters_dropped",
        "Requests that were acknowledged and not counted: their Idempotency-Key belonged to another"
            + " body.",
        counters::differing);
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

  private CounterSettings settings() {
    var usual = CounterSettings.DEFAULTS.withCloseWithin(LAST_FLUSH);
    return config
        .service(ServiceConfig.Counters.class)
        .map(own ->
            usual
                .withFlushEvery(own.flushEvery())
                .withJournal(JournalSettings.of(own.durability(), own.journal())))
        .orElse(usual);
  }
}
