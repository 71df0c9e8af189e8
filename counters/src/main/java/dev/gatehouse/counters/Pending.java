package dev.gatehouse.counters;

import dev.gatehouse.counters.CounterSql.Snapshot;
import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.counters.Window.Cuts;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.journal.JournalFull;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/// What this process has acknowledged and the totals may not have yet.
///
/// One lock guards everything here. It is held for a few look-ups and an append to the journal,
/// never over input or output, so event loops may take it; the journal's own lock comes after it.
/// The append is inside, so that the journal has the windows' records in the order of their
/// numbers. Windows live through three stages, in that order:
///
/// - **open**: takes increments; there is always exactly one.
/// - **closed**: frozen, waiting to be flushed or being flushed chunk by chunk: normally one, and
///   those that a former process left in the journal. While they cannot be flushed the open window
///   goes on taking what comes, however long that is: what was never attempted is merged, what was
///   attempted keeps its chunks and their numbers.
/// - **kept**: wholly in the totals, but a reader began before that was certain.
///
/// A reader wants the total and what is missing in it, counted neither twice nor not at all, while
/// flushes go on. It (1) registers with [#read], (2) reads the total and this journal's mark, in
/// one snapshot of the database, (3) asks under the lock for the increments after that mark. Since
/// a window is kept until every reader that began before it was flushed has finished, step 3 finds
/// each increment that step 2 did not. Locking readers and flushes out of each other was refused: a
/// slow database would stop both. A page's reader walks the keys of a window outside the lock and
/// comes back for the sums of those it shows.
final class Pending {
  /// Up to here, together with the totals that are not listed as large, sums stay in 64 bits.
  private static final BigInteger LARGE = BigInteger.TWO.pow(62);

  /// So small that a whole batch of them is harmless.
  private static final long SMALL = 1L << 46;

  /// What became of a request.
  enum Verdict {
    TAKEN,
    /// It has been counted before.
    REPEATED,
    /// Its id belongs to a request with another body.
    DIFFERENT,
    /// A total would leave 64 bits.
    OVERFLOW,
    /// Whether one would is only known with the totals.
    TOTALS_NEEDED
  }

  /// What this process adds to a key beyond a snapshot of the database.
  ///
  /// @param since the nano ticker when the oldest window with the key was opened
  record Own(BigInteger sum, long since) {}

  private final Object lock = new Object();
  private final CounterSettings settings;
  private final LongSupplier nanos;
  private final CounterJournal journal;
  private final Onces onces;

  private final Deque<Window> kept = new ArrayDeque<>();
  private final Deque<Window> closed = new ArrayDeque<>();

  /// How many readers began when this window was the last one wholly in the totals.
  private final TreeMap<Long, Integer> readers = new TreeMap<>();

  private Window open;
  private int closedKeys;
  private long heldBytes; // of closed and kept windows
  private boolean heavy; // a closed window is
  private long flushedWindow;
  private Map<String, BigInteger> large = Map.of();
  private boolean stopped;

  /// @param first the number of the first window, higher than any before
  Pending(CounterSettings settings, CounterJournal journal, long first, LongSupplier nanos) {
    this.settings = settings;
    this.journal = journal;
    this.nanos = nanos;
    onces = new Onces(nanos);
    open = new Window(first);
    flushedWindow = journal.journal().released();
  }

  /// Takes over a window that a former process left; in the order of their numbers.
  void restore(Window window, Optional<Cuts> cuts) {
    synchronized (lock) {
      cuts.ifPresent(where -> window.cutAt(window.cut(where)));
      window.onces().forEach(onces::add);
      closed.add(window);
      closedKeys += window.keys();
      heldBytes += window.bytes();
      heavy |= window.heavy();
    }
  }

  /// Takes a request, all of it or nothing; when it is taken it is in the journal.
  ///
  /// @param base the totals of its keys, where they were asked for by a registered reader
  /// @throws Refusal 503 when as much as may wait is waiting, or when the journal has no room; then
  ///   nothing was counted
  Verdict take(Increment increment, Optional<Snapshot> base) {
    synchronized (lock) {
      if (stopped) {
        throw Problem.unavailable("This replica is stopping.", 1).refusal();
      }
      var known = increment.once().flatMap(once -> onces.find(once.id()));
      if (known.isPresent()) {
        boolean same = known.get().equals(increment.once().orElseThrow().body());
        return same ? Verdict.REPEATED : Verdict.DIFFERENT;
      }
      var verdict = fits(increment, base);
      if (verdict != Verdict.TAKEN) {
        return verdict;
      }
      admit(increment);
      try {
        journal.append(open.number(), increment);
      } catch (JournalFull full) {
        throw Problem.unavailable(full.getMessage() + " Nothing was counted.", 1)
            .hint("Try again when the database has taken some, or there is room on the disk.")
            .refusal();
      }
      add(increment);
      return verdict;
    }
  }

