package dev.gatehouse.app.supervisor;

import java.util.concurrent.CompletableFuture;

/// The database server under the supervisor's care.
public interface DatabaseProcess extends AutoCloseable {
  /// `postgres://user:password@host:port/database`; the same for every start in one data directory.
  String url();

  /// Completes when the server ends without having been closed.
  CompletableFuture<Void> onExit();

  /// Its pid, for the table.
  long pid();

  @Override
  void close();

  /// Starts it and returns when it answers.
  interface Starter {
    /// @throws dev.gatehouse.app.PlainError when it cannot be started
    DatabaseProcess start();
  }
}
