package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// Which committed writes still wait, and for whom: the decision by which a write is answered, free
/// of clocks, sockets and SQL.
///
/// A write waits for every replica alive in a listing that was asked for after its commit or not
/// long before ([CoherenceSettings#listingLasts]; who is not in it answers nothing from memory
/// yet), until that replica has acknowledged it on the bus, or has said in its row that it applied
/// a snapshot which sees the write, or is not alive any more in a later listing. A replica counts
/// as dead when its row did not change for a lease and the margin, by *our* monotonic clock and
/// counted from when we first heard of that counter: no two clocks are ever compared, and a step of
/// the server's clock changes nothing. Confined to one thread.
final class Announcements {
  /// Dead for so long that its row is only in the way.
  private static final Duration LONG_DEAD = Duration.ofMinutes(1);

  /// A write that has not been answered. What the others are told of it before it is committed, and
  /// what after, is not the same ([#foretell]).
  static final class Open {
    private static final long NEVER = 0;

    private final List<Change> coming;
    private Optional<Announced> what = Optional.empty();
    private Optional<Set<UUID>> waitsFor = Optional.empty();

    /// [#NEVER] before it is open.
    private long sequence = NEVER;

    /// When the first was told that it is coming.
    private Optional<Long> foretoldAt = Optional.empty();

    /// @param coming empty where it is told only once it has been committed
    Open(List<Change> coming) {
      this.coming = coming;
    }

    long sequence() {
      return sequence;
    }

    /// What is to be told now.
    ///
    /// @param now before it is sent
    List<Change> tell(long now) {
      if (what.isPresent()) {
        return what.get().changes;
      }
      if (foretoldAt.isEmpty()) {
        foretoldAt = Optional.of(now);
      }
      return coming;
    }

    private boolean isCommitted() {
      return what.isPresent();
    }
  }

  /// A committed write.
  ///
  /// @param committedBy an instant after its commit
  /// @param confirmed ends when it may be answered; with an exception when it was given up
  record Announced(
      List<Change> changes,
      long transaction,
      long committedBy,
      CompletableFuture<@Nullable Void> confirmed) {}

  private record Observed(long counter, long since) {}

  private final UUID self;
  private final long longestLease;
  private final long listingLasts;
  private final long margin;
  private final long foretold;
  private final List<Open> open = new ArrayList<>();
  private final Map<UUID, Observed> observed = new HashMap<>();
  private final Map<UUID, Long> acknowledged = new HashMap<>();
  private long sequence;
  private Optional<String> run = Optional.empty();
  private long latest;
  private List<Row> live = List.of();

  /// A server that crashed may have forgotten leases; until they are over nothing is confirmed.
  private long quietUntil;

  /// @param lease how long leases last where we have heard of none
  /// @param listingLasts how much older than a commit the listing may be that it goes by
  /// @param foretold how long before a commit the others may have closed the row; less than they
  ///   keep it closed
  Announcements(
      UUID self, Duration lease, Duration margin, Duration listingLasts, Duration foretold) {
    this.self = self;
    this.foretold = foretold.toNanos();
    this.listingLasts = listingLasts.toNanos();
    this.longestLease = lease.toNanos();
    this.margin = margin.toNanos();
  }

  /// A write is about to be carried out. Whoever is told that drops the row and remembers nothing
  /// of it for a time; so what they acknowledge of it counts if the commit comes within that time.
  void foretell(Open write) {
    open(write);
  }

  private void open(Open write) {
    write.sequence = ++sequence;
    open.add(write);
  }

  /// A write was committed, foretold or not.
  void commit(Open write, Announced what) {
    write.what = Optional.of(what);
    if (write.sequence == Open.NEVER) {
      open(write);
    } else if (write.foretoldAt.filter(at -> what.committedBy - at >= foretold).isPresent()) {
      // Some may remember the row again, as it was before; so all of it is told anew.
      open.remove(write);
      open(write);
    }
    if (isCoveredByLatest(what)) {
      judge(write, what, live);
      confirm(what.committedBy);
    }
  }

  /// A write that was foretold changed nothing, or failed.
  void abandon(Open write) {
    open.remove(write);
  }

  private boolean isCoveredByLatest(Announced what) {
    return run.isPresent() && what.committedBy - latest < listingLasts;
  }

  boolean isEmpty() {
    return open.isEmpty();
  }

