package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.app.roles.RoleProcess;
import dev.gatehouse.app.roles.Roles;
import dev.gatehouse.app.roles.Tracing;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;

/// `gatehouse run ROLE`: one process of an assembly on its own, as in a container.
final class Run {
  private Run() {}

  static int run(
      String roleName,
      Optional<Path> file,
      Optional<Path> chosenData,
      Optional<String> name,
      Optional<String> listen)
      throws Exception {
    var loaded = Assembly.load(file, chosenData);
    var config = loaded.config();
    LogSetup.level(config.log().level().name());
    var role = Roles.named(roleName, loaded);
    var order =
        new RoleProcess.Order(
            name.or(() -> Optional.ofNullable(System.getenv("GATEHOUSE_NAME"))).orElse(roleName),
            listen.orElse(config.replica().listen().toString()),
            Assembly.data(config));
    try (var _ = Tracing.begin(config.traces(), order.name(), InstantSource.system())) {
      return RoleProcess.alone(role, order, Assembly.secrets(config), InstantSource.system());
    }
  }
}