  private void add(Increment increment) {
    long now = nanos.getAsLong();
    if (increment.once().isPresent()) {
      var once = increment.once().get();
      open.add(new Window.Request(once, increment.items()), now);
      onces.add(once);
    } else {
      for (var item : increment.items()) {
        open.add(item.key(), item.value(), now);
      }
    }
  }

  /// What is known of a request's id; empty when this process does not know it.
  Optional<String> known(String id) {
    synchronized (lock) {
      return onces.find(id);
    }
  }

  /// A request that turned out to be in the totals.
  void learn(Once once) {
    synchronized (lock) {
      onces.add(once);
    }
  }

  // --- the bounds ---

  private void admit(Increment increment) {
    int fresh = 0;
    long bytes = 0;
    for (var item : increment.items()) {
      if (increment.once().isPresent() || !open.has(item.key())) {
        fresh++;
        bytes += Window.bytesOf(item.key());
      }
    }
    if (increment.once().isPresent()) {
      bytes += Window.bytesOf(new Window.Request(increment.once().get(), increment.items()));
    }
    if (fresh > 0
        && (open.keys() + closedKeys + fresh > settings.maxPendingKeys()
            || open.bytes() + heldBytes + bytes > settings.maxPendingBytes())) {
      throw Problem.unavailable(
              "As many keys as may wait for the database are waiting; nothing was counted.", 1)
          .hint("Try again when the database has taken some.")
          .refusal();
    }
  }

  /// Nothing is computed while all sums are small and no total is near the end of 64 bits, which is
  /// to say always, but for those who try.
  private Verdict fits(Increment increment, Optional<Snapshot> base) {
    boolean small = large.isEmpty() && !heavy && closed.size() < 3 && !open.heavy();
    if (small) {
      for (var item : increment.items()) {
        small &= item.value() < SMALL && item.value() > -SMALL;
      }
    }
    if (small) {
      return Verdict.TAKEN;
    }
    var added = new HashMap<String, BigInteger>();
    for (var item : increment.items()) {
      added.merge(item.key(), BigInteger.valueOf(item.value()), BigInteger::add);
    }
    for (var entry : added.entrySet()) {
      var verdict = fits(entry.getKey(), entry.getValue(), base);
      if (verdict != Verdict.TAKEN) {
        return verdict;
      }
    }
    return Verdict.TAKEN;
  }

  private Verdict fits(String key, BigInteger more, Optional<Snapshot> base) {
    var total = Optional.ofNullable(large.get(key));
    var mark = new Mark(flushedWindow, Mark.LAST);
    if (base.isPresent()) {
      total = Optional.of(base.get().totals().getOrDefault(key, BigInteger.ZERO));
      mark = base.get().mark();
    }
    var own = own(key, mark).map(Own::sum).orElse(BigInteger.ZERO).add(more);
    if (total.isEmpty() && own.abs().compareTo(LARGE) > 0) {
      return Verdict.TOTALS_NEEDED;
    }
    var result = total.orElse(BigInteger.ZERO).add(own);
    return result.bitLength() < Long.SIZE ? Verdict.TAKEN : Verdict.OVERFLOW;
  }

  // --- flushing ---

  /// The window to flush: the oldest that is closed, else the open one if it has anything and is
  /// not after `upTo`.
  Optional<Window> closeWindow(long upTo) {
    synchronized (lock) {
      if (closed.isEmpty() && !open.isEmpty() && open.number() <= upTo) {
        closed.add(open);
        closedKeys += open.keys();
        heldBytes += open.bytes();
        heavy |= open.heavy();
        open = new Window(open.number() + 1);
      }
      return Optional.ofNullable(closed.peekFirst());
    }
  }

  long openNumber() {
    synchronized (lock) {
      return open.number();
    }
  }

