package dev.gatehouse.counters;

import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One running counters process: takes increments in memory, adds them to Postgres every second.
///
/// An outage of Postgres delays what was acknowledged and loses nothing while the process lives.
/// Any number of replicas may share a database; they only ever add.
public final class Counters implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Counters.class);

  /// The contract's bound on how far the totals may be behind.
  private static final Duration STALE = Duration.ofSeconds(10);

  private static final Duration RETRY_WHEN_CLOSING = Duration.ofMillis(100);

  private final CounterSettings settings;
  private final ScheduledExecutorService scheduler;
  private final Pending pending;
  private final FlushWindows flush;
  private final Routes routes;
  private final ScheduledFuture<?> ticks;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Counters(
      CounterSettings settings,
      Database database,
      UUID process,
      ScheduledExecutorService scheduler,
      LongSupplier nanos) {
    this.settings = settings;
    this.scheduler = scheduler;
    var sql = new CounterSql(database, process);
    pending = new Pending(settings, nanos);
    flush = new FlushWindows(pending, sql, nanos);
    routes = new CounterRoutes(pending, sql).routes();
    long every = settings.flushEvery().toNanos();
    ticks =
        scheduler.scheduleWithFixedDelay(() -> flush.flush(), every, every, TimeUnit.NANOSECONDS);
  }

  /// Starts to take increments; the database need not be up.
  ///
  /// @param database migrated by the time the first window is flushed; the caller's to close
  /// @param process names this run in the ledger of flushed chunks: a new random one each start
  /// @param scheduler flushes run, and wait for the database, on its threads; it must live until
  ///   [#close] has returned
  /// @param nanos a nano ticker; wall clocks may jump as they like
  public static Counters start(
      CounterSettings settings,
      Database database,
      UUID process,
      ScheduledExecutorService scheduler,
      LongSupplier nanos) {
    return new Counters(settings, database, process, scheduler, nanos);
  }

  public Routes routes() {
    return routes;
  }

  /// How many keys have increments that Postgres may not have.
  public int pendingKeys() {
    return pending.keys();
  }

  /// The age of the oldest increment that Postgres may not have; 0 when there is none.
  public long stalenessMs() {
    return TimeUnit.NANOSECONDS.toMillis(pending.stalenessNanos());
  }

  /// `ok`, or `degraded` and why; either way increments are taken.
  public String health() {
    var trouble = flush.trouble();
    if (trouble.isPresent()) {
      return "degraded: " + trouble.get();
    }
    long staleness = stalenessMs();
    return staleness > STALE.toMillis()
        ? "degraded: the oldest increment waits for the database since " + staleness + " ms"
        : "ok";
  }

  /// Adds what is pending to Postgres now; true when it is there. For tests and drains.
  boolean flushNow() {
    return flush.flush();
  }

  /// Refuses new increments, then flushes what was acknowledged, trying until the deadline of the
  /// settings; harmless twice.
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    pending.stop();
    ticks.cancel(false);
    var drained = new CompletableFuture<Void>();
    drain(drained);
    try {
      drained.get(settings.closeWithin().toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) {
      drained.cancel(false);
      LOG.error(
          "stopped with {} keys unflushed after {} ms: {}; their increments are lost",
          pending.keys(),
          settings.closeWithin().toMillis(),
          flush.trouble().orElse("the database does not answer"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      LOG.error("stopped with {} keys unflushed: interrupted", pending.keys());
    }
  }

  private void drain(CompletableFuture<Void> drained) {
    try {
      scheduler.execute(() -> drainOnce(drained));
    } catch (RejectedExecutionException e) {
      drained.completeExceptionally(e);
    }
  }

  private void drainOnce(CompletableFuture<Void> drained) {
    if (drained.isDone()) {
      return;
    }
    boolean flushed = flush.flush();
    if (pending.isEmpty()) {
      drained.complete(null);
    } else if (flushed) {
      drain(drained);
    } else {
      try {
        scheduler.schedule(
            () -> drainOnce(drained), RETRY_WHEN_CLOSING.toMillis(), TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException e) {
        drained.completeExceptionally(e);
      }
    }
  }
}
