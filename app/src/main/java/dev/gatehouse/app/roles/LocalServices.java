package dev.gatehouse.app.roles;

import dev.gatehouse.accounts.Accounts;
import dev.gatehouse.accounts.AccountsSettings;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.compute.Compute;
import dev.gatehouse.compute.ComputeSettings;
import dev.gatehouse.http.Routes;
import dev.gatehouse.multivac.Multivac;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The services that run inside the edge: accounts, compute and MultiVAC's HTTP side.
final class LocalServices implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LocalServices.class);
  private static final int POOL = 8;

  /// Of this process to the database.
  static final int CONNECTIONS = POOL + Coherence.CONNECTIONS;

  private final Map<String, Routes> routes = new LinkedHashMap<>();
  private final Deque<AutoCloseable> open = new ConcurrentLinkedDeque<>();
  private final Lazy database;
  private Optional<Accounts> accounts = Optional.empty();

  private LocalServices(RoleContext context) {
    database = new Lazy(context, open);
  }

  /// Starts what the configuration names; waits for the database if any of them needs it.
  static LocalServices start(Config config, RoleContext context) {
    var services = new LocalServices(context);
    var database = services.database;
    config
        .services()
        .forEach((name, settings) -> {
          switch (settings) {
            case ServiceConfig.Storage storage -> {}
            case ServiceConfig.Counters counters -> {}
            case ServiceConfig.Compute compute -> services.compute(name, compute, context);
            case ServiceConfig.Accounts own ->
                services.accounts(name, own, database.get(), context);
            case ServiceConfig.Multivac multivac ->
                services.routes.put(name, new Multivac(database.get()).routes());
          }
        });
    return services;
  }

  /// The database, opened by the first that needs it; whoever else does shares it.
  private static final class Lazy {
    private final RoleContext context;
    private final Deque<AutoCloseable> open;
    private Optional<Database> database = Optional.empty();

    Lazy(RoleContext context, Deque<AutoCloseable> open) {
      this.context = context;
      this.open = open;
    }

    synchronized Database get() {
      if (database.isEmpty()) {
        var opened = Replicas.database(context, POOL);
        open.push(opened);
        database = Optional.of(opened);
      }
      return database.get();
    }
  }

  private void compute(String name, ServiceConfig.Compute settings, RoleContext context) {
    var usual = ComputeSettings.defaults();
    var program = settings.program();
    var compute =
        Compute.start(
            new ComputeSettings(
                settings.buffer(),
                usual.producers(),
                program.command(),
                program.timeLimit(),
                program.concurrency(),
                program.queue()),
            context.data().resolve("compute"),
            new SplittableRandom(),
            context.nanos());
    open.push(compute);
    routes.put(name, compute.routes());
  }

  private void accounts(
      String name, ServiceConfig.Accounts settings, Database database, RoleContext context) {
    var random = new SecureRandom();
    var made =
        new Accounts(
            AccountsSettings.defaults(Runtime.getRuntime().availableProcessors())
                .idle(settings.idle()),
            database,
            random,
            context.nanos(),
            coherence(database, context, random));
    open.push(made);
    routes.put(name, made.routes());
    accounts = Optional.of(made);
  }

  /// Without a bus the edge does not fail: it asks the database for every session, and the others
  /// still hear of those that end here.
  private Coherence coherence(Database database, RoleContext context, SecureRandom random) {
    try {
      return coherence(CoherenceSettings.DEFAULTS, database, context, random);
    } catch (IOException | UncheckedIOException failure) {
      log.warn(
          "sessions cannot be remembered ({}); every request with one asks the database until {}"
              + " starts again",
          failure.getMessage(),
          context.name());
    }
    try {
      return coherence(CoherenceSettings.DEFAULTS.withoutCaches(), database, context, random);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  private Coherence coherence(
      CoherenceSettings settings, Database database, RoleContext context, SecureRandom random)
      throws IOException {
    var member = new Coherence.Member(context.name(), context.secrets().assembly());
    var coherence = Coherence.start(settings, database, member, context.nanos(), random);
    open.push(coherence);
    return coherence;
  }

  /// By the service's name.
  Map<String, Routes> routes() {
    return routes;
  }

  /// The database of the services here, which others in this process may share; waits for it as
  /// long as it takes where nobody has needed it before.
  Database database() {
    return database.get();
  }

  /// The user whose session this token is; nobody's where this assembly has no accounts.
  Optional<String> userOf(String token) {
    return accounts.flatMap(service -> service.userOf(token));
  }

  /// Closes them in reverse order, the database last.
  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
