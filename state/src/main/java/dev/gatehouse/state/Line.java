package dev.gatehouse.state;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.Cleanable;

/// A connection to the database that is one thread's own, opened when it is needed and again after
/// it was lost.
///
/// Not from the pool, for two reasons. What must not wait for others does not: a lease must be
/// renewed, and a write announced, however many requests wait for a connection. And what must be
/// quick keeps its settings and its prepared statements, and is not asked by the pool whether it
/// still lives: a round trip each, which a sleeping worker would pay when it is woken.
public final class Line implements AutoCloseable {
  /// What is done with the connection itself.
  @FunctionalInterface
  public interface Work<T> {
    T on(Connection connection) throws SQLException;
  }

  private final Database database;
  private final Duration patience;
  private final String settings;
  private final Jdbi jdbi = Database.discreet(Jdbi.create(new Always()));
  private volatile Optional<Connection> open = Optional.empty();

  /// @param patience within which every statement has to answer, in whole seconds and at least one
  /// @param settings statements that each new connection begins with, such as `SET ...`
  public Line(Database database, Duration patience, String settings) {
    this.database = database;
    this.patience = patience;
    this.settings = settings;
  }

  /// Runs `work`; after any failure the connection is a new one.
  public <T> T call(Work<T> work) throws SQLException {
    var connection = connection();
    try {
      return work.on(connection);
    } catch (SQLException | RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /// As [Database#statement], on this connection.
  public <T> T statement(String sql, Database.Statement<T> work) {
    return translated(() -> {
      try {
        return Database.run(connection(), sql, work);
      } catch (SQLException failure) {
        throw new Database.StatementFailed(failure);
      }
    });
  }

  /// As [Database#with], on this connection.
  public <T> T with(Function<Handle, T> work) {
    return translated(() -> jdbi.withHandle(work::apply));
  }

  /// As [Database#inTransaction], on this connection.
  public <T> T inTransaction(Function<Handle, T> work) {
    return translated(() -> jdbi.inTransaction(work::apply));
  }

  private <T> T translated(Supplier<T> work) {
    try {
      T result = work.get();
      database.answered();
      return result;
    } catch (RuntimeException failure) {
      close();
      throw database.translated(failure);
    }
  }

  private Connection connection() throws SQLException {
    return open.isPresent() ? open.get() : connect();
  }

  private Connection connect() throws SQLException {
    var connection = database.line(patience);
    try (Statement statement = connection.createStatement()) {
      statement.execute(settings);
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

  /// Cuts the connection under whatever its thread waits for; for other threads.
  public void cut() {
    open.ifPresent(Line::cut);
  }

  /// Unlike closing, this does not wait for the answer to a statement.
  public static void cut(Connection connection) {
    try {
      connection.abort(Runnable::run);
    } catch (SQLException failure) {
      // Nothing is left to be cut.
    }
  }

  /// Handles come and go, the connection stays.
  private final class Always implements ConnectionFactory {
    @Override
    public Connection openConnection() throws SQLException {
      return connection();
    }

    @Override
    public void closeConnection(Connection connection) {}

    @Override
    public Cleanable getCleanableFor(Connection connection) {
      return () -> {};
    }
  }
}
