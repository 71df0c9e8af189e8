package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.Handle;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Hears the NOTIFYs of a queue on one connection of its own and calls `look` for them.
///
/// When the connection is lost it takes another, and looks once then: what was announced in between
/// is not announced again. It ends when its thread is interrupted, which on a virtual thread also
/// wakes it from the socket.
final class Listener implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  /// Only how often a quiet connection passes the loop.
  private static final int QUIET_MILLIS = 10_000;

  private final Database database;
  private final String queue;
  private final Duration retryEvery;
  private final CountDownLatch stop;
  private final Runnable look;

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
          database.with(this::listen);
        } catch (RuntimeException e) {
          LOG.debug("queue {}: not listening ({}); polling goes on", queue, e.getMessage());
        }
      } while (!stop.await(retryEvery.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean listen(Handle handle) {
    JobSql.listen(handle);
    try {
      look.run();
      var connection = handle.getConnection().unwrap(PGConnection.class);
      while (stop.getCount() > 0) {
        var heard = connection.getNotifications(QUIET_MILLIS);
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
      return true;
    } catch (SQLException e) {
      if (stop.getCount() == 0) {
        // The interrupt that wakes us closes the socket: no loss to tell of.
        return false;
      }
      throw new IllegalStateException("the listening connection is lost: " + e.getMessage(), e);
    } finally {
      if (stop.getCount() > 0) {
        // Also tells the pool when the connection is broken: it sees this call, not those above.
        JobSql.unlisten(handle);
      }
    }
  }
}
