package dev.gatehouse.state.coherence;

import dev.gatehouse.state.Line;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads the leases for whoever announces writes, when it is asked to, on a thread and a connection
/// of its own: a database that does not answer must not hold up what the other replicas
/// acknowledge.
final class Lister implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Lister.class);

  private final Line line;
  private final LongSupplier nanos;
  private final Duration patience;
  private final Consumer<Listing> heard;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("lister").factory());
  private final AtomicBoolean asked = new AtomicBoolean();
  private volatile boolean closed;

  /// Confined to the thread.
  private boolean failed;

  /// @param patience for the log: how long a write waits for what is read here
  /// @param heard gets every listing, on this thread
  Lister(Line line, LongSupplier nanos, Duration patience, Consumer<Listing> heard) {
    this.line = line;
    this.nanos = nanos;
    this.patience = patience;
    this.heard = heard;
  }

  /// Begins to read, unless that is under way. Returns at once, and nobody is told of a failure:
  /// who still needs a listing asks again.
  void ask() {
    if (asked.compareAndSet(false, true)) {
      run(this::list);
    }
  }

  /// Takes leases away that nobody will renew again.
  void bury(List<Row> graves) {
    if (!graves.isEmpty()) {
      run(() -> graves.forEach(this::bury));
    }
  }

  private void run(Runnable work) {
    try {
      thread.execute(work);
    } catch (RejectedExecutionException over) {
      // It was closed; nobody waits for it any more.
    }
  }

  // --- its thread ---

  private void list() {
    if (closed) {
      return;
    }
    try {
      var listing = line.call(connection -> CoherenceSql.list(connection, nanos));
      asked.set(false);
      heard.accept(listing);
      if (failed) {
        failed = false;
        LOG.info("the leases can be read again; writes are answered as before");
      }
    } catch (SQLException | RuntimeException failure) {
      asked.set(false);
      if (!failed && !closed) {
        failed = true;
        LOG.warn(
            "the leases cannot be read ({}); writes that were stored wait, and after {} s are answered 503",
            failure.getMessage(),
            patience.toSeconds());
      }
    }
  }

  private void bury(Row row) {
    try {
      line.call(connection -> {
        CoherenceSql.bury(connection, row.replica(), row.counter());
        return true;
      });
      LOG.info("{} has not renewed its lease for a minute; it is forgotten", row.name());
    } catch (SQLException | RuntimeException failure) {
      LOG.debug("the lease of {} stays for now: {}", row.name(), failure.getMessage());
    }
  }

  /// Does not wait for what is under way.
  @Override
  public void close() {
    closed = true;
    line.cut();
    run(line::close);
    thread.shutdown();
  }
}
