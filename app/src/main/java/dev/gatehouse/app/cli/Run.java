package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.DatabaseChoice;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.roles.CountersRole;
import dev.gatehouse.app.roles.EdgeRole;
import dev.gatehouse.app.roles.Rehearsal;
import dev.gatehouse.app.roles.Role;
import dev.gatehouse.app.roles.RoleContext;
import dev.gatehouse.app.roles.RoleProcess;
import dev.gatehouse.app.roles.StorageRole;
import dev.gatehouse.app.roles.WorkerRole;
import dev.gatehouse.http.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// `gatehouse run ROLE`: one process of an assembly, under a supervisor or in a container.
final class Run {
  private static final Map<String, Function<Loaded.Good, Role>> ROLES =
      Map.of(
          "counters", loaded -> new CountersRole(loaded.config()),
          "edge", EdgeRole::new,
          "storage", loaded -> new StorageRole(loaded.config()),
          "worker", loaded -> new WorkerRole(loaded.config()));

  private Run() {}

  static int run(
      String roleName,
      Optional<Path> file,
      Optional<Path> chosenData,
      Optional<String> name,
      Optional<String> listen,
      boolean supervised)
      throws Exception {
    try {
      return begin(roleName, file, chosenData, name, listen, supervised);
    } catch (PlainError e) {
      if (supervised) {
        // The supervisor says it; twice would be too often.
        System.out.println(
            Json.string(Map.of("event", "failed", "kind", "fatal", "reason", e.sentence())));
        return 1;
      }
      throw e;
    }
  }

  private static int begin(
      String roleName,
      Optional<Path> file,
      Optional<Path> chosenData,
      Optional<String> name,
      Optional<String> listen,
      boolean supervised)
      throws Exception {
    if (roleName.equals("rehearsal")) {
      var config = Assembly.load(file, chosenData).config();
      try {
        Rehearsal.play(config, Assembly.data(config), secrets(config), InstantSource.system());
      } catch (IOException e) {
        throw new PlainError("the rehearsal failed: " + e);
      }
      return 0;
    }
    var make = ROLES.get(roleName);
    if (make == null) {
      throw new PlainError(
          "There is no role " + roleName + "; there are " + String.join(", ", known()) + ".");
    }
    var loaded = Assembly.load(file, chosenData);
    var config = loaded.config();
    var role = make.apply(loaded);
    var order =
        new RoleProcess.Order(
            name.orElse(roleName),
            listen.orElse(config.replica().listen().toString()),
            Assembly.data(config));
    var clock = InstantSource.system();
    return supervised
        ? RoleProcess.supervised(role, order, clock)
        : RoleProcess.alone(role, order, secrets(config), clock);
  }

  private static List<String> known() {
    return ROLES.keySet().stream().sorted().toList();
  }

  private static RoleContext.Secrets secrets(Config config) {
    var secret = System.getenv("GATEHOUSE_SECRET");
    if (secret == null || secret.length() < 16) {
      throw new PlainError(
          "Set GATEHOUSE_SECRET to the same 16 or more random characters in every process of the"
              + " assembly: replicas believe an edge that knows it.");
    }
    return switch (config.database()) {
      case DatabaseChoice.Given given -> new RoleContext.Secrets(given.url(), secret);
      case DatabaseChoice.Embedded() ->
          throw new PlainError(
              "A process on its own needs a database: set GATEHOUSE_DATABASE to"
                  + " postgres://user:password@host:port/database.");
    };
  }
}
