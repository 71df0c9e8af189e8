package dev.gatehouse.state.coherence;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// What this process remembers of one kind of row: a read that starts after a change was
/// acknowledged never sees the row as it was before, whichever process made the change.
///
/// Absence is a value like any other (`V` may be an `Optional`), so misses are remembered too. Of
/// readers of a row that is not here one loads it. Without a lease everything is read through.
///
/// Concurrency. Three things move an entry: a *load* puts it, a *change* drops it, a new *epoch* of
/// the lease makes it worthless. A load is a [Flight], registered under its key before it reads the
/// database; a change first takes the flight off and then drops the entry; a load that has landed
/// puts its entry only if its flight is still registered, in one atomic step on that key. So a load
/// that a change overtook never enters, and readers that come after the change start a load of
/// their own. Readers that joined before the change get the older value: they started before it was
/// acknowledged. An entry carries the epoch its load began in, and no other epoch takes it; so it
/// does not matter when exactly the memory is cleared. A row that is about to change elsewhere is
/// closed for a time: it has no entry then, and a load is shared only by who came before it began.
/// No lock is held while the database is asked.
public final class NearCache<V> {
  /// What a load found.
  ///
  /// @param version of the row, positive and never used for another state of it; 0 if it has none,
  ///   as where no row is
  public record Loaded<V>(V value, long version) {}

  /// Reads a row from the database, on a connection to the server that takes the writes.
  @FunctionalInterface
  public interface Loader<V> {
    Loaded<V> load(String key);
  }

  /// What came of a write that has been committed.
  ///
  /// @param transaction what `state_note` returned; 0 when nothing was changed
  /// @param version as it was noted
  public record Written<T>(T outcome, long transaction, long version) {
    public static <T> Written<T> nothing(T outcome) {
      return new Written<>(outcome, 0, 0);
    }
  }

  /// What came of a write to several rows in one transaction.
  public record WrittenAll<T>(T outcome, long transaction, Collection<String> keys) {}

  /// Tells all other processes. What it returns ends when none of them can answer with what was
  /// there before, or with a [dev.gatehouse.http.Refusal] when not every one could be heard of; the
  /// thread that ends it waits for nothing, and neither may what depends on it.
  interface Announcement {
    /// A row is about to be written: the others may remember nothing of it for a time.
    Coming foretell(String space, String key);

    /// Rows without versions were written.
    CompletableFuture<@Nullable Void> announce(
        String space, Collection<String> keys, long transaction);
  }

  /// A write that was foretold: it is either, once.
  interface Coming {
    CompletableFuture<@Nullable Void> committed(long version, long transaction);

    void abandoned();
  }

  record Entry<V>(long epoch, long version, V value) {}

  /// What stands in a row's place while it is not simply remembered or not.
  sealed interface Slot<V> {}

  /// A load that is under way.
  static final class Flight<V> implements Slot<V> {
    private final long epoch;
    private final Optional<CompletableFuture<V>> before;
    private final CompletableFuture<V> result = new CompletableFuture<>();

    /// Of a row that is closed: guarded by the map's lock of the key.
    private boolean begun;

    /// @param before the load that has to end first
    private Flight(long epoch, Optional<CompletableFuture<V>> before) {
      this.epoch = epoch;
      this.before = before;
    }

    CompletableFuture<V> result() {
      return result;
    }

    /// Ends when it may begin.
    CompletableFuture<?> ready() {
      return before
          .<CompletableFuture<?>>map(load -> load.handle((value, failure) -> true))
          .orElseGet(() -> CompletableFuture.completedFuture(true));
    }
  }

  /// The row is about to change elsewhere. Nothing of it is remembered, and readers share only a
  /// load that has not begun when they come; so there is one at a time.
  private static final class Closed<V> implements Slot<V> {
    private final String key;
    private final long until;

    /// The newest load, guarded by the map's lock of the key.
    private Optional<Flight<V>> newest;

    private Closed(String key, long until, Optional<Flight<V>> newest) {
      this.key = key;
      this.until = until;
      this.newest = newest;
    }

    private boolean lasts(long now) {
      return until - now > 0;
    }
  }

  private final String space;
  private final Lease lease;
  private final Announcement announcement;
  private final Runnable beforeAnswer;
  private final LongSupplier nanos;
  private final Cache<String, Entry<V>> entries;
  private final ConcurrentHashMap<String, Slot<V>> flights = new ConcurrentHashMap<>();

