package dev.gatehouse.app.roles;

import dev.gatehouse.accounts.Accounts;
import dev.gatehouse.accounts.AccountsSettings;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.List;

/// Users and sessions in a process of their own, as in a container; by default they run inside the
/// edge.
///
/// An edge whose accounts run elsewhere still looks at sessions itself, on the routes that ask for
/// one: it has the same service without its routes, and hears of every session that ends.
public final class AccountsRole implements Role {
  private static final int POOL = 8;

  private final Config config;

  public AccountsRole(Config config) {
    this.config = config;
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var settings =
        config
            .service(ServiceConfig.Accounts.class)
            .orElseThrow(() -> new IllegalStateException("This assembly has no accounts."));
    var database = Replicas.database(context, POOL);
    var parts = open(settings, database, context);
    var metrics = new Metrics();
    ProcessMetrics.of(database, metrics);
    parts.measure(metrics);
    ServiceMetrics.of(parts.accounts(), metrics);
    return Replicas.serve(
        context,
        parts.accounts().routes(),
        () -> "ok",
        metrics,
        () -> {
          parts.close();
          database.close();
        });
  }

  /// The service, and how it hears of what the others do.
  record Parts(Accounts accounts, Coherence coherence) implements AutoCloseable {
    /// The sessions it remembers, wherever users sign in.
    void measure(Metrics metrics) {
      NearCacheMetrics.of(coherence, () -> List.of(accounts.sessionCache()), metrics);
    }

    @Override
    public void close() {
      accounts.close();
      coherence.close();
    }
  }

  /// The service itself, wherever it runs.
  static Parts open(ServiceConfig.Accounts settings, Database database, RoleContext context) {
    var random = new SecureRandom();
    var coherence =
        Coherence.startAnyway(
            CoherenceSettings.DEFAULTS,
            database,
            new Coherence.Member(context.name(), context.secrets().assembly()),
            context.nanos(),
            random);
    return new Parts(
        new Accounts(
            AccountsSettings.defaults(Runtime.getRuntime().availableProcessors())
                .idle(settings.idle()),
            database,
            random,
            context.nanos(),
            coherence),
        coherence);
  }
}
