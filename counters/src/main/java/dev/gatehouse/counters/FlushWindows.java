package dev.gatehouse.counters;

import dev.gatehouse.state.journal.Journal;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Adds closed windows to the totals, one chunk after the other, each until it is certain.
///
/// A chunk whose try failed in any way, a lost answer to the commit included, is tried again under
/// its own number before anything else is flushed: the ledger makes the second try harmless, and
/// the strict order is what lets a reader know from one row how far the totals are. One pass runs
/// at a time.
final class FlushWindows {
  private static final Logger LOG = LoggerFactory.getLogger(FlushWindows.class);
  private static final long FORGET_EVERY = Duration.ofMinutes(5).toNanos();

  /// How soon a failover is noticed that met nobody at work, others' large totals, and orphans.
  private static final long LOOK_EVERY = Duration.ofSeconds(10).toNanos();

  /// Of the failures in a row, the first and then every this-many-th is logged.
  private static final int LOG_EVERY = 60;

  private final ReentrantLock pass = new ReentrantLock();
  private final Pending pending;
  private final CounterSql sql;
  private final Ledger ledger;
  private final Journal journal;
  private final Orphans orphans;
  private final LongSupplier nanos;

  private int failures;
  private long forgotAt;
  private long lookedAt;

  private volatile Optional<String> trouble;

  /// What is to be done when no pass will run any more; set once.
  private final AtomicReference<@Nullable Runnable> atEnd = new AtomicReference<>();

  private volatile boolean ended;

  /// @param away why the database cannot be asked at the start
  FlushWindows(
      Pending pending,
      CounterSql sql,
      Ledger ledger,
      Orphans orphans,
      LongSupplier nanos,
      Optional<String> away) {
    this.pending = pending;
    this.sql = sql;
    this.ledger = ledger;
    journal = ledger.journal();
    this.orphans = orphans;
    this.nanos = nanos;
    forgotAt = nanos.getAsLong();
    lookedAt = forgotAt - LOOK_EVERY;
    trouble = away;
  }

  /// One pass over what was pending when it began; true when that is in the totals.
  ///
  /// It never throws: whatever goes wrong is logged, and the next pass goes on where this one
  /// stopped.
  boolean flush() {
    pass.lock();
    try {
      if (ended) {
        return false;
      }
      journal.tend();
      if (nanos.getAsLong() - lookedAt >= LOOK_EVERY) {
        ledger.lose();
      }
      sql.prepare()
          .ifPresent(why -> {
            throw new IllegalStateException(why);
          });
      ledger.find();
      flushWindows();
      look();
      recovered();
      return true;
    } catch (RuntimeException | Error e) {
      failed(e);
      return false;
    } finally {
      pass.unlock();
      letGo();
    }
  }

  /// No pass begins any more. Lets go of what others left and runs `last`, now or, where a pass
  /// still waits for the database, when that has ended: a pass works with the journals, so they
  /// stay locked as long as it runs.
  void end(Runnable last) {
    atEnd.compareAndSet(null, last);
    ended = true;
    letGo();
  }

  /// Whoever sees the end and no pass; one of [#end] and the last pass does, at the latest.
  private void letGo() {
    if (ended && pass.tryLock()) {
      try {
        var last = atEnd.getAndSet(() -> {});
        orphans.close();
        if (last != null) {
          last.run();
        }
      } finally {
        pass.unlock();
      }
    }
  }

  /// Why the last pass failed; empty when it did not.
  Optional<String> trouble() {
    return trouble;
  }

  private void flushWindows() {
    long upTo = pending.openNumber();
    var next = pending.closeWindow(upTo);
    while (next.isPresent()) {
      var window = next.get();
      if (!ledger.leavesOut(window)) {
        pending.cut(window).forEach(ledger::add);
      }
      pending.flushed(window, sql.large());
      journal.release(window.number());
      next = pending.closeWindow(upTo);
    }
  }

  private void look() {
    if (nanos.getAsLong() - lookedAt >= LOOK_EVERY) {
      lookedAt = nanos.getAsLong();
      orphans.drain();
      pending.refresh(sql.large());
    }
    if (nanos.getAsLong() - forgotAt >= FORGET_EVERY) {
      forgotAt = nanos.getAsLong();
      sql.forget();
    }
  }

  private void failed(Throwable e) {
    ledger.lose();
    orphans.lose();
    lookedAt = nanos.getAsLong() - LOOK_EVERY;
    failures++;
    var cause = rootMessage(e);
    trouble = Optional.of("the database does not take increments: " + cause);
    if (failures % LOG_EVERY == 1) {
      LOG.warn(
          "flush failed (try {}): {}; {} keys wait in the journal and increments are still taken; the"
              + " same chunk is tried again at the next tick",
          failures,
          cause,
          pending.keys());
    }
  }

  private void recovered() {
    if (failures > 0) {
      LOG.info("flushing again after {} failed tries; nothing was lost", failures);
      failures = 0;
    }
    trouble = Optional.empty();
  }

  private static String rootMessage(Throwable e) {
    var root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    var message = root.getMessage();
    return message == null
        ? root.getClass().getSimpleName()
        : message.lines().findFirst().orElse("");
  }
}