  /// In the order in which they open again, nearly.
  private final Queue<Closed<V>> closed = new ConcurrentLinkedQueue<>();

  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder through = new LongAdder();

  /// @param beforeAnswer called between the look into memory and the check of the lease: where a
  ///   test stops a reader
  NearCache(
      String space,
      long bytes,
      ToIntFunction<V> weight,
      Lease lease,
      Announcement announcement,
      LongSupplier nanos,
      Runnable beforeAnswer) {
    this.nanos = nanos;
    this.space = space;
    this.lease = lease;
    this.announcement = announcement;
    this.beforeAnswer = beforeAnswer;
    this.entries =
        Caffeine.newBuilder()
            .maximumWeight(bytes)
            .<String, Entry<V>>weigher(
                (key, entry) -> OVERHEAD + 2 * key.length() + weight.applyAsInt(entry.value))
            // Its upkeep is a few moves of pointers; a pool of threads for it would be more.
            .executor(Runnable::run)
            .build();
  }

  /// What an entry weighs besides its key and value, about.
  private static final int OVERHEAD = 160;

  // --- reading ---

  /// The row, from memory or by `loader`; what `loader` throws is thrown.
  public V get(String key, Loader<V> loader) {
    long epoch = lease.epoch();
    var known = answer(look(key, epoch));
    if (known.isPresent()) {
      return known.get();
    }
    if (!lease.holds(epoch)) {
      through.increment();
      return loader.load(key).value();
    }
    var boarding = board(key, epoch);
    misses.increment();
    return boarding.own ? lead(key, boarding.flight, loader) : join(boarding.flight.result);
  }

  /// The row if it is in memory and may be answered; never blocks.
  public Optional<V> peek(String key) {
    return answer(look(key, lease.epoch()));
  }

  /// What is in memory and was loaded in `epoch`.
  Optional<Entry<V>> look(String key, long epoch) {
    return Optional.ofNullable(epoch == Lease.NONE ? null : entries.getIfPresent(key))
        .filter(entry -> entry.epoch == epoch);
  }

  /// The value of what was found, if it may be answered *now*, however long ago it was looked up.
  Optional<V> answer(Optional<Entry<V>> found) {
    if (found.isEmpty()) {
      return Optional.empty();
    }
    beforeAnswer.run();
    if (!lease.holds(found.get().epoch)) {
      return Optional.empty();
    }
    hits.increment();
    return Optional.of(found.get().value);
  }

  /// @param own whether whoever asked has to fly it
  record Boarding<V>(Flight<V> flight, boolean own) {}

  /// The flight for a reader that came in `epoch`: one that has not been overtaken by a change and
  /// began in no earlier epoch, else a new one; for a row that is closed, one that has not begun.
  Boarding<V> board(String key, long epoch) {
    long now = nanos.getAsLong();
    var taken = new ArrayList<Boarding<V>>(1);
    flights.compute(
        key,
        (same, slot) -> {
          if (slot instanceof Closed<V> row && row.lasts(now)) {
            var waiting = row.newest.filter(newest -> !newest.begun);
            var flight =
                waiting.orElseGet(() -> new Flight<>(epoch, row.newest.map(Flight::result)));
            row.newest = Optional.of(flight);
            taken.add(new Boarding<>(flight, waiting.isEmpty()));
            return row;
          }
          boolean suits = slot instanceof Flight<V> flying && flying.epoch >= epoch;
          var flight = suits ? (Flight<V>) slot : new Flight<V>(epoch, Optional.empty());
          taken.add(new Boarding<>(flight, !suits));
          return flight;
        });
    return taken.getFirst();
  }

  /// From now on nobody joins this load of a row that is closed.
  void begin(String key, Flight<V> flight) {
    flights.computeIfPresent(
        key,
        (same, slot) -> {
          flight.begun = true;
          return slot;
        });
  }

  private V lead(String key, Flight<V> flight, Loader<V> loader) {
    Loaded<V> loaded;
    try {
      flight.ready().join();
      begin(key, flight);
      loaded = loader.load(key);
    } catch (RuntimeException | Error failure) {
      flights.remove(key, flight);
      flight.result.completeExceptionally(failure);
      throw failure;
    }
    land(key, flight, loaded);
    return loaded.value();
  }

