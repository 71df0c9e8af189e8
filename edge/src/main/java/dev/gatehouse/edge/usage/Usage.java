package dev.gatehouse.edge.usage;

import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Problem;
import dev.gatehouse.state.Database;
import io.netty.util.concurrent.FastThreadLocal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The usage statistics of one edge, running: counts on the event loops, and adds what was counted
/// to PostgreSQL every few seconds.
///
/// Concurrency: each event loop has a [Tally] that nobody else touches. Gathering is a task on each
/// loop that takes its tally away and leaves an empty one, so counting never waits. Gathering
/// happens at whole intervals of the clock, thus also at each turn of a minute: counts belong to
/// the minute in which they were gathered from, and no request asks for the time. Writing happens
/// on another thread and waits as long as the database does; `pass` lets one write at a time.
///
/// What is lost: `kill -9` loses what was counted since the last write, an interval's worth while
/// the database answers. Nothing else does; an outage of the database delays, and costs detail when
/// it is long ([Pending]).
public final class Usage implements AutoCloseable {
  /// @param flushEvery how long counts are gathered before they go to the database; divides a
  ///   minute
  /// @param closeWithin how long the last counts may take to be stored at the end
  public record Settings(Duration flushEvery, Duration closeWithin) {}

  private static final Logger LOG = LoggerFactory.getLogger(Usage.class);

  /// About 10 MB at most while the database is away.
  private static final int MOST_ROWS = 50_000;

  private static final Duration GATHERED_WITHIN = Duration.ofSeconds(2);

  private final Loops loops;
  private final Supplier<Database> database;
  private final Settings settings;
  private final UUID writer;
  private final ScheduledExecutorService scheduler;
  private final InstantSource clock;
  private final Pending pending = new Pending(MOST_ROWS);
  private final ReentrantLock pass = new ReentrantLock();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final FastThreadLocal<Tally> tallies =
      new FastThreadLocal<>() {
        @Override
        protected Tally initialValue() {
          return new Tally();
        }
      };

  /// Tallies between their loops and [#pending].
  private final Queue<Tally> taken = new ConcurrentLinkedQueue<>();

  /// When what is being counted began to be.
  private Instant since;

  private boolean failing;
  private long tidiedMinute;

  private Usage(
      Loops loops,
      Supplier<Database> database,
      Settings settings,
      UUID writer,
      ScheduledExecutorService scheduler,
      InstantSource clock) {
    this.loops = loops;
    this.database = database;
    this.settings = settings;
    this.writer = writer;
    this.scheduler = scheduler;
    this.clock = clock;
    since = clock.instant();
    tidiedMinute = minute(since);
    scheduleNext();
  }

  /// Starts to count; the database need not be up.
  ///
  /// @param database may wait for it; asked on a thread of `scheduler` only, or of whoever asks for
  ///   a report. The caller closes it
  /// @param writer names this run in the ledger of batches: a new random one each start
  /// @param scheduler has at least two threads, and lives until [#close] has returned
  public static Usage start(
      Loops loops,
      Supplier<Database> database,
      Settings settings,
      UUID writer,
      ScheduledExecutorService scheduler,
      InstantSource clock) {
    return new Usage(loops, database, settings, writer, scheduler, clock);
  }

  /// One exchange is over; called on its event loop.
  public void count(ExchangeRecord done) {
    tallies.get().count(done);
  }

  /// A limit let a request pass or turned it away; called on the request's event loop.
  public void limit(String name, boolean allowed) {
    tallies.get().limit(name, allowed);
  }

  /// Answers a question with all that this edge has counted until now, and with what the others
  /// have stored. Blocking.
  ///
  /// @param paths path patterns by route, of all routes there are
  /// @throws dev.gatehouse.http.Refusal 400 where the question names what is not there, 503 while
  ///   the database is away
  public Map<String, Object> report(Question question, Map<String, String> paths) {
    gather();
    if (!write()) {
      throw Problem.unavailable("The statistics cannot be brought up to date right now.", 1)
          .refusal();
    }
    return Report.of(question, new ReportSql(database.get()), clock.instant(), paths);
  }

  /// How many requests are counted here and not yet in the database.
  public long waiting() {
    return pending.counted();
  }

  /// How many requests of this edge are in the database's statistics since it started.
  public long stored() {
    return pending.inDatabase();
  }

  /// How often a minute lost detail because the database was away for too long.
  public long coarsened() {
    return pending.coarsened();
  }

  private void scheduleNext() {
    long every = settings.flushEvery.toMillis();
    long wait = every - Math.floorMod(clock.millis(), every);
    try {
      scheduler.schedule(this::round, wait, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The end has come between two rounds.
    }
  }

  private void round() {
    if (closed.get()) {
      return;
    }
    try {
      gather();
      scheduler.execute(this::writeAndTidy);
    } catch (RejectedExecutionException e) {
      // As above.
    } finally {
      scheduleNext();
    }
  }

  /// A loop that is too busy to answer in time hands over its tally later, and nothing of it is
  /// lost.
  private synchronized void gather() {
    var answered = new CountDownLatch(loops.all().size());
    for (var loop : loops.all()) {
      loop.execute(() -> {
        taken.add(tallies.get());
        tallies.set(new Tally());
        answered.countDown();
      });
    }
    try {
      answered.await(GATHERED_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    var all = new ArrayList<Tally>();
    for (var tally = taken.poll(); tally != null; tally = taken.poll()) {
      all.add(tally);
    }
    pending.add(since.getEpochSecond(), all);
    since = clock.instant();
  }

  /// Stores what was gathered; whether all of it is stored. Never throws: the same batch is tried
  /// again the next time.
  private boolean write() {
    pass.lock();
    try {
      for (var batch = pending.take(); batch.isPresent(); batch = pending.take()) {
        new UsageSql(database.get(), writer).add(batch.get());
        pending.stored(batch.get());
        recovered();
      }
      return true;
    } catch (RuntimeException e) {
      failed(
          "usage statistics were not stored",
          "wait in memory; the next try is at the next tick",
          e);
      return false;
    } finally {
      pass.unlock();
    }
  }

  private void writeAndTidy() {
    long minute = minute(clock.instant());
    if (write() && minute != tidiedMinute && !closed.get()) {
      tidiedMinute = minute;
      try {
        new UsageSql(database.get(), writer).tidy(clock.instant());
      } catch (RuntimeException e) {
        failed("old usage statistics were not summed up", "will be in a minute", e);
      }
    }
  }

  private static long minute(Instant at) {
    return at.getEpochSecond() / 60;
  }

  private synchronized void failed(String what, String next, RuntimeException e) {
    if (!failing) {
      failing = true;
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      LOG.warn(
          "{} ({}); they {}",
          what,
          String.valueOf(root.getMessage()).lines().findFirst().orElse(""),
          next);
    }
  }

  private synchronized void recovered() {
    if (failing) {
      failing = false;
      LOG.info("usage statistics are stored again; nothing of them was lost");
    }
  }

  /// Stores what was counted until now, once the gateway is closed and while the loops still run;
  /// harmless twice.
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    try {
      gather();
      scheduler.submit(this::write).get(settings.closeWithin.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException | RejectedExecutionException e) {
      LOG.debug("the last usage statistics", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!pending.isEmpty()) {
      LOG.error(
          "stopped with usage statistics of {} requests unstored: the database did not take them;"
              + " they are lost",
          pending.counted());
    }
  }
}
