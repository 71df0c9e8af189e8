package dev.gatehouse.counters;

import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.counters.Window.Flushed;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/// What this process has acknowledged and the totals may not have yet.
///
/// One lock guards everything here. It is held for a few map look-ups, never over input or output,
/// so event loops may take it. Windows live through three stages, in the order of their numbers:
///
/// - **open**: takes increments; there is always exactly one.
/// - **closing**: frozen, being flushed chunk by chunk, at most one. While it cannot be flushed the
///   open window goes on taking what comes, however long that is: what was never attempted is
///   merged, what was attempted keeps its chunks and their numbers.
/// - **kept**: wholly in the totals, but a reader began before that was certain.
///
/// A reader wants the total and what is missing in it, counted neither twice nor not at all, while
/// flushes go on. It (1) registers with [#read], (2) reads the total and the last chunk of this
/// process in the ledger, in one snapshot of the database, (3) asks under the lock for the
/// increments after that chunk. Since a window is kept until every reader that began before it was
/// flushed has finished, step 3 finds each increment that step 2 did not. Locking readers and
/// flushes out of each other was refused: a slow database would stop both.
final class Pending {
  /// What this process adds to a key beyond a snapshot of the database.
  ///
  /// @param since the nano ticker when the oldest window with the key was opened
  record Own(BigInteger sum, long since) {
    Own plus(Own other) {
      return new Own(sum.add(other.sum), since - other.since < 0 ? since : other.since);
    }
  }

  private final Object lock = new Object();
  private final CounterSettings settings;
  private final LongSupplier nanos;

  private final Deque<Window> kept = new ArrayDeque<>();

  /// How many readers began when this window was the last one wholly in the totals.
  private final TreeMap<Long, Integer> readers = new TreeMap<>();

  private Window open = new Window(1);
  private Optional<Window> closing = Optional.empty();
  private int closingKeys;
  private long heldBytes; // of closing and kept windows
  private long flushedWindow;
  private boolean stopped;

  Pending(CounterSettings settings, LongSupplier nanos) {
    this.settings = settings;
    this.nanos = nanos;
  }

  /// Takes one increment.
  ///
  /// @throws Refusal 503 when as much as may wait is waiting; then nothing was counted
  void add(String key, long value) {
    synchronized (lock) {
      admit(key);
      open.add(key, value, nanos.getAsLong());
    }
  }

  /// A reader that wants both the database's truth and this process'; close it when done.
  Reader read() {
    synchronized (lock) {
      readers.merge(flushedWindow, 1, Integer::sum);
      return new Reader(flushedWindow);
    }
  }

  /// The window to flush: the one that is being flushed already, else the open one if it has
  /// anything.
  Optional<Window> closeWindow() {
    synchronized (lock) {
      if (closing.isEmpty() && open.keys() > 0) {
        closing = Optional.of(open);
        closingKeys = open.keys();
        heldBytes += open.bytes();
        open = new Window(open.number() + 1);
      }
      return closing;
    }
  }

  /// Cuts the closing window; before any of its chunks is flushed, so that readers know which keys
  /// a chunk number covers.
  List<Chunk> cut(Window window) {
    var chunks = window.cut(settings.chunkKeys());
    synchronized (lock) {
      window.cutAt(chunks);
    }
    return chunks;
  }

  /// This chunk is in the totals for certain; `last` when it was its window's last one.
  void flushed(Chunk chunk, boolean last) {
    synchronized (lock) {
      closingKeys -= chunk.keys().size();
      if (last) {
        kept.add(closing.orElseThrow());
        closing = Optional.empty();
        flushedWindow = chunk.window();
        forget();
      }
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
      return open.keys() + closingKeys;
    }
  }

  /// The age of the oldest increment that may not be in the totals; 0 when there is none.
  long stalenessNanos() {
    synchronized (lock) {
      var oldest = closing.orElse(open);
      return oldest.keys() == 0 ? 0 : nanos.getAsLong() - oldest.openedAt();
    }
  }

  private void admit(String key) {
    if (stopped) {
      throw Problem.unavailable("This replica is stopping.", 1).refusal();
    }
    if (open.has(key)) {
      return;
    }
    if (open.keys() + closingKeys >= settings.maxPendingKeys()
        || open.bytes() + heldBytes + Window.bytesOf(key) > settings.maxPendingBytes()) {
      throw Problem.unavailable(
              "As many keys as may wait for the database are waiting; nothing was counted.", 1)
          .hint("Try again when the database has taken some.")
          .refusal();
    }
  }

  private void forget() {
    long oldestReader = readers.isEmpty() ? flushedWindow : readers.firstKey();
    while (!kept.isEmpty() && kept.getFirst().number() <= oldestReader) {
      heldBytes -= kept.removeFirst().bytes();
    }
  }

  /// One registered reader; see the class for the three steps.
  final class Reader implements AutoCloseable {
    private final long began;
    private boolean done;

    private Reader(long began) {
      this.began = began;
    }

    /// What this process has counted in `range` after the chunk `flushed`: the first `limit` keys
    /// of it.
    SortedMap<String, Own> own(Range range, Flushed flushed, int limit) {
      synchronized (lock) {
        var own = new TreeMap<String, Own>(Keys.ORDER);
        for (var window : windows()) {
          int left = limit;
          for (var entry : window.missing(range, flushed).entrySet()) {
            if (left-- == 0) {
              break;
            }
            own.merge(
                entry.getKey(), new Own(entry.getValue().total(), window.openedAt()), Own::plus);
          }
        }
        return own;
      }
    }

    /// Adds, and tells what this process has then counted for the key after the chunk `flushed`.
    BigInteger add(String key, long value, Flushed flushed) {
      synchronized (lock) {
        Pending.this.add(key, value);
        var own = own(Range.one(key), flushed, 1).get(key);
        return own == null ? BigInteger.ZERO : own.sum();
      }
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

    private List<Window> windows() {
      var windows = new ArrayList<Window>(kept);
      closing.ifPresent(windows::add);
      windows.add(open);
      return windows;
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
