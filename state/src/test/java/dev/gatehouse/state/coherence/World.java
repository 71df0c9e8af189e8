package dev.gatehouse.state.coherence;

import dev.gatehouse.state.coherence.Announcements.Announced;
import dev.gatehouse.state.coherence.Announcements.Open;
import dev.gatehouse.state.coherence.NearCache.Flight;
import dev.gatehouse.state.coherence.NearCache.Loaded;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A small world for the real [Lease], [LeaseKeeper], [NearCache] and [Announcements]: a database,
/// a network and a clock that do one step at a time, in an order that a seed decides.
///
/// Every step of a replica is taken only while that replica is not stopped; the database and the
/// network go on. What may happen between any two steps: a replica stops, time jumps, a bus
/// connection breaks, the server crashes and forgets the last renewals, a commit's answer is lost,
/// old changes are pruned. Versions are *not* in the order of commits, and clocks run at different
/// rates.
final class World {
  static final Duration LEASE = Duration.ofSeconds(2);
  static final Duration MARGIN = Duration.ofMillis(200);
  static final Duration LISTING = Duration.ofMillis(800);
  static final Duration PAUSE = LISTING.plus(MARGIN);
  static final Duration CLOSED = Duration.ofMillis(150);
  static final Duration FORETOLD = Duration.ofMillis(130);
  private static final int KEYS = 2;

  final Random random;
  long now = 1_000_000_000_000L;
  final List<Replica> replicas = new ArrayList<>();
  final List<Step> steps = new ArrayList<>();
  int reads;
  int hits;
  int acknowledgedWrites;
  boolean calm;

  // The database.
  private long nextTransaction = 10;
  private long nextCommit = 1;
  private final TreeSet<Long> running = new TreeSet<>();
  private final Map<String, Long> rows = new HashMap<>();
  private final Map<String, Long> versions = new HashMap<>();
  private final Map<String, Long> locks = new HashMap<>();
  private final List<Logged> log = new ArrayList<>();
  private Map<UUID, Row> leases = new HashMap<>();
  private final Deque<Map<UUID, Row>> leasesBefore = new ArrayDeque<>();
  private int server = 1;
  private long serverSince;

  /// Of each key, the newest commit whose write was acknowledged.
  private final Map<String, Long> acknowledged = new HashMap<>();

  record Logged(long transaction, Change change) {}

  /// One connection of a bus, and what is on it.
  private static final class Wire {
    private final Deque<Runnable> frames = new ArrayDeque<>();
    private long told;
    private long acknowledged;
  }

  /// @param owner who takes it; empty: database or network
  /// @param from not before then
  record Step(Optional<Replica> owner, long from, Runnable action) {}

  World(Random random) {
    this.random = random;
    serverSince = now - Duration.ofHours(1).toNanos();
    for (int i = 0; i < 3; i++) {
      replicas.add(new Replica(i));
    }
    replicas.forEach(Replica::renew);
  }

  private void then(Replica owner, Runnable action) {
    steps.add(new Step(Optional.of(owner), 0, action));
  }

  private void elsewhere(Runnable action) {
    boolean slow = !calm && random.nextInt(12) == 0;
    long from = slow ? now + random.nextInt(3_000) * 1_000_000L : 0;
    steps.add(new Step(Optional.empty(), from, action));
  }

  /// One step of somebody, and a little time.
  void step() {
    now += 1 + random.nextInt(20_000_000);
    if (!calm) {
      disturb();
    }
    for (var replica : replicas) {
      replica.wish();
    }
    var ready =
        steps.stream()
            .filter(step ->
                now >= step.from && step.owner.map(owner -> now >= owner.stoppedUntil).orElse(true))
            .toList();
    if (ready.isEmpty()) {
      now += 20_000_000;
      return;
    }
    var step = ready.get(random.nextInt(ready.size()));
    steps.remove(step);
    step.action.run();
  }