  /// Whether there is a write that no listing has been held against.
  boolean needsListing() {
    // No streams here and in the next two: each of them is asked some times a write.
    for (var write : open) {
      if (write.isCommitted() && write.waitsFor.isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /// When the oldest of them was committed.
  Optional<Long> oldest() {
    return open.stream()
        .flatMap(write -> write.what.stream())
        .map(Announced::committedBy)
        .reduce((one, other) -> other - one < 0 ? other : one);
  }

  /// What `replica` has to be told beyond the sequence `told`, all of it and in order, so that an
  /// acknowledgement covers all that went before.
  List<Open> openTo(UUID replica, long told) {
    long through = Math.max(told, acknowledged.getOrDefault(replica, 0L));
    var untold = new ArrayList<Open>();
    for (var write : open) {
      if (write.sequence > through
          && (write.waitsFor.isEmpty() || write.waitsFor.get().contains(replica))) {
        untold.add(write);
      }
    }
    return untold;
  }

  /// `replica` has applied everything up to that sequence.
  void acknowledged(UUID replica, long through, long now) {
    acknowledged.merge(replica, through, Math::max);
    for (var write : open) {
      if (write.sequence <= through) {
        write.waitsFor.ifPresent(waiting -> waiting.remove(replica));
      }
    }
    confirm(now);
  }

  /// Whether a later listing was here before: this one says nothing then.
  boolean isOvertaken(Listing listing) {
    return run.isPresent() && listing.sentAt() - latest < 0;
  }

  /// Judges by a listing; the live replicas but ourselves.
  List<Row> listed(Listing listing) {
    if (isOvertaken(listing)) {
      return List.of();
    }
    latest = listing.sentAt();
    heard(listing);
    observe(listing);
    live =
        listing.rows().stream()
            .filter(row -> !row.replica().equals(self) && isAlive(row, listing.sentAt()))
            .toList();
    for (var write : open) {
      write.what.filter(this::isCoveredByLatest).ifPresent(what -> judge(write, what, live));
    }
    confirm(listing.sentAt());
    return live;
  }

  private void judge(Open write, Announced what, List<Row> live) {
    var alive = new HashSet<UUID>();
    for (var row : live) {
      if (!row.seen().sees(what.transaction)
          && acknowledged.getOrDefault(row.replica(), 0L) < write.sequence) {
        alive.add(row.replica());
      }
    }
    // A later listing only takes away: who was not alive in the first had nothing to forget.
    write.waitsFor.ifPresent(alive::retainAll);
    write.waitsFor = Optional.of(alive);
  }

  private void confirm(long now) {
    if (now - quietUntil < 0) {
      return;
    }
    open.removeIf(write -> {
      boolean done = write.waitsFor.map(Collection::isEmpty).orElse(false);
      if (done) {
        write.what.ifPresent(what -> what.confirmed.complete(null));
      }
      return done;
    });
  }

  /// Gives up what was committed before `instant`.
  void giveUp(long instant) {
    open.removeIf(write -> {
      var late = write.what.filter(what -> what.committedBy - instant < 0);
      late.ifPresent(what -> what.confirmed.completeExceptionally(new TimeoutException()));
      return late.isPresent();
    });
  }

  private void heard(Listing listing) {
    if (run.filter(listing.run()::equals).isPresent()) {
      return;
    }
    long wait = longestLease + margin;
    for (var row : listing.rows()) {
      wait = Math.max(wait, row.lasts().toNanos() + margin);
    }
    // A run we meet for the first time has lasted for a while, mostly.
    long since = run.isEmpty() ? Math.min(wait, listing.lasting().toNanos()) : 0;
    quietUntil = listing.receivedAt() + wait - since;
    run = Optional.of(listing.run());
    observed.clear();
  }

  private void observe(Listing listing) {
    var listed = new HashSet<UUID>();
    for (var row : listing.rows()) {
      listed.add(row.replica());
      observed.merge(
          row.replica(),
          new Observed(row.counter(), listing.receivedAt()),
          (was, is) -> was.counter == is.counter ? was : is);
    }
    observed.keySet().retainAll(listed);
    acknowledged.keySet().retainAll(listed);
  }

  private boolean isAlive(Row row, long sentAt) {
    return unchangedFor(row, sentAt) < row.lasts().toNanos() + margin;
  }

  private long unchangedFor(Row row, long sentAt) {
    var last = observed.get(row.replica());
    return last == null ? 0 : sentAt - last.since;
  }

  /// The rows nobody will renew again.
  List<Row> longDead(Listing listing) {
    return listing.rows().stream()
        .filter(row -> unchangedFor(row, listing.sentAt()) > LONG_DEAD.toNanos())
        .toList();
  }
}
