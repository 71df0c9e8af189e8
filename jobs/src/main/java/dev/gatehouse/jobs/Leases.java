package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Four times a lease: renews the leases of what a worker holds, tells it what it lost, and holds
/// running jobs to their time.
///
/// A quarter of the lease may be lost to a slow answer three times before another worker comes. It
/// is a thread of its own, since the loop may be busy with effects. The limits of time come first,
/// for they need no database.
final class Leases implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Leases.class);

  private final Database database;
  private final Crew crew;
  private final QueueSettings queue;
  private final WorkerSettings settings;
  private final Host host;
  private final CountDownLatch stop;
  private final Runnable escape;
  private final BiFunction<Run, String, Ended> failed;
  private final Duration every;

  /// @param escape ends the process in good order; called at most once
  /// @param failed the end of a run with this error
  Leases(
      Database database,
      Crew crew,
      QueueSettings queue,
      WorkerSettings settings,
      Host host,
      CountDownLatch stop,
      Runnable escape,
      BiFunction<Run, String, Ended> failed) {
    this.database = database;
    this.crew = crew;
    this.queue = queue;
    this.settings = settings;
    this.host = host;
    this.stop = stop;
    this.escape = escape;
    this.failed = failed;
    this.every = settings.lease().dividedBy(4);
  }

  @Override
  public void run() {
    boolean escaping = false;
    try {
      while (!stop.await(every.toMillis(), TimeUnit.MILLISECONDS)) {
        long now = host.nanos().getAsLong();
        escaping |= !escaping && limitTime(now);
        crew.handBackClaimedBefore(now - every.toNanos());
        try {
          renew(now);
        } catch (RuntimeException e) {
          LOG.debug("worker {}: leases not renewed ({})", settings.name(), e.getMessage());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// @return whether this process has to end
  private boolean limitTime(long now) {
    long limit = now - queue.timeout().toNanos();
    crew.interruptStartedBefore(limit)
        .forEach(run ->
            LOG.warn(
                "job {} runs for more than {} ms; it is interrupted",
                run.job.id(),
                queue.timeout().toMillis()));
    var stuck =
        crew.giveUpStartedBefore(
            limit - Worker.LAST_GRACE.toNanos(),
            run -> failed.apply(run, "it did not end in its time, nor when it was interrupted"));
    if (stuck.isEmpty()) {
      return false;
    }
    LOG.error(
        "worker {} cannot stop job {}; it hands the others back and ends this process, for another to"
            + " take its place",
        settings.name(),
        stuck.getFirst().job.id());
    escape.run();
    return true;
  }

  private void renew(long now) {
    var runs = crew.heldBefore(now - every.toNanos());
    if (runs.isEmpty()) {
      return;
    }
    var holds = runs.stream().map(Run::hold).toList();
    database.with(handle -> {
      if (JobSql.renew(handle, holds, settings.lease()) < holds.size()) {
        var lost = JobSql.lost(handle, holds);
        crew.lost(runs.stream().filter(run -> lost.contains(run.job.id())).toList())
            .forEach(run ->
                LOG.warn(
                    "job {} was cancelled, or taken over after worker {} let its lease run out; this"
                        + " attempt is stopped and does not count",
                    run.job.id(),
                    settings.name()));
      }
      return true;
    });
  }
}
