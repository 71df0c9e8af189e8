package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.http.Routes;
import dev.gatehouse.jobs.Host;
import dev.gatehouse.jobs.WorkerSettings;
import dev.gatehouse.multivac.MultivacWorker;
import dev.gatehouse.observe.Metrics;
import java.io.IOException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/// A worker on MultiVAC's queue; its port answers probes and scrapers only.
public final class WorkerRole implements Role {
  /// Database connections of one replica, at most: the pool's, the one that claims and the one that
  /// listens.
  public static final int CONNECTIONS = 4;

  private static final int POOLED = CONNECTIONS - 2;

  /// Says to whoever reads exit codes that a job could not be stopped.
  private static final int STUCK = 70;

  /// A draining process has three seconds and a half in all.
  private static final Duration RUNNING_JOBS = Duration.ofMillis(1800);

  /// It has no settings yet; the roles are made alike.
  public WorkerRole(Config config) {}

  @Override
  public Running start(RoleContext context) throws IOException {
    var database = Replicas.database(context, POOLED);
    var worker =
        MultivacWorker.start(
            database,
            WorkerSettings.named(context.name()).withDrain(RUNNING_JOBS),
            new Host(context.nanos(), RandomGenerator.getDefault(), WorkerRole::halt));
    var metrics = new Metrics();
    ProcessMetrics.of(database, metrics);
    JobMetrics.of(worker::figures, metrics);
    return Replicas.serve(
        context,
        Routes.builder().build(),
        () -> "ok",
        metrics,
        () -> {
          worker.close();
          database.close();
        });
  }

  /// At once: hooks would wait for the very thread that cannot be stopped. All that could be handed
  /// back has been, and whoever started this process starts another.
  private static void halt() {
    Runtime.getRuntime().halt(STUCK);
  }
}