  /// Cuts a closed window; before any of its chunks is flushed, so that readers know which keys a
  /// chunk number covers, and in the journal before that, so that the next process cuts it so, too.
  /// A window that is one chunk needs no record; where the journal has no room for one, the whole
  /// window is one chunk, so that a full journal can be emptied.
  List<Chunk> cut(Window window) {
    if (!window.chunks().isEmpty()) {
      return window.chunks();
    }
    var cuts = window.cuts(settings.chunkKeys());
    if (!cuts.isOne()) {
      try {
        journal.append(window.number(), cuts);
      } catch (JournalFull full) {
        cuts = Cuts.NONE;
      }
    }
    var chunks = window.cut(cuts);
    synchronized (lock) {
      window.cutAt(chunks);
    }
    return chunks;
  }

  /// The oldest closed window is in the totals for certain.
  ///
  /// @param large the large totals after it
  void flushed(Window window, Map<String, BigInteger> large) {
    synchronized (lock) {
      closed.remove(window);
      closedKeys -= window.keys();
      kept.add(window);
      flushedWindow = window.number();
      this.large = large;
      heavy = closed.stream().anyMatch(Window::heavy);
      forget();
    }
  }

  /// The large totals of others may have changed.
  void refresh(Map<String, BigInteger> large) {
    synchronized (lock) {
      this.large = large;
    }
  }

  /// From now on increments are refused with 503; what was taken stays.
  void stop() {
    synchronized (lock) {
      stopped = true;
    }
  }

  int keys() {
    synchronized (lock) {
      return open.keys() + closedKeys;
    }
  }

  /// The age of the oldest increment that may not be in the totals; 0 when there is none.
  long stalenessNanos() {
    synchronized (lock) {
      var oldest = closed.isEmpty() ? open : closed.getFirst();
      return oldest.isEmpty() ? 0 : nanos.getAsLong() - oldest.openedAt();
    }
  }

  private void forget() {
    long oldestReader = readers.isEmpty() ? flushedWindow : readers.firstKey();
    while (!kept.isEmpty() && kept.getFirst().number() <= oldestReader) {
      heldBytes -= kept.removeFirst().bytes();
    }
  }

  // --- reading ---

  /// A reader that wants both the database's truth and this process'; close it when done.
  Reader read() {
    synchronized (lock) {
      readers.merge(flushedWindow, 1, Integer::sum);
      return new Reader(flushedWindow);
    }
  }

  private List<Window> windows() {
    var windows = new ArrayList<Window>(kept);
    windows.addAll(closed);
    windows.add(open);
    return windows;
  }

  private Optional<Own> own(String key, Mark mark) {
    return own(windows(), key, mark);
  }

  private static Optional<Own> own(List<Window> windows, String key, Mark mark) {
    var sum = Optional.<BigInteger>empty();
    long since = 0;
    for (var window : windows) {
      var part = window.missing(key, mark);
      if (part.isPresent()) {
        since = sum.isEmpty() ? window.openedAt() : since;
        sum = Optional.of(sum.orElse(BigInteger.ZERO).add(part.get()));
      }
    }
    long oldest = since;
    return sum.map(total -> new Own(total, oldest));
  }

  /// One registered reader; see the class for the three steps.
  final class Reader implements AutoCloseable {
    private final long began;
    private boolean done;

    private Reader(long began) {
      this.began = began;
    }

    /// What this process has counted for `key` after `mark`.
    Optional<Own> own(String key, Mark mark) {
      synchronized (lock) {
        return Pending.this.own(key, mark);
      }
    }

    /// What this process has counted in `range` after `mark`: the first `limit` keys of it.
    SortedMap<String, Own> own(Range range, Mark mark, int limit) {
      List<Window> windows;
      var listed = new ArrayList<Sums.Listed>();
      synchronized (lock) {
        windows = windows();
        windows.forEach(window -> listed.addAll(window.listed()));
      }
      var own = new TreeMap<String, Own>(Keys.ORDER);
      for (var key : Window.first(listed, range, limit)) {
        synchronized (lock) {
          Pending.own(windows, key, mark).ifPresent(sum -> own.put(key, sum));
        }
      }
      return own;
    }

    @Override
    public void close() {
      synchronized (lock) {
        if (!done) {
          done = true;
          readers.computeIfPresent(began, (window, count) -> count == 1 ? null : count - 1);
          forget();
        }
      }
    }
  }

  /// Whether everything that was ever taken is in the totals.
  boolean isEmpty() {
    return keys() == 0;
  }

  /// The ages that answers tell, in milliseconds.
  long millisSince(long since) {
    return Math.max(0, (nanos.getAsLong() - since) / 1_000_000);
  }
}
