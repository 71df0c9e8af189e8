package dev.gatehouse.counters;

import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.counters.Window.Flushed;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
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
  private static final long PRUNE_EVERY = Duration.ofMinutes(5).toNanos();

  /// Of the failures in a row, the first and then every this-many-th is logged.
  private static final int LOG_EVERY = 60;

  private final ReentrantLock pass = new ReentrantLock();
  private final Pending pending;
  private final CounterSql sql;
  private final LongSupplier nanos;

  private final Deque<Chunk> chunks = new ArrayDeque<>();
  private Flushed last = Flushed.NOTHING;
  private int failures;
  private long prunedAt;

  private volatile Optional<String> trouble = Optional.empty();

  FlushWindows(Pending pending, CounterSql sql, LongSupplier nanos) {
    this.pending = pending;
    this.sql = sql;
    this.nanos = nanos;
    prunedAt = nanos.getAsLong();
  }

  /// One pass over what is pending; true when the window it found is in the totals.
  ///
  /// It never throws: whatever goes wrong is logged, and the next pass goes on where this one
  /// stopped.
  boolean flush() {
    pass.lock();
    try {
      flushWindow();
      prune();
      return true;
    } catch (RuntimeException | Error e) {
      failed(e);
      return false;
    } finally {
      pass.unlock();
    }
  }

  /// Why the last pass failed; empty when it did not.
  Optional<String> trouble() {
    return trouble;
  }

  private void flushWindow() {
    if (chunks.isEmpty()) {
      pending.closeWindow().ifPresent(window -> chunks.addAll(pending.cut(window)));
    }
    while (!chunks.isEmpty()) {
      var chunk = chunks.getFirst();
      sql.add(chunk);
      chunks.removeFirst();
      pending.flushed(chunk, chunks.isEmpty());
      last = new Flushed(chunk.window(), chunk.number());
      recovered();
    }
  }

  private void prune() {
    if (nanos.getAsLong() - prunedAt >= PRUNE_EVERY) {
      prunedAt = nanos.getAsLong();
      sql.prune(last);
    }
  }

  private void failed(Throwable e) {
    failures++;
    var cause = rootMessage(e);
    trouble = Optional.of("the database does not take increments: " + cause);
    if (failures % LOG_EVERY == 1) {
      LOG.warn(
          "flush failed (try {}): {}; {} keys wait in memory and increments are still taken; the"
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
      trouble = Optional.empty();
    }
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
