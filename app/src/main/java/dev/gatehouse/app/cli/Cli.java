package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.Version;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Every command and its options, and nothing else: what a command does is in the class it calls.
@Command(
    name = "gatehouse",
    mixinStandardHelpOptions = true,
    versionProvider = Cli.OfTheJar.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = Cli.KeyCommands.class,
    description = "A fast gateway and the small services behind it, in one program.")
public final class Cli {
  private Cli() {}

  /// Runs one command line; returns the exit code.
  public static int run(String[] args) {
    var line = new CommandLine(new Cli());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler((failure, command, parsed) -> {
      if (failure instanceof PlainError plain) {
        System.err.println("gatehouse: " + plain.sentence());
        return 1;
      }
      throw failure;
    });
    if (args.length == 0) {
      line.usage(System.out);
      return 0;
    }
    return line.execute(args);
  }

  /// Where a command finds the assembly.
  static final class DataOption {
    @Option(
        names = "--data",
        paramLabel = "DIR",
        description = "Where the assembly keeps its state; else $$GATEHOUSE_DATA, else ./data.")
    @Nullable Path data;

    Path path() {
      return chosen().orElse(Path.of("data")).toAbsolutePath().normalize();
    }

    Optional<Path> chosen() {
      var variable = System.getenv("GATEHOUSE_DATA");
      return Optional.ofNullable(data)
          .or(() -> Optional.ofNullable(variable).filter(text -> !text.isEmpty()).map(Path::of));
    }
  }

  /// Which file describes the assembly.
  static final class FileOption {
    @Option(
        names = {"-f", "--file"},
        paramLabel = "FILE",
        description = "The assembly to run; without it, the one that ships with Gatehouse.")
    @Nullable Path file;

    Optional<Path> chosen() {
      return Optional.ofNullable(file);
    }
  }