  /// Ends a load: its value is remembered unless a change overtook it.
  void land(String key, Flight<V> flight, Loaded<V> loaded) {
    flights.computeIfPresent(
        key,
        (same, flying) -> {
          if (flying != flight) {
            return flying;
          }
          entries.put(key, new Entry<>(flight.epoch, loaded.version(), loaded.value()));
          return null;
        });
    flight.result.complete(loaded.value());
  }

  private static <V extends @Nullable Object> V join(CompletableFuture<V> result) {
    try {
      return result.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw failed;
    }
  }

  // --- changing ---

  /// Runs a write of one row, and returns when no process can answer with what was there before.
  ///
  /// `write` commits before it returns, and has called `state_note(space, key, version)` in its
  /// transaction. What it throws is thrown; the row is forgotten then too, since the write may have
  /// been carried out all the same.
  ///
  /// @throws dev.gatehouse.http.Refusal 503 when the row was written and not every process could be
  ///   heard of in time; all of them have the new value within a lease
  public <T> T change(String key, Supplier<Written<T>> write) {
    return join(changeLater(key, write));
  }

  /// As [#change], but returns once the write has been carried out, and what it returns ends when
  /// no process can answer with what was there before (or with the 503). So nobody's thread has to
  /// be woken between the last replica's word and the answer (bench/storage).
  public <T> CompletableFuture<T> changeLater(String key, Supplier<Written<T>> write) {
    var coming = announcement.foretell(space, key);
    Written<T> written;
    try {
      written = write.get();
    } catch (RuntimeException | Error failure) {
      drop(key);
      coming.abandoned();
      throw failure;
    }
    if (written.transaction() == 0) {
      coming.abandoned();
      return CompletableFuture.completedFuture(written.outcome());
    }
    drop(key, written.version());
    return coming
        .committed(written.version(), written.transaction())
        .thenApply(told -> written.outcome());
  }

  /// As [#change], for rows that are known only when they have been written; they have no versions
  /// (note them with 0).
  public <T> T changeAll(Supplier<WrittenAll<T>> write) {
    WrittenAll<T> written;
    try {
      written = write.get();
    } catch (RuntimeException | Error failure) {
      clear();
      throw failure;
    }
    if (!written.keys().isEmpty()) {
      written.keys().forEach(this::drop);
      join(announcement.announce(space, written.keys(), written.transaction()));
    }
    return written.outcome();
  }

  /// Another process is about to change the row: it is forgotten, and until `until` nothing of it
  /// is remembered.
  void close(String key, long until) {
    open();
    flights.compute(
        key,
        (same, slot) -> {
          var row =
              slot instanceof Closed<V> was
                  ? new Closed<>(key, was.lasts(until) ? was.until : until, was.newest)
                  : new Closed<V>(key, until, Optional.empty());
          closed.add(row);
          return row;
        });
    entries.invalidate(key);
  }

  /// Takes away what is not closed any more, so that rows nobody reads take no memory.
  private void open() {
    long now = nanos.getAsLong();
    for (var row = closed.peek(); row != null && !row.lasts(now); row = closed.peek()) {
      closed.remove(row);
      flights.remove(row.key, row);
    }
  }

  /// Takes off what is flying; what is closed stays so.
  private void ground(String key) {
    long now = nanos.getAsLong();
    flights.computeIfPresent(
        key, (same, slot) -> slot instanceof Closed<V> row && row.lasts(now) ? row : null);
  }

  /// The row has changed, to what is not known.
  void drop(String key) {
    drop(key, 0);
  }

  /// The row has changed. An entry that was loaded after just this change may stay. A later version
  /// proves nothing: one that creates a row is drawn before it waits for whoever deletes it, so
  /// versions are not always in the order of commits.
  void drop(String key, long version) {
    ground(key);
    entries
        .asMap()
        .computeIfPresent(
            key, (same, entry) -> version != 0 && entry.version == version ? entry : null);
  }

  /// Forgets everything.
  void clear() {
    flights.keySet().forEach(this::ground);
    entries.invalidateAll();
  }

  /// How many rows are being loaded or were closed. For tests.
  int underway() {
    return flights.size();
  }

  // --- for metrics ---

  public long hits() {
    return hits.sum();
  }

  public long misses() {
    return misses.sum();
  }

  /// Reads for which there was no lease.
  public long readThrough() {
    return through.sum();
  }

  /// How many bytes it holds, about.
  public long bytes() {
    return entries.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }
}
