package dev.gatehouse.app;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ConfigSource;
import dev.gatehouse.app.config.DatabaseChoice;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.app.reload.InForce;
import dev.gatehouse.app.roles.CountersRole;
import dev.gatehouse.app.roles.EdgeRole;
import dev.gatehouse.app.roles.RoleContext;
import dev.gatehouse.app.roles.StorageRole;
import dev.gatehouse.app.roles.WorkerRole;
import dev.gatehouse.app.supervisor.DatabaseProcess;
import dev.gatehouse.app.supervisor.Plan;
import dev.gatehouse.app.supervisor.ServiceSpec;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.EmbeddedPostgres;
import dev.gatehouse.state.EmbeddedSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// From a configuration to the processes that run it.
public final class Assembly {
  /// One more than its pool for each process: at its start it looks at the schema.
  private static final ServiceSpec.Jvm EDGE =
      new ServiceSpec.Jvm(256, 128, false, true, EdgeRole.CONNECTIONS + 1);

  /// What may wait for the database at most, a million keys, and that while it is flushed.
  private static final ServiceSpec.Jvm COUNTERS =
      new ServiceSpec.Jvm(512, 32, false, true, CountersRole.CONNECTIONS + 1);

  /// Heap of a storage replica in MiB, besides what it may remember.
  private static final int STORAGE_HEAP = 64;

  private static final ServiceSpec.Jvm WORKER =
      new ServiceSpec.Jvm(96, 32, true, true, WorkerRole.CONNECTIONS + 1).endingWhenFull();

  /// Connections that the embedded server has for others: a rehearsal, a person with `psql`.
  private static final int SPARE_CONNECTIONS = 20;

  private static final int USUAL_CONNECTIONS = 100;

  private Assembly() {}

  /// Reads and checks a configuration as every command does.
  ///
  /// @throws PlainError with every mistake in it
  public static Loaded.Good load(Optional<Path> file, Optional<Path> data) {
    return good(source(file, data).load());
  }

  /// Reads the text in force from the supervisor's copy of it; the file itself may hold something
  /// else by now.
  static Loaded.Good loadCopy(Optional<Path> file, Optional<Path> copy, Optional<Path> data)
      throws IOException {
    return copy.isPresent()
        ? good(source(file, data).load(Files.readAllBytes(copy.get())))
        : load(file, data);
  }

  private static ConfigSource source(Optional<Path> file, Optional<Path> data) {
    return new ConfigSource(
        file,
        data.<Map<String, String>>map(path -> Map.of("data", path.toString())).orElse(Map.of()));
  }

  private static Loaded.Good good(Loaded loaded) {
    return switch (loaded) {
      case Loaded.Good good -> good;
      case Loaded.Bad bad -> throw new PlainError("the configuration is wrong\n" + bad.render());
    };
  }

  /// What the supervisor is to run.
  public static Plan plan(Config config, SecureRandom random) {
    var services = specs(config);
    return new Plan(
        services,
        config.replica().listen().host(),
        config.replica().listen().port(),
        database(config, services),
        Map.of(),
        Map.of("secret", secret(random)));
  }

  /// How many processes of each service a configuration asks for.
  public static Map<String, Integer> counts(Config config) {
    var counts = new LinkedHashMap<String, Integer>();
    for (var spec : specs(config)) {
      if (!spec.entrance()) {
        counts.put(spec.name(), spec.replicas());
      }
    }
    return counts;
  }

  private static List<ServiceSpec> specs(Config config) {
    var services = new ArrayList<ServiceSpec>();
    services.add(new ServiceSpec("edge", 1, true, false, arguments("edge", config), EDGE, 0));
    // Before storage: the first port is its own, and storage-1 has the one after it.
    config
        .service(ServiceConfig.Counters.class)
        .filter(counters -> counters.discover().isEmpty())
        .ifPresent(counters ->
            services.add(replicas("counters", counters.replicas(), config, COUNTERS, 2)));
    config
        .service(ServiceConfig.Storage.class)
        .filter(storage -> storage.discover().isEmpty())
        .ifPresent(storage ->
            services.add(
                replicas(
                    "storage",
                    storage.replicas(),
                    config,
                    storageJvm(storage.cache().orElse(0L)),
                    3)));
    config
        .service(ServiceConfig.Multivac.class)
        .filter(multivac -> multivac.discover().isEmpty())
        .ifPresent(
            multivac -> services.add(replicas("worker", multivac.workers(), config, WORKER, 1)));
    return services;
  }

  private static ServiceSpec.Jvm storageJvm(long cache) {
    // At least as much as before there was a cache: eight documents of 1 MiB may be in flight.
    int heap = Math.max(96, STORAGE_HEAP + (int) (cache >> 20));
    return new ServiceSpec.Jvm(heap, 32, false, true, StorageRole.CONNECTIONS + 1);
  }

  private static ServiceSpec replicas(
      String role, int count, Config config, ServiceSpec.Jvm jvm, int stage) {
    return new ServiceSpec(role, count, false, true, arguments(role, config), jvm, stage);
  }

  private static List<String> arguments(String role, Config config) {
    var arguments = new ArrayList<String>();
    arguments.add(role);
    config
        .file()
        .ifPresent(file ->
            arguments.addAll(
                List.of(
                    "-f",
                    file.toString(),
                    "--copy",
                    new InForce(data(config).resolve("run")).path().toString())));
    arguments.addAll(List.of("--data", data(config).toString()));
    return arguments;
  }

  /// The command line of a rehearsal, for the AOT cache.
  public static List<String> rehearsal(Config config) {
    return arguments("rehearsal", config);
  }

  /// What a process on its own is told by its environment.
  ///
  /// @throws PlainError when it is not told enough
  public static RoleContext.Secrets secrets(Config config) {
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

  public static Path data(Config config) {
    return config.data().toAbsolutePath().normalize();
  }

  private static String secret(SecureRandom random) {
    var bytes = new byte[32];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static Plan.DatabasePlan database(Config config, List<ServiceSpec> services) {
    return switch (config.database()) {
      case DatabaseChoice.Given given ->
          new Plan.DatabasePlan.Given(given.url(), () -> allowedBy(given.url()));
      case DatabaseChoice.Embedded() -> {
        int needed =
            services.stream()
                .mapToInt(service -> service.replicas() * service.jvm().connections())
                .sum();
        int allowed = Math.max(USUAL_CONNECTIONS, needed + SPARE_CONNECTIONS);
        yield new Plan.DatabasePlan.Own(
            () -> startPostgres(data(config), allowed), allowed - SPARE_CONNECTIONS);
      }
    };
  }

  private static int allowedBy(String url) {
    try {
      return Database.connectionsAllowed(url);
    } catch (IllegalStateException e) {
      throw new PlainError(String.valueOf(e.getMessage()));
    }
  }

  private static DatabaseProcess startPostgres(Path data, int connections) {
    EmbeddedPostgres server;
    try {
      server =
          EmbeddedPostgres.start(
              EmbeddedSettings.in(data).with("max_connections", Integer.toString(connections)));
    } catch (IllegalStateException e) {
      throw new PlainError(String.valueOf(e.getMessage()));
    }
    return new DatabaseProcess() {
      @Override
      public String url() {
        return server.url();
      }

      @Override
      public CompletableFuture<Void> onExit() {
        return server.onExit().thenApply(status -> null);
      }

      @Override
      public long pid() {
        return server.pid();
      }

      @Override
      public void close() {
        server.close();
      }
    };
  }
}
