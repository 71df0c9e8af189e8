package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What every worker does now and then for the whole queue: bury the jobs that took their worker
/// with them in their last attempt, and sweep out the done ones that are over their retention.
///
/// All workers do it, nobody is chosen for it: each skips the rows another has.
final class Upkeep implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
  private static final Duration SWEEP_EVERY = Duration.ofMinutes(1);
  private static final int SWEEP_LIMIT = 1000;

  private final Database database;
  private final String queue;
  private final WorkerSettings settings;
  private final CountDownLatch stop;

  Upkeep(Database database, String queue, WorkerSettings settings, CountDownLatch stop) {
    this.database = database;
    this.queue = queue;
    this.settings = settings;
    this.stop = stop;
  }

  @Override
  public void run() {
    long every = settings.lease().toMillis();
    long sweepRounds = Math.max(1, SWEEP_EVERY.toMillis() / every);
    try {
      long round = 0;
      do {
        try {
          bury();
          if (round % sweepRounds == 0) {
            sweep();
          }
        } catch (RuntimeException e) {
          LOG.debug("queue {}: upkeep failed ({}); again in {} ms", queue, e.getMessage(), every);
        }
        round++;
      } while (!stop.await(every, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void bury() {
    for (long id : database.with(handle -> JobSql.bury(handle, queue))) {
      LOG.warn("job {} lost its worker in its last attempt; it is in the dead letters now", id);
    }
  }

  private void sweep() {
    int gone;
    do {
      gone =
          database.with(handle -> JobSql.sweep(handle, queue, settings.retention(), SWEEP_LIMIT));
    } while (gone >= SWEEP_LIMIT && stop.getCount() > 0);
  }
}
