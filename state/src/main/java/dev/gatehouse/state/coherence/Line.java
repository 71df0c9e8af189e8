package dev.gatehouse.state.coherence;

import dev.gatehouse.state.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;

/// A connection to the database that is one thread's own, opened when it is needed and again after
/// it was lost.
///
/// Not from the pool: a lease must be renewed, and a write announced, however many requests wait
/// for a connection.
final class Line implements AutoCloseable {
  @FunctionalInterface
  interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  private final Database database;
  private final Duration patience;
  private Optional<Connection> open = Optional.empty();

  Line(Database database, Duration patience) {
    this.database = database;
    this.patience = patience;
  }

  /// Runs `work`; after any failure the connection is a new one.
  <T> T call(Work<T> work) throws SQLException {
    var connection = open.isPresent() ? open.get() : connect();
    try {
      return work.on(connection);
    } catch (SQLException | RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private Connection connect() throws SQLException {
    var connection = database.line(patience);
    try (Statement statement = connection.createStatement()) {
      statement.execute(CoherenceSql.PREPARE);
    } catch (SQLException failure) {
      connection.close();
      throw failure;
    }
    open = Optional.of(connection);
    return connection;
  }

  @Override
  public void close() {
    var last = open;
    open = Optional.empty();
    last.ifPresent(connection -> {
      try {
        connection.close();
      } catch (SQLException failure) {
        // The server is gone, and with it the connection.
      }
    });
  }
}
