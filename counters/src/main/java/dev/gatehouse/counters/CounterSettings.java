package dev.gatehouse.counters;

import dev.gatehouse.state.journal.JournalSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.time.Duration;

/// How the counter service is set up.
///
/// @param flushEvery from the end of one flush to the start of the next
/// @param chunkKeys how many keys one transaction adds, about
/// @param maxPendingKeys how many distinct keys may wait for Postgres
/// @param maxPendingBytes how much memory they may take, estimated; an attacker chooses long keys
/// @param closeWithin how long [Counters#close] waits for what is pending to be flushed
public record CounterSettings(
    Duration flushEvery,
    int chunkKeys,
    int maxPendingKeys,
    long maxPendingBytes,
    Duration closeWithin,
    JournalSettings journal) {

  /// The bounds fit a heap of 512 MiB.
  public static final CounterSettings DEFAULTS =
      new CounterSettings(
          Duration.ofSeconds(1),
          10_000,
          1_000_000,
          192L << 20,
          Duration.ofSeconds(5),
          JournalSettings.of(Durability.PROCESS, 1L << 30));

  public CounterSettings {
    if (flushEvery.isZero() || flushEvery.isNegative()) {
      throw new IllegalArgumentException("flushEvery must be longer than nothing");
    }
    if (chunkKeys < 1 || chunkKeys > 10_000) {
      throw new IllegalArgumentException("chunkKeys must be 1 to 10,000");
    }
    if (maxPendingKeys < 1 || maxPendingBytes < 1) {
      throw new IllegalArgumentException("the bounds of what is pending must be 1 or more");
    }
  }

  public CounterSettings withFlushEvery(Duration flushEvery) {
    return new CounterSettings(
        flushEvery, chunkKeys, maxPendingKeys, maxPendingBytes, closeWithin, journal);
  }

  public CounterSettings withJournal(JournalSettings journal) {
    return new CounterSettings(
        flushEvery, chunkKeys, maxPendingKeys, maxPendingBytes, closeWithin, journal);
  }

  public CounterSettings withCloseWithin(Duration closeWithin) {
    return new CounterSettings(
        flushEvery, chunkKeys, maxPendingKeys, maxPendingBytes, closeWithin, journal);
  }
}
