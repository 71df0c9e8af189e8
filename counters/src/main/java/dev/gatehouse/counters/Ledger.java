package dev.gatehouse.counters;

import dev.gatehouse.counters.CounterSql.Added;
import dev.gatehouse.counters.Window.Chunk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One journal's place in the totals: adds its chunks strictly in order, each once.
///
/// What the database says of the mark is believed, never what was said before: after any failure
/// [#find] asks again. A chunk that is at or before the mark is in the totals; so a try whose
/// COMMIT was not answered is harmless to repeat. A mark that lies before what was flushed already
/// means that the database lost transactions, as in a failover: then the windows after it are
/// rebuilt from the segments that are kept for this, and added again. Confined to the flush's pass.
final class Ledger {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);

  private final CounterJournal journal;
  private final CounterSql sql;
  private final CounterSettings settings;
  private final LongSupplier nanos;
  private final AtomicLong repeated;
  private final AtomicLong differing;

  private Optional<Mark> at = Optional.empty();

  /// @param repeated counts the requests that were found to have been counted before
  /// @param differing counts those of them that had another body, so were not counted at all
  Ledger(
      CounterJournal journal,
      CounterSql sql,
      CounterSettings settings,
      LongSupplier nanos,
      AtomicLong repeated,
      AtomicLong differing) {
    this.journal = journal;
    this.sql = sql;
    this.settings = settings;
    this.nanos = nanos;
    this.repeated = repeated;
    this.differing = differing;
  }

  /// Forgets where it was: the next [#find] asks.
  void lose() {
    at = Optional.empty();
  }

  /// Asks where the mark is, unless that is certain, and adds again what the database has lost.
  ///
  /// @return where it is
  Mark find() {
    if (at.isEmpty()) {
      var mark = sql.mark(journal.id());
      at = Optional.of(mark);
      if (mark.complete() < journal.journal().released()) {
        LOG.warn(
            "the database has the increments of journal {} up to window {}, and had them up to {}:"
                + " it has lost transactions; what is missing is added again",
            journal.id(),
            mark.complete(),
            journal.journal().released());
        again(mark, journal.journal().released());
      }
    }
    return at.get();
  }

  /// Adds windows of the journal's own files: after `mark`, up to `upTo`. One at a time, since an
  /// hour of them may not fit the memory.
  void again(Mark mark, long upTo) {
    long first = mark.complete() + 1;
    long gone = journal.journal().gone();
    if (gone >= first) {
      LOG.error(
          "windows {} to {} of journal {} are not kept any more; what they counted and the database"
              + " lost is missing",
          first,
          Math.min(gone, upTo),
          journal.id());
    }
    for (long number = first; number <= upTo; number++) {
      CounterJournal.Rebuilt rebuilt;
      try {
        rebuilt = journal.rebuild(number - 1, number, nanos.getAsLong());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      var window = rebuilt.windows().get(number);
      if (window != null) {
        var cuts = Optional.ofNullable(rebuilt.cuts().get(number));
        add(window, cuts.orElseGet(() -> cut(window)));
      }
    }
  }

  private Window.Cuts cut(Window window) {
    var cuts = window.cuts(settings.chunkKeys());
    if (!cuts.isOne()) {
      journal.append(window.number(), cuts);
    }
    return cuts;
  }

  private void add(Window window, Window.Cuts cuts) {
    for (var chunk : window.cut(cuts)) {
      add(chunk);
    }
  }

  /// Adds a chunk, unless it is in the totals.
  ///
  /// @throws IllegalStateException when the mark is not where it was; find it again
  void add(Chunk chunk) {
    var here = at.orElseThrow();
    if (chunk.mark().compareTo(here) <= 0) {
      return;
    }
    Added added = sql.add(journal.id(), here, chunk);
    if (!added.moved()) {
      throw new IllegalStateException("the mark of journal " + journal.id() + " is elsewhere");
    }
    at = Optional.of(chunk.mark());
    repeated.addAndGet(added.repeated());
    differing.addAndGet(added.differing());
  }
}
