package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.Line;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Hears the NOTIFYs of a queue on a connection of its own and calls `look` for them.
///
/// The connection is none of the pool's: it is held for good, and at the end [#cut] cuts it under
/// the wait. When it is lost another is made, and `look` is called once then: what was announced in
/// between is not announced again.
final class Listener implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  /// Only how often a quiet connection passes the loop.
  private static final int QUIET_MILLIS = 10_000;

  private final Database database;
  private final String queue;
  private final Duration retryEvery;
  private final CountDownLatch stop;
  private final Runnable look;
  private volatile Optional<Connection> connected = Optional.empty();

  Listener(
      Database database, String queue, Duration retryEvery, CountDownLatch stop, Runnable look) {
    this.database = database;
    this.queue = queue;
    this.retryEvery = retryEvery;
    this.stop = stop;
    this.look = look;
  }

  @Override
  public void run() {
    try {
      do {
        try {
          listen();
        } catch (SQLException e) {
          LOG.debug("queue {}: not listening ({}); polling goes on", queue, e.getMessage());
        }
      } while (!stop.await(retryEvery.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// Ends the wait, once `stop` is down.
  void cut() {
    connected.ifPresent(Line::cut);
  }

  private void listen() throws SQLException {
    try (var connection = database.listening();
        var statement = connection.createStatement()) {
      connected = Optional.of(connection);
      statement.execute("LISTEN gatehouse_jobs");
      look.run();
      var listening = connection.unwrap(PGConnection.class);
      while (stop.getCount() > 0) {
        var heard = listening.getNotifications(QUIET_MILLIS);
        if (heard == null) {
          continue;
        }
        for (var notification : heard) {
          if (notification.getParameter().equals(queue)) {
            look.run();
            break;
          }
        }
      }
    }
  }
}