  private void disturb() {
    switch (random.nextInt(250)) {
      case 0 -> now += random.nextInt(2_600) * 1_000_000L;
      case 1, 2, 3, 4 -> anyReplica().stoppedUntil = now + random.nextInt(3_500) * 1_000_000L;
      case 5, 6, 7 -> anyReplica().cut(anyReplica());
      case 8 -> {
        if (random.nextInt(8) == 0) {
          crash();
        }
      }
      case 9, 10 -> prune();
      default -> {}
    }
  }

  private Replica anyReplica() {
    return replicas.get(random.nextInt(replicas.size()));
  }

  private Snapshot snapshot() {
    long xmin = running.isEmpty() ? nextTransaction : running.first();
    return new Snapshot(
        "", xmin, nextTransaction, running.stream().mapToLong(Long::longValue).toArray());
  }

  private void crash() {
    server++;
    serverSince = now;
    running.clear();
    locks.clear();
    while (leasesBefore.size() > random.nextInt(6)) {
      leases = leasesBefore.removeLast();
      if (leasesBefore.isEmpty()) {
        break;
      }
    }
  }

  private void prune() {
    long needed =
        leases.values().stream()
            .mapToLong(row -> row.seen().xmin())
            .min()
            .orElse(snapshot().xmin());
    log.removeIf(logged -> logged.transaction < needed);
  }

  private void put(Row row) {
    leasesBefore.addLast(Map.copyOf(leases));
    leases = new HashMap<>(leases);
    leases.put(row.replica(), row);
    if (leasesBefore.size() > 8) {
      leasesBefore.removeFirst();
    }
  }

  /// A process with everything real but its sockets and its SQL.
  final class Replica {
    final int number;
    final UUID id;
    final double rate;
    final Lease lease;
    final LeaseKeeper keeper;
    final NearCache<Long> cache;
    final Announcements announcements;
    long stoppedUntil;
    private boolean renewing;
    private long renewAt;
    private boolean listing;
    private long listAt;
    private int busy;
    private long noWireUntil;

    /// Frames on their way to each other replica; a broken connection is a new list.
    private final Map<Replica, Wire> wires = new HashMap<>();

    Replica(int number) {
      this.number = number;
      this.id = new UUID(0, number);
      this.rate = 0.98 + 0.04 * random.nextDouble();
      lease = new Lease(this::clock, LEASE, PAUSE);
      cache = new NearCache<>("s", 1 << 20, value -> 8, lease, new Nobody(), this::clock, () -> {});
      keeper =
          new LeaseKeeper(
              lease,
              changes -> changes.forEach(change -> cache.drop(change.key(), change.version())),
              cache::clear);
      announcements = new Announcements(id, LEASE, MARGIN, LISTING, FORETOLD);
    }

    long clock() {
      return (long) (now * rate);
    }

    /// New work, now and then.
    void wish() {
      if (now < stoppedUntil) {
        return;
      }
      if (!renewing && now >= renewAt) {
        renewing = true;
        then(this, this::renew);
      }
      if (!listing && (!announcements.isEmpty() || now >= listAt)) {
        listing = true;
        then(this, this::list);
      }
      if (!calm && busy < 6 && random.nextInt(4) == 0) {
        busy++;
        String key = "k" + random.nextInt(KEYS);
        if (random.nextInt(6) == 0) {
          then(this, () -> write(key));
        } else {
          then(this, () -> read(key));
        }
      }
    }

    // --- the lease ---

    void renew() {
      renewing = true;
      long sentAt = clock();
      var known = keeper.known();
      int asked = server;
      elsewhere(() -> {
        if (asked != server) {
          then(this, this::renewedNothing);
          return;
        }
        var seen = snapshot();
        if (known.isEmpty()) {
          // Its row, its snapshot, its commit: three moments.
          elsewhere(() -> commitJoin(sentAt, seen, asked));
        } else {
          var changes =
              log.stream()
                  .filter(logged ->
                      seen.sees(logged.transaction)
                          && !known.get().applied().sees(logged.transaction))
                  .map(Logged::change)
                  .toList();
          elsewhere(() -> commitRenewal(sentAt, known.get(), seen, changes, asked));
        }
      });
    }

