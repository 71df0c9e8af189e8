package dev.gatehouse.app;

import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.app.roles.Rehearsal;
import dev.gatehouse.app.roles.RoleProcess;
import dev.gatehouse.app.roles.Roles;
import dev.gatehouse.app.roles.Tracing;
import dev.gatehouse.http.Json;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The entry point of the processes that a supervisor starts: `ROLE --name N --data DIR [--listen
/// ADDRESS] [-f FILE --copy FILE]`.
///
/// It is not [Main], since the options parser that people need takes longer to load (0.2 s of CPU)
/// than everything else a replica does before it listens, and this line is only ever written by
/// [dev.gatehouse.app.supervisor.Fleet].
public final class ChildMain {
  private ChildMain() {}

  public static void main(String[] args) throws Exception {
    System.exit(run(args));
  }

  private static int run(String[] args) throws Exception {
    try {
      var role = args[0];
      var options = options(args);
      var data = Optional.ofNullable(options.get("--data")).map(Path::of);
      var file = Optional.ofNullable(options.get("-f")).map(Path::of);
      var copy = Optional.ofNullable(options.get("--copy")).map(Path::of);
      var loaded = Assembly.loadCopy(file, copy, data);
      var config = loaded.config();
      LogSetup.level(config.log().level().name());
      if (role.equals("rehearsal")) {
        Rehearsal.play(
            loaded, Assembly.data(config), Assembly.secrets(config), InstantSource.system());
        return 0;
      }
      var order =
          new RoleProcess.Order(
              options.getOrDefault("--name", role),
              options.getOrDefault("--listen", config.replica().listen().toString()),
              Assembly.data(config));
      try (var _ = Tracing.begin(config.traces(), order.name(), InstantSource.system())) {
        return RoleProcess.supervised(Roles.named(role, loaded), order, InstantSource.system());
      }
    } catch (PlainError e) {
      System.out.println(
          Json.string(Map.of("event", "failed", "kind", "fatal", "reason", e.sentence())));
      return 1;
    }
  }

  private static Map<String, String> options(String[] args) {
    var options = new HashMap<String, String>();
    for (int i = 1; i + 1 < args.length; i += 2) {
      options.put(args[i], args[i + 1]);
    }
    return options;
  }
}
