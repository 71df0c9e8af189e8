package dev.gatehouse.counters;

import dev.gatehouse.state.journal.Journal;
import dev.gatehouse.state.journal.JournalHome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Journals that processes left which are gone: locked, flushed under their own names, kept as long
/// as our own segments would be, deleted. Confined to the flush's pass.
final class Orphans {
  private static final Logger LOG = LoggerFactory.getLogger(Orphans.class);

  private final Path root;
  private final CounterSettings settings;
  private final Journal.Means means;
  private final Function<CounterJournal, Ledger> ledgers;
  private final LongSupplier nanos;
  private final List<Orphan> held = new ArrayList<>();

  private static final class Orphan {
    private final JournalHome home;
    private final CounterJournal journal;
    private final Ledger ledger;
    private boolean drained;
    private long drainedAt;

    Orphan(JournalHome home, CounterJournal journal, Ledger ledger) {
      this.home = home;
      this.journal = journal;
      this.ledger = ledger;
    }
  }

  Orphans(
      Path root,
      CounterSettings settings,
      Journal.Means means,
      Function<CounterJournal, Ledger> ledgers) {
    this.root = root;
    this.settings = settings;
    this.means = means;
    this.ledgers = ledgers;
    nanos = means.nanos();
  }

  /// Looks for new ones, and flushes what they hold.
  void drain() {
    try {
      JournalHome.adopt(root, 1000).forEach(this::open);
    } catch (IOException e) {
      LOG.warn("cannot look for journals that others left in {}: {}", root, e.toString());
    }
    for (var orphan : List.copyOf(held)) {
      if (!orphan.drained) {
        drain(orphan);
      } else if (nanos.getAsLong() - orphan.drainedAt >= settings.journal().keepFor().toNanos()) {
        held.remove(orphan);
        orphan.journal.journal().close();
        delete(orphan);
      }
    }
  }

  /// One that cannot be opened is let go, so that the next look, ours or another's, finds it again.
  private void open(JournalHome home) {
    boolean opened = false;
    try {
      var journal = new CounterJournal(Journal.open(home, settings.journal(), means));
      held.add(new Orphan(home, journal, ledgers.apply(journal)));
      opened = true;
    } catch (IOException e) {
      LOG.warn(
          "the journal in {}, which a process left that is gone, cannot be read: {}; it is tried"
              + " again in some seconds, until then its increments are not in the totals",
          home.directory(),
          e.toString());
    } finally {
      if (!opened) {
        close(home);
      }
    }
  }

  private void drain(Orphan orphan) {
    var journal = orphan.journal.journal();
    long last = journal.lastEpoch();
    var mark = orphan.ledger.find();
    if (mark.complete() < last) {
      orphan.ledger.again(mark, last);
      LOG.info("journal {}, which a process left that is gone, is in the totals", journal.id());
    }
    journal.release(last);
    orphan.drained = true;
    orphan.drainedAt = nanos.getAsLong();
  }

  private static void delete(Orphan orphan) {
    try {
      orphan.home.delete();
    } catch (IOException e) {
      LOG.warn(
          "{} is not needed any more and cannot be deleted: {}",
          orphan.home.directory(),
          e.toString());
    }
  }

  /// The database may have lost something: what was drained is looked at again.
  void lose() {
    for (var orphan : held) {
      orphan.ledger.lose();
      orphan.drained = false;
    }
  }

  void close() {
    for (var orphan : held) {
      orphan.journal.journal().close();
      close(orphan.home);
    }
    held.clear();
  }

  private static void close(JournalHome home) {
    try {
      home.close();
    } catch (IOException e) {
      LOG.warn("{} cannot be unlocked: {}", home.directory(), e.toString());
    }
  }
}