  @Command(
      name = "up",
      mixinStandardHelpOptions = true,
      description = "Run an assembly in the foreground; Ctrl-C stops all of it in order.")
  int up(@CommandLine.Mixin FileOption file, @CommandLine.Mixin DataOption data)
      throws InterruptedException {
    return Up.run(file.chosen(), data.chosen());
  }

  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      description = "Check a configuration and show every setting and where it comes from.")
  int check(@CommandLine.Mixin FileOption file, @CommandLine.Mixin DataOption data) {
    return Check.run(file.chosen(), data.chosen());
  }

  @Command(
      name = "run",
      mixinStandardHelpOptions = true,
      description = {
        "Run one process of an assembly, as in a container: edge, storage, counters, worker,",
        "accounts or compute.",
        "GATEHOUSE_DATABASE names its database, GATEHOUSE_SECRET the assembly's secret."
      })
  int run(
      @CommandLine.Mixin FileOption file,
      @CommandLine.Mixin DataOption data,
      @Parameters(paramLabel = "ROLE") String role,
      @Option(names = "--name", paramLabel = "NAME", description = "What this process is called.")
          @Nullable String name,
      @Option(
              names = "--listen",
              paramLabel = "ADDRESS",
              description = "Where a replica listens, such as 0.0.0.0:9100.")
          @Nullable String listen)
      throws Exception {
    return Run.run(
        role, file.chosen(), data.chosen(), Optional.ofNullable(name), Optional.ofNullable(listen));
  }

  @Command(
      name = "healthcheck",
      mixinStandardHelpOptions = true,
      description =
          "Ask a process of this machine whether it is ready; the exit code is the answer.")
  int healthcheck(
      @CommandLine.Mixin DataOption data,
      @Option(
              names = "--at",
              paramLabel = "ADDRESS",
              description = "Where it answers /readyz; else what is noted in the data directory.")
          @Nullable String at) {
    return HealthCheck.run(data.path(), Optional.ofNullable(at));
  }

  @Command(
      name = "init-secrets",
      mixinStandardHelpOptions = true,
      description = {
        "Write new random credentials for deploy/compose, readable by you alone.",
        "A file that is there is never overwritten."
      })
  int initSecrets(
      @Parameters(
              paramLabel = "FILE",
              defaultValue = ".env",
              description = "Where; .env if absent.")
          Path file) {
    return InitSecrets.run(file, new SecureRandom());
  }

  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "Show every process of the running assembly.")
  int status(
      @CommandLine.Mixin DataOption data,
      @Option(names = "--json", description = "Print JSON instead of a table.") boolean json) {
    return Orders.status(data.path(), json);
  }

  @Command(
      name = "scale",
      mixinStandardHelpOptions = true,
      description = "Change how many replicas of a service run, such as storage=5; 0 stops all.")
  int scale(
      @CommandLine.Mixin DataOption data,
      @Parameters(arity = "1..*", paramLabel = "SERVICE=COUNT") List<String> counts) {
    return Orders.scale(data.path(), counts);
  }

  @Command(
      name = "stop",
      mixinStandardHelpOptions = true,
      description = "Drain and stop a replica (storage-2) or every replica of a service (storage).")
  int stop(
      @CommandLine.Mixin DataOption data,
      @Parameters(arity = "1..*", paramLabel = "NAME") List<String> names) {
    return Orders.send(data.path(), "stop", names);
  }

  @Command(
      name = "start",
      mixinStandardHelpOptions = true,
      description = "Start a replica or a service that was stopped.")
  int start(
      @CommandLine.Mixin DataOption data,
      @Parameters(arity = "1..*", paramLabel = "NAME") List<String> names) {
    return Orders.send(data.path(), "start", names);
  }

  @Command(
      name = "restart",
      mixinStandardHelpOptions = true,
      description = "Restart a replica, or those of a service one after the other.")
  int restart(
      @CommandLine.Mixin DataOption data,
      @Parameters(arity = "1..*", paramLabel = "NAME") List<String> names) {
    return Orders.send(data.path(), "restart", names);
  }

  @Command(
      name = "reload",
      mixinStandardHelpOptions = true,
      description = {
        "Have the running assembly read its file again, without a dropped request.",
        "One with a mistake is refused whole and changes nothing."
      })
  int reload(@CommandLine.Mixin DataOption data) {
    return Orders.reload(data.path());
  }

  @Command(
      name = "logs",
      mixinStandardHelpOptions = true,
      description = {
        "Show what the processes of an assembly said, whether it runs or not.",
        "GATEHOUSE_LOG_DIR names a directory with the logs of single processes."
      })
  int logs(
      @CommandLine.Mixin DataOption data,
      @Option(
              names = {"-f", "--follow"},
              description = "Go on as lines come.")
          boolean follow,
      @Option(
              names = "--service",
              paramLabel = "NAME",
              description = "Only of a service (storage) or a replica (storage-2).")
          @Nullable String service,
      @Option(
              names = "--level",
              paramLabel = "LEVEL",
              description = "Only from this level on: error, warn, info, debug or trace.")
          @Nullable String level,
      @Option(
              names = "--request",
              paramLabel = "ID",
              description = "Only of one request, by its X-Request-Id, its jobs included.")
          @Nullable String request,
      @Option(
              names = "--since",
              paramLabel = "TIME",
              description = "Only of the last 30s, 10m, 2h or 7d.")
          @Nullable String since,
      @Option(names = "--json", description = "Print lines as they were written.") boolean json)
      throws InterruptedException {
    return Logs.run(
        data.path(),
        new Logs.Wish(
            Optional.ofNullable(service),
            Optional.ofNullable(level),
            Optional.ofNullable(request),
            Optional.ofNullable(since),
            follow,
            json),
        InstantSource.system(),
        System.out);
  }

  @Command(
      name = "stats",
      mixinStandardHelpOptions = true,
      description = {
        "Show what was asked of the edges: how often, by whom, and how it went.",
        "Several values of a filter are separated by commas."
      })
  int stats(
      @CommandLine.Mixin FileOption file,
      @CommandLine.Mixin DataOption data,
      @Option(
              names = "--by",
              paramLabel = "WHAT",
              defaultValue = "route",
              description = "route, path, client, status or limit; several with commas.")
          String by,
      @Option(
              names = "--window",
              paramLabel = "TIME",
              defaultValue = "1h",
              description = "How far back: 15m, 1h, 30d.")
          String window,
      @Option(
              names = "--top",
              paramLabel = "ROWS",
              defaultValue = "20",
              description = "How many rows at most.")
          String top,
      @Option(
              names = "--only",
              paramLabel = "WHAT=VALUE",
              description = "Only these, such as client=10.0.0.1 or status=5xx.")
          @Nullable Map<String, String> only,
      @Option(names = "--json", description = "Print JSON instead of a table.") boolean json) {
    var query = new LinkedHashMap<String, String>();
    query.put("by", by);
    query.put("window", window);
    query.put("top", top);
    query.putAll(only == null ? Map.of() : only);
    return Stats.run(AdminClient.of(file.chosen(), data.chosen()), query, json);
  }

  @Command(
      name = "token",
      mixinStandardHelpOptions = true,
      description = {
        "Get the token that requests show to an upstream (one of 'credentials').",
        "Prints a page on which somebody allows it, and keeps what comes back in the data directory."
      })
  int token(
      @CommandLine.Mixin FileOption file,
      @CommandLine.Mixin DataOption data,
      @Parameters(paramLabel = "NAME") String name)
      throws InterruptedException {
    return Token.run(name, file.chosen(), data.chosen());
  }

  @Command(
      name = "keys",
      mixinStandardHelpOptions = true,
      synopsisSubcommandLabel = "COMMAND",
      description = "API keys, for routes with 'authenticate: api-key'.")
  static final class KeyCommands {
    @Command(
        name = "add",
        mixinStandardHelpOptions = true,
        description = {
          "Make a key and print it; it is shown this once.",
          "Its name is the user whom services are told of."
        })
    int add(
        @CommandLine.Mixin FileOption file,
        @CommandLine.Mixin DataOption data,
        @Parameters(paramLabel = "NAME") String name,
        @Option(names = "--plan", paramLabel = "PLAN", description = "Its plan, for limits.")
            @Nullable String plan) {
      return Keys.add(
          AdminClient.of(file.chosen(), data.chosen()), name, Optional.ofNullable(plan));
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Show all keys.")
    int list(@CommandLine.Mixin FileOption file, @CommandLine.Mixin DataOption data) {
      return Keys.list(AdminClient.of(file.chosen(), data.chosen()));
    }

    @Command(
        name = "revoke",
        mixinStandardHelpOptions = true,
        description = "End a key, by its name or its id.")
    int revoke(
        @CommandLine.Mixin FileOption file,
        @CommandLine.Mixin DataOption data,
        @Parameters(paramLabel = "KEY") String key) {
      return Keys.revoke(AdminClient.of(file.chosen(), data.chosen()), key);
    }
  }

  static final class OfTheJar implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"gatehouse " + Version.current()};
    }
  }
}
