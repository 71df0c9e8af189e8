package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What every worker does now and then for the whole queue: sweep out the finished jobs that are
/// over their retention.
///
/// All workers do it, nobody is chosen for it: each skips the rows another has. After each batch it
/// rests for as long as that took, since the jobs that wait come first.
final class Upkeep implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
  private static final Duration SWEEP_EVERY = Duration.ofMinutes(1);
  private static final int SWEEP_LIMIT = 1000;

  private final Database database;
  private final QueueSettings queue;
  private final LongSupplier nanos;
  private final CountDownLatch stop;

  Upkeep(Database database, QueueSettings queue, LongSupplier nanos, CountDownLatch stop) {
    this.database = database;
    this.queue = queue;
    this.nanos = nanos;
    this.stop = stop;
  }

  @Override
  public void run() {
    try {
      do {
        try {
          sweep();
        } catch (RuntimeException e) {
          LOG.debug(
              "queue {}: sweeping failed ({}); again in {} s",
              queue.name(),
              e.getMessage(),
              SWEEP_EVERY.toSeconds());
        }
      } while (!stop.await(SWEEP_EVERY.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void sweep() throws InterruptedException {
    var upTo = database.with(handle -> JobSql.sweptUpTo(handle, queue.name(), queue.retention()));
    int gone;
    long took;
    do {
      long began = nanos.getAsLong();
      gone = database.with(handle -> JobSql.sweep(handle, queue.name(), upTo, SWEEP_LIMIT));
      took = nanos.getAsLong() - began;
    } while (gone == SWEEP_LIMIT && !stop.await(took, TimeUnit.NANOSECONDS));
  }
}
