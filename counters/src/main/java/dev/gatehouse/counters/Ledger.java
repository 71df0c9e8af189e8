package dev.gatehouse.counters;

import dev.gatehouse.counters.CounterSql.Added;
import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.state.journal.Journal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
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

  Journal journal() {
    return journal.journal();
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
    try {
      for (long number : journal.windows(mark.complete(), upTo)) {
        var rebuilt = journal.rebuild(number - 1, number, nanos.getAsLong());
        var window = rebuilt.windows().get(number);
        if (window != null && !leavesOut(window)) {
          var cuts = Optional.ofNullable(rebuilt.cuts().get(number));
          add(window, cuts.orElseGet(() -> cut(window)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Whether the window cannot be added, since some of its chunks are in the totals and nobody
  /// knows which keys these were: a crash of the machine took the end of the journal, and where the
  /// window was cut with it. Then the mark moves behind it. Adding what is left of it was refused:
  /// keys would count twice.
  boolean leavesOut(Window window) {
    var here = at.orElseThrow();
    if (!window.isFoundUncut() || here.window() != window.number() || here.chunk() == Mark.LAST) {
      return false;
    }
    LOG.error(
        "window {} of journal {} is in the totals up to its chunk {}, and the journal has lost where"
            + " it was cut: what is missing of it cannot be told from what is there, and is left out",
        window.number(),
        journal.id(),
        here.chunk());
    add(new Chunk(window.number(), Mark.LAST, List.of(), new Sums(), List.of()));
    return true;
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