    private void commitJoin(long sentAt, Snapshot seen, int asked) {
      if (asked != server) {
        then(this, this::renewedNothing);
        return;
      }
      var row = leases.get(id);
      long counter = row == null ? 1 : row.counter() + 1;
      put(new Row(id, "r" + number, "", LEASE, counter, seen));
      var answer = new CoherenceSql.Answer(counter, seen, "" + asked, List.of(), true);
      then(
          this,
          () -> {
            keeper.joined(sentAt, answer);
            renewedNothing();
          });
    }

    private void commitRenewal(
        long sentAt, LeaseKeeper.Known known, Snapshot seen, List<Change> changes, int asked) {
      if (asked != server) {
        then(this, this::renewedNothing);
        return;
      }
      var row = leases.get(id);
      long counter = row != null && row.counter() == known.counter() ? known.counter() + 1 : 0;
      if (counter != 0) {
        put(new Row(id, "r" + number, "", LEASE, counter, known.applied()));
      }
      boolean complete = random.nextInt(30) != 0;
      var answer =
          new CoherenceSql.Answer(
              counter, seen, "" + asked, complete ? changes : List.of(), complete);
      if (random.nextInt(40) == 0) {
        then(this, this::renewedNothing); // the answer is lost
        return;
      }
      then(
          this,
          () -> {
            keeper.renewed(sentAt, answer);
            renewedNothing();
          });
    }

    private void renewedNothing() {
      renewing = false;
      renewAt = now + 400_000_000L;
    }

    // --- announcing ---

    private void list() {
      long sentAt = clock();
      elsewhere(() -> {
        var rowsNow = List.copyOf(leases.values());
        var name = "" + server;
        var up = Duration.ofNanos(now - serverSince);
        then(
            this,
            () -> {
              announcements.listed(new Listing(sentAt, clock(), name, up, rowsNow));
              listing = false;
              listAt = now + 400_000_000L;
            });
      });
    }

    void cut(Replica other) {
      if (other != this) {
        wires.remove(other);
        noWireUntil = now + random.nextInt(6_000) * 1_000_000L;
      }
    }

    private void connect(Replica other) {
      if (wires.containsKey(other)) {
        return;
      }
      wires.put(other, new Wire());
      tell(other);
    }

    private void tell(Replica other) {
      var wire = wires.get(other);
      if (wire == null || wire.told != wire.acknowledged) {
        return;
      }
      var untold = announcements.openTo(other.id, wire.told);
      if (untold.isEmpty()) {
        return;
      }
      long through = untold.getLast().sequence();
      long sentAt = clock();
      var changes = untold.stream().flatMap(write -> write.tell(sentAt).stream()).toList();
      wire.told = through;
      wire.frames.addLast(() -> {
        changes.forEach(other::hear);
        then(
            this,
            () -> {
              wire.acknowledged = through;
              announcements.acknowledged(other.id, through, clock());
              tell(other);
            });
      });
      deliver(other, wire);
    }

    private void hear(Change change) {
      if (change.isComing()) {
        cache.close(change.key(), clock() + CLOSED.toNanos());
      } else {
        cache.drop(change.key(), change.version());
      }
    }

    /// In order, when the other one is awake.
    private void deliver(Replica other, Wire wire) {
      then(
          other,
          () -> {
            if (wires.get(other) == wire || random.nextBoolean()) {
              var frame = wire.frames.pollFirst();
              if (frame != null) {
                frame.run();
              }
            }
          });
    }

    // --- writing ---

