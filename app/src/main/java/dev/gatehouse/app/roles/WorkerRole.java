package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.http.Routes;
import dev.gatehouse.jobs.WorkerSettings;
import dev.gatehouse.multivac.MultivacWorker;
import dev.gatehouse.observe.Metrics;
import java.io.IOException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/// A worker on MultiVAC's queue; its port answers probes and scrapers only.
public final class WorkerRole implements Role {
  /// Database connections of one replica, at most.
  public static final int CONNECTIONS = 4;

  /// A draining process has three seconds and a half in all.
  private static final Duration RUNNING_JOBS = Duration.ofMillis(1800);

  /// It has no settings yet; the roles are made alike.
  public WorkerRole(Config config) {}

  @Override
  public Running start(RoleContext context) throws IOException {
    var database = Replicas.database(context, CONNECTIONS);
    var worker =
        MultivacWorker.start(
            database,
            WorkerSettings.named(context.name()).withDrain(RUNNING_JOBS),
            RandomGenerator.getDefault());
    return Replicas.serve(
        context,
        Routes.builder().build(),
        () -> "ok",
        new Metrics(),
        () -> {
          worker.close();
          database.close();
        });
  }
}
