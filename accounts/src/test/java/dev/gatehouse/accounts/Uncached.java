package dev.gatehouse.accounts;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/// Accounts that remember nothing, for tests that change rows behind their back.
final class Uncached implements AutoCloseable {
  private final Database database;
  private final LongSupplier nanos;
  private final List<Coherence> open = new ArrayList<>();

  Uncached(Database database, LongSupplier nanos) {
    this.database = database;
    this.nanos = nanos;
  }

  Accounts accounts(AccountsSettings settings) {
    try {
      var coherence =
          Coherence.start(
              CoherenceSettings.DEFAULTS.withoutCaches(),
              database,
              new Coherence.Member("test", "secret"),
              System::nanoTime,
              new SecureRandom());
      open.add(coherence);
      return new Accounts(settings, database, new SecureRandom(), nanos, coherence);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    open.forEach(Coherence::close);
  }
}
