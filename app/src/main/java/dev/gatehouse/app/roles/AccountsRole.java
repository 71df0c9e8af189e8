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
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Users and sessions in a process of their own, as in a container; by default they run inside the
/// edge.
///
/// An edge whose accounts run elsewhere still looks at sessions itself, on the routes that ask for
/// one: it has the same service without its routes, and hears of every session that ends.
public final class AccountsRole implements Role {
  private static final Logger log = LoggerFactory.getLogger(AccountsRole.class);
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
    return Replicas.serve(
        context,
        parts.accounts().routes(),
        () -> "ok",
        new Metrics(),
        () -> {
          parts.close();
          database.close();
        });
  }

  /// The service, and how it hears of what the others do.
  record Parts(Accounts accounts, Coherence coherence) implements AutoCloseable {
    @Override
    public void close() {
      accounts.close();
      coherence.close();
    }
  }

  /// The service itself, wherever it runs.
  static Parts open(ServiceConfig.Accounts settings, Database database, RoleContext context) {
    var random = new SecureRandom();
    var coherence = coherence(database, context, random);
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

  /// Without a bus it does not fail: it asks the database for every session, and the others still
  /// hear of those that end here.
  private static Coherence coherence(Database database, RoleContext context, SecureRandom random) {
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

  private static Coherence coherence(
      CoherenceSettings settings, Database database, RoleContext context, SecureRandom random)
      throws IOException {
    var member = new Coherence.Member(context.name(), context.secrets().assembly());
    return Coherence.start(settings, database, member, context.nanos(), random);
  }
}
