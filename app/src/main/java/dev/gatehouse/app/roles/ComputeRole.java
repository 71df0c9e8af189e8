package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.compute.Compute;
import dev.gatehouse.compute.ComputeSettings;
import dev.gatehouse.observe.Metrics;
import java.io.IOException;
import java.util.SplittableRandom;

/// `/cpu` and `/local_program` in a process of their own, as in a container; by default they run
/// inside the edge.
public final class ComputeRole implements Role {
  private final Config config;

  public ComputeRole(Config config) {
    this.config = config;
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var settings =
        config
            .service(ServiceConfig.Compute.class)
            .orElseThrow(() -> new IllegalStateException("This assembly has no compute."));
    var compute = open(settings, context);
    var metrics = new Metrics();
    ServiceMetrics.of(compute, metrics);
    return Replicas.serve(context, compute.routes(), () -> "ok", metrics, compute::close);
  }

  /// The service itself, wherever it runs.
  static Compute open(ServiceConfig.Compute settings, RoleContext context) {
    var program = settings.program();
    return Compute.start(
        new ComputeSettings(
            settings.buffer(),
            ComputeSettings.defaults().producers(),
            program.command(),
            program.timeLimit(),
            program.concurrency(),
            program.queue()),
        context.data().resolve("compute"),
        new SplittableRandom(),
        context.nanos());
  }
}
