package dev.gatehouse.app.roles;

import dev.gatehouse.accounts.Accounts;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.http.Routes;
import dev.gatehouse.multivac.Multivac;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Consumer;

/// The services that run inside the edge: accounts, compute and MultiVAC's HTTP side, but for those
/// that are discovered elsewhere.
final class LocalServices implements AutoCloseable {
  private static final int POOL = 8;

  /// Of this process to the database.
  static final int CONNECTIONS = POOL + Coherence.CONNECTIONS;

  private final Map<String, Routes> routes = new LinkedHashMap<>();
  private final Deque<AutoCloseable> open = new ConcurrentLinkedDeque<>();
  private final Lazy database;
  private final List<Consumer<Metrics>> measures = new ArrayList<>();
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
            case ServiceConfig.Compute compute -> {
              if (compute.discover().isEmpty()) {
                services.compute(name, compute, context);
              }
            }
            case ServiceConfig.Accounts own ->
                services.accounts(name, own, database.get(), context);
            case ServiceConfig.Multivac multivac ->
                services.multivac(name, new Multivac(database.get()), context);
          }
        });
    return services;
  }

  /// The database, opened by the first that needs it; whoever else does shares it.
  private static final class Lazy {
    private final RoleContext context;
    private final Deque<AutoCloseable> open;
    private Optional<Database> database = Optional.empty();

    /// For whoever must not wait for it.
    private final CompletableFuture<Database> opened = new CompletableFuture<>();

    Lazy(RoleContext context, Deque<AutoCloseable> open) {
      this.context = context;
      this.open = open;
    }

    synchronized Database get() {
      if (database.isEmpty()) {
        var first = Replicas.database(context, POOL);
        open.push(first);
        database = Optional.of(first);
        opened.complete(first);
      }
      return database.get();
    }
  }

  private void compute(String name, ServiceConfig.Compute settings, RoleContext context) {
    var compute = ComputeRole.open(settings, context);
    open.push(compute);
    routes.put(name, compute.routes());
    measures.add(metrics -> ServiceMetrics.of(compute, metrics));
  }

  private void multivac(String name, Multivac multivac, RoleContext context) {
    routes.put(name, multivac.routes());
    measures.add(metrics -> JobMetrics.of(name, multivac::queued, context.nanos(), metrics));
  }

  /// Here for the sessions at least: routes ask for one, wherever accounts run.
  private void accounts(
      String name, ServiceConfig.Accounts settings, Database database, RoleContext context) {
    var parts = AccountsRole.open(settings, database, context);
    open.push(parts);
    accounts = Optional.of(parts.accounts());
    measures.add(parts::measure);
    if (settings.discover().isEmpty()) {
      measures.add(metrics -> ServiceMetrics.of(parts.accounts(), metrics));
      routes.put(name, parts.accounts().routes());
    }
  }

  /// What they and their database tell of themselves, the database once it is open; call it once.
  void measure(Metrics metrics) {
    measures.forEach(measure -> measure.accept(metrics));
    var _ = database.opened.thenAccept(opened -> ProcessMetrics.of(opened, metrics));
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