    private void write(String key) {
      var coming = new Open(List.of(Change.coming("s", key)));
      if (random.nextInt(4) != 0) {
        announcements.foretell(coming);
        tellAll();
      }
      then(this, () -> write(key, coming));
    }

    private void write(String key, Open coming) {
      if (locks.containsKey(key)) {
        then(this, () -> write(key, coming));
        return;
      }
      long transaction = nextTransaction++;
      running.add(transaction);
      locks.put(key, transaction);
      int asked = server;
      long version = 1L + random.nextInt(1 << 30);
      boolean answerLost = random.nextInt(10) == 0;
      if (answerLost) {
        then(this, () -> failed(key, coming));
      }
      elsewhere(() -> commit(key, coming, transaction, version, asked, answerLost));
    }

    private void failed(String key, Open coming) {
      cache.drop(key);
      announcements.abandon(coming);
      busy--;
    }

    private void commit(
        String key, Open coming, long transaction, long version, int asked, boolean lost) {
      if (asked != server) {
        if (!lost) {
          then(this, () -> failed(key, coming));
        }
        return;
      }
      running.remove(transaction);
      locks.remove(key);
      long commit = nextCommit++;
      rows.put(key, commit);
      versions.put(key, version);
      log.add(new Logged(transaction, new Change("s", key, version)));
      if (lost) {
        return;
      }
      then(
          this,
          () -> {
            cache.drop(key, version);
            var confirmed = new CompletableFuture<@Nullable Void>();
            confirmed.thenRun(() -> confirmed(key, commit));
            announcements.commit(
                coming,
                new Announced(
                    List.of(new Change("s", key, version)), transaction, clock(), confirmed));
            tellAll();
          });
    }

    private void tellAll() {
      for (var other : replicas) {
        if (other != this) {
          if (wires.containsKey(other)) {
            tell(other);
          } else if (now >= noWireUntil) {
            then(this, () -> connect(other));
          }
        }
      }
    }

    private void confirmed(String key, long commit) {
      busy--;
      acknowledgedWrites++;
      acknowledged.merge(key, commit, Math::max);
    }

    // --- reading: the steps of NearCache.get, with time between them ---

    private void read(String key) {
      long must = acknowledged.getOrDefault(key, 0L);
      long epoch = lease.epoch();
      then(
          this,
          () -> {
            var found = cache.look(key, epoch);
            then(
                this,
                () -> {
                  var known = cache.answer(found);
                  if (known.isPresent()) {
                    hits++;
                    answered(key, must, known.get(), "from memory");
                  } else if (!lease.holds(epoch)) {
                    load(loaded -> answered(key, must, loaded.value(), "read through"), key);
                  } else {
                    then(this, () -> board(key, epoch, must));
                  }
                });
          });
    }

    private void board(String key, long epoch, long must) {
      var boarding = cache.board(key, epoch);
      if (boarding.own()) {
        boarding
            .flight()
            .ready()
            .thenRun(() -> then(this, () -> fly(key, boarding.flight(), must)));
      } else {
        boarding
            .flight()
            .result()
            .thenAccept(value -> answered(key, must, value, "loaded by another"));
      }
    }

    private void fly(String key, Flight<Long> flight, long must) {
      cache.begin(key, flight);
      load(
          loaded -> {
            cache.land(key, flight, loaded);
            answered(key, must, loaded.value(), "loaded");
          },
          key);
    }

    private void load(java.util.function.Consumer<Loaded<Long>> end, String key) {
      elsewhere(() -> {
        var loaded = new Loaded<>(rows.getOrDefault(key, 0L), versions.getOrDefault(key, 0L));
        then(this, () -> end.accept(loaded));
      });
    }

    private void answered(String key, long must, long got, String how) {
      busy--;
      reads++;
      if (got < must) {
        throw new AssertionError(
            "r%d answered %s as of commit %d, %s, though commit %d was acknowledged before"
                .formatted(number, key, got, how, must));
      }
    }
  }
}
