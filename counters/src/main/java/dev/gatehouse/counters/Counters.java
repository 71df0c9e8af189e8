package dev.gatehouse.counters;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.journal.GroupCommit;
import dev.gatehouse.state.journal.Journal;
import dev.gatehouse.state.journal.JournalHome;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One running counters process: takes increments in memory, adds them to Postgres every second.
///
/// What is acknowledged is in the journal, so neither an outage of Postgres nor the end of the
/// process loses any of it. Any number of replicas may share a database; they only ever add.
public final class Counters implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Counters.class);

  /// The contract's bound on how far the totals may be behind.
  private static final Duration STALE = Duration.ofSeconds(10);

  /// More windows than a century of seconds has.
  private static final long FAR = 1L << 32;

  private static final Duration RETRY_WHEN_CLOSING = Duration.ofMillis(100);

  private final CounterSettings settings;
  private final ScheduledExecutorService scheduler;
  private final Pending pending;
  private final JournalHome home;
  private final Journal journal;
  private final Optional<GroupCommit> commit;
  private final AtomicLong repeated = new AtomicLong();
  private final AtomicLong differing = new AtomicLong();
  private final FlushWindows flush;
  private final Routes routes;
  private final ScheduledFuture<?> ticks;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Counters(
      CounterSettings settings, Database database, JournalHome home, Journal journal, Means means) {
    this.settings = settings;
    this.home = home;
    this.journal = journal;
    scheduler = means.scheduler();
    var sql = new CounterSql(database, means.schema());
    var away = sql.prepare();
    var own = new CounterJournal(journal);
    Function<CounterJournal, Ledger> ledgers =
        one -> new Ledger(one, sql, settings, means.nanos(), repeated, differing);
    var ledger = ledgers.apply(own);
    var mark = away.isEmpty() ? whereItIs(sql, journal) : Optional.<Mark>empty();
    pending = new Pending(settings, own, firstWindow(journal, mark), means.nanos());
    restore(own, mark, means);
    away.ifPresent(why -> LOG.warn("{} Increments are taken, and added once it does.", why));
    var orphans =
        new Orphans(home.directory().resolve("..").normalize(), settings, means.journal(), ledgers);
    flush = new FlushWindows(pending, sql, ledger, orphans, means.nanos(), away);
    commit =
        settings.journal().durability() == Durability.DISK
            ? Optional.of(new GroupCommit(journal))
            : Optional.empty();
    var lookups = new Lookups(sql, means.threads(), () -> flush.trouble().isPresent());
    var door = new CounterRoutes.Door(lookups, means.threads(), this::whenSafe);
    routes = new CounterRoutes(pending, sql, journal.id(), door).routes();
    long every = settings.flushEvery().toNanos();
    ticks =
        scheduler.scheduleWithFixedDelay(() -> flush.flush(), every, every, TimeUnit.NANOSECONDS);
  }

  /// What the service needs of the process it runs in.
  ///
  /// @param scheduler flushes run, and wait for the database, on its threads; it must live until
  ///   [#close] has returned
  /// @param threads runs what may block; one virtual thread a task
  /// @param nanos a nano ticker; wall clocks may jump as they like
  /// @param random gives numbers that nobody can guess
  /// @param schema brings the database's schema up to date, or says in a sentence why it does not
  ///   answer now; asked at the start and at each flush until it is done. It throws
  ///   `IllegalStateException` where waiting cannot help.
  public record Means(
      ScheduledExecutorService scheduler,
      Executor threads,
      LongSupplier nanos,
      Random random,
      Supplier<Optional<String>> schema) {
    Journal.Means journal() {
      return new Journal.Means(nanos, random::nextLong, threads);
    }
  }

  /// Starts to take increments; the database need not be up. What former processes left in the
  /// journals below `journals` is in its totals soon after.
  ///
  /// @param database the caller's to close
  /// @param journals the directory of all journals of this machine; each process has its own in it
  /// @throws IOException when the journal cannot be read or written
  /// @throws IllegalStateException in one sentence when the database will never do
  public static Counters start(
      CounterSettings settings, Database database, Path journals, Means means) throws IOException {
    var left = JournalHome.adopt(journals, 1);
    var home =
        left.isEmpty()
            ? JournalHome.create(
                journals, new UUID(means.random().nextLong(), means.random().nextLong()))
            : left.getFirst();
    Journal journal;
    try {
      journal = Journal.open(home, settings.journal(), means.journal());
    } catch (IOException e) {
      home.close();
      throw e;
    }
    try {
      return new Counters(settings, database, home, journal, means);
    } catch (RuntimeException e) {
      journal.close();
      home.close();
      throw e;
    }
  }

  /// Where the journal's mark is, if the database can say.
  private static Optional<Mark> whereItIs(CounterSql sql, Journal journal) {
    try {
      return Optional.of(sql.mark(journal.id()));
    } catch (RuntimeException e) {
      LOG.warn(
          "the database did not say how far the journal is in it ({}); it is asked again before the"
              + " first flush",
          e.getMessage());
      return Optional.empty();
    }
  }

  /// Higher than any window before, also than those whose records a crash of the machine took from
  /// the end of the journal: where one of these is in the totals, a new one with its number would
  /// be taken for it and never be added. The mark is beyond them; while it cannot be known, the
  /// number is so far away that no lost end of a journal comes near. A new journal in a directory
  /// of its own was refused: every start while the database is away would leave one more.
  private static long firstWindow(Journal journal, Optional<Mark> mark) {
    long known = Math.max(journal.lastEpoch(), journal.released());
    return mark.map(at -> Math.max(known, at.window())).orElse(known + FAR) + 1;
  }

  private void restore(CounterJournal own, Optional<Mark> mark, Means means) {
    long from = Math.max(mark.map(Mark::complete).orElse(0L), journal.released());
    try {
      var left = own.rebuild(from, Long.MAX_VALUE, means.nanos().getAsLong());
      left.windows()
          .forEach((number, window) ->
              pending.restore(window, Optional.ofNullable(left.cuts().get(number))));
      journal.release(from);
      if (pending.keys() > 0) {
        LOG.info(
            "the journal has increments of {} keys that a former process acknowledged and did not"
                + " flush; they are flushed now",
            pending.keys());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void whenSafe(Consumer<Optional<Problem>> done) {
    if (commit.isEmpty()) {
      done.accept(Optional.empty());
      return;
    }
    var _ =
        commit
            .get()
            .forced()
            .whenComplete((nothing, failure) ->
                done.accept(
                    failure == null
                        ? Optional.empty()
                        : Optional.of(
                            Problem.unavailable(
                                "The disk does not take the journal; this may or may not be"
                                    + " counted.",
                                1))));
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

  /// What the journal's files take.
  public long journalBytes() {
    return journal.bytes();
  }

  /// Requests with an `Idempotency-Key` that the flush found to have been counted before.
  public long repeated() {
    return repeated.get();
  }

  /// Those of them that had another body, so were acknowledged and not counted.
  public long differing() {
    return differing.get();
  }

  /// `ok`, or `degraded` and why; either way increments are taken.
  public String health() {
    var trouble = flush.trouble();
    if (trouble.isPresent()) {
      return "degraded: " + trouble.get();
    }
    var full = journal.trouble();
    if (full.isPresent()) {
      return "degraded: " + full.get();
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
      LOG.warn(
          "stopped with {} keys unflushed after {} ms: {}; their increments are in the journal, and"
              + " the next process flushes them",
          pending.keys(),
          settings.closeWithin().toMillis(),
          flush.trouble().orElse("the database does not answer"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      LOG.warn("stopped with {} keys unflushed: interrupted", pending.keys());
    }
    commit.ifPresent(GroupCommit::close);
    flush.end(this::letGo);
  }

  private void letGo() {
    try {
      journal.close();
      home.close();
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("the journal in {} could not be closed: {}", home.directory(), e.getMessage());
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
