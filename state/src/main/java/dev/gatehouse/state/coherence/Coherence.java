package dev.gatehouse.state.coherence;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.Line;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// This process's membership among those that cache rows of one database.
///
/// **The promise.** A read that starts after a write was acknowledged never sees the row as it was
/// before, in whichever processes they take place. (It says nothing of writes that were not
/// acknowledged, and nothing of a virtual machine that is frozen whole, clocks included.)
///
/// **The parts.** A replica *R* answers from memory only while it holds a [Lease], in its own view:
/// the lease ends a fixed time *d* after the monotonic instant at which R sent its last successful
/// renewal. A renewal is one statement: it raises the counter in R's row, publishes there the
/// snapshot of the renewal before, whose changes R has applied, and reads from the change log what
/// its own snapshot sees and that one did not; R applies it, and only then prolongs the lease, if
/// the lease *has not ended meanwhile*. If it has, R begins a new epoch and forgets everything.
/// Each epoch begins with a pause of *v* and a margin, in which R neither answers from memory nor
/// remembers what it loads. A writer *W* commits row and change in one transaction *x* (at *C*),
/// goes by a listing of all leases that it asked for (at *L*) after C, or up to *v* before C on its
/// own monotonic clock, and acknowledges when each R that is listed
///
/// 1. has acknowledged x on the bus, having dropped the entry and every load under way; or has
///    acknowledged so that x *is coming*, and C was known on W's monotonic clock within a time *t*
///    of sending that; or
/// 2. shows in its row, in this listing or a later one, a snapshot that sees x; or
/// 3. is listed, in this or a later one, with a counter that W, on its own monotonic clock, has
///    known for *d* and a margin.
///
/// **Why that is enough.** Take a read at R that starts after W acknowledged, and is answered from
/// an entry. The entry's epoch is the read's, and R's lease holds.
///
/// - *R was listed and acknowledged, or published such a snapshot.* It dropped what it had of the
///   row before that. The entry was put by a load that began later than the drop, or else its
///   flight would have been taken off ([NearCache]); so later than C: it saw x.
/// - *R acknowledged that x is coming.* From when it heard that, and so from later than W's sending
///   it, R remembered nothing of the row for longer than t, and let nobody join a load that had
///   begun. So the entry's load began later than t after the sending, and so after C: it saw x.
///   When the acknowledgement came, and when W answered, does not matter.
/// - *R was given up (3)* by a listing asked for at L'. Its renewal to that counter was sent at
///   most when W first heard of it, so the lease by that renewal was over at L'. A next renewal may
///   have been under way then, not yet committed. But its answer came to R after L', when R's lease
///   had ended, and so it began a new epoch, whose pause ended later than v after L', and so after
///   C. The entry's load began after that: it saw x.
/// - *R was not listed.* It joined, or joins, by a transaction that committed after L, and paused
///   from when it heard of that until later than v after L, and so until after C. The entry's load
///   began after that. Or its row was deleted: by R itself, after ending its lease, or by someone
///   who had known its counter for a minute; and it joins anew before it remembers anything.
///
/// The order of the renewal and W's listing does not matter in any of these, so neither locks a row
/// against the other, and a replica that is stopped in the middle of anything holds up no writer
/// for longer than d and the margin. No two clocks are compared. Clocks must only run at about the
/// same rate.
///
/// **What the pause buys.** Everybody lists the leases with each renewal, well within v; so a write
/// finds a listing that is young enough and asks for none, and costs only its own statement and one
/// round on the bus, at the same time. The price is a second of reading through after each start.
///
/// **What foretelling buys.** The round on the bus takes place while the statement is executed. A
/// commit that comes later than t (the row was locked, the disk is slow) is told anew, and then the
/// bus adds little to what it waited for anyway. The price is that for a moment after each write
/// the others ask the database for that row. A writer that dies in between has acknowledged
/// nothing, and the change log tells of its commit.
///
/// **When the server is another.** Renewals are committed without waiting for the disk, the change
/// log does not outlive a crash, and a standby may be promoted that lacks the last rows. So every
/// answer names the run of the server, a row that a crash deletes: a replica that hears of another
/// run joins anew, and a writer that does acknowledges nothing until all leases of the time before
/// are over. A listing of the run before is good until its time is over all the same: whom it shows
/// must answer on the bus, and whom it does not show is in its pause.
///
/// **Refused**: a `NOTIFY` in the writer's transaction (it takes a lock on the cluster until the
/// commit is flushed, and so ends group commit); a lease by the database's clock (a step of that
/// clock would end leases early or never); reading the leases `FOR SHARE` (a renewal whose client
/// is stopped would hold up every writer); versions to decide what is newer (see [NearCache#drop]).
///
/// Concurrency: a platform thread renews, since it must come in time however many virtual threads
/// are busy; [Announcer], [Lister], [Bus] and [Peer] have their own. Caches are added at any time.
public final class Coherence implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Coherence.class);
  private static final int PRUNE_EVERY = 5;
  private static final int PRUNE_MOST = 20_000;

  /// Database connections that it opens besides the pool's: one to renew, one to announce.
  public static final int CONNECTIONS = 2;

  private final CoherenceSettings settings;
  private final Lease lease;
  private final LeaseKeeper keeper;
  private final Announcer announcer;
  private final Optional<Bus> bus;
  private final Line line;
  private final LongSupplier nanos;
  private final CoherenceSql.Identity identity;
  private final Map<String, NearCache<?>> caches = new ConcurrentHashMap<>();
  private final Runnable beforeAnswer;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private boolean away;

  /// Who takes part, and by what it is known.
  ///
  /// @param name of this process, for people
  /// @param secret of the assembly: who knows it may call the bus
  public record Member(String name, String secret) {
    @Override
    public String toString() {
      return "Member[" + name + "]";
    }
  }

  private Coherence(
      CoherenceSettings settings,
      Database database,
      Member member,
      LongSupplier nanos,
      SecureRandom random,
      Runnable beforeAnswer)
      throws IOException {
    this.settings = settings;
    this.nanos = nanos;
    this.beforeAnswer = beforeAnswer;
    this.lease = new Lease(nanos, settings.lease(), settings.pause());
    this.keeper = new LeaseKeeper(lease, this::apply, this::forget);
    var replica = new UUID(random.nextLong(), random.nextLong());
    var secret = new BusSecret(member.secret());
    this.bus =
        settings.caches()
            ? Optional.of(
                Bus.listen(
                    settings
                        .bus()
                        .orElseGet(() -> new InetSocketAddress(database.localAddress(), 0)),
                    replica,
                    secret,
                    random,
                    this::apply))
            : Optional.empty();
    this.identity =
        new CoherenceSql.Identity(
            replica,
            member.name(),
            bus.map(own -> own.address(database::localAddress)).orElse(""),
            settings.lease());
    this.line = new Line(database, settings.lease(), CoherenceSql.PREPARE);
    this.announcer =
        new Announcer(
            replica,
            settings,
            new Line(database, settings.lease(), CoherenceSql.PREPARE),
            nanos,
            secret,
            random);
  }

  /// Takes part from now on; returns at once, and until the database has answered, everything is
  /// read through. The database stays the caller's to close, after this.
  ///
  /// @throws IOException when the bus cannot listen
  public static Coherence start(
      CoherenceSettings settings,
      Database database,
      Member member,
      LongSupplier nanos,
      SecureRandom random)
      throws IOException {
    return start(settings, database, member, nanos, random, () -> {});
  }

  /// As [#start], and where the bus cannot listen, as one that remembers nothing: it reads through,
  /// and the others still hear of its writes. Remembering under the lease alone was refused: each
  /// write elsewhere would wait until this one has read the log.
  public static Coherence startAnyway(
      CoherenceSettings settings,
      Database database,
      Member member,
      LongSupplier nanos,
      SecureRandom random) {
    try {
      return start(settings, database, member, nanos, random);
    } catch (IOException | UncheckedIOException failure) {
      LOG.warn(
          "the bus of {} cannot listen ({}); it remembers nothing and asks the database for every"
              + " read until it is started again",
          member.name(),
          failure.getMessage());
    }
    try {
      return start(settings.withoutCaches(), database, member, nanos, random);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /// @param beforeAnswer see [NearCache]
  static Coherence start(
      CoherenceSettings settings,
      Database database,
      Member member,
      LongSupplier nanos,
      SecureRandom random,
      Runnable beforeAnswer)
      throws IOException {
    var coherence = new Coherence(settings, database, member, nanos, random, beforeAnswer);
    coherence.announcer.start();
    if (settings.caches()) {
      Thread.ofPlatform().name("lease").daemon().start(coherence::keep);
    } else {
      coherence.left.countDown();
    }
    return coherence;
  }

  /// The cache of one kind of row; each `space` once.
  ///
  /// @param space what `state_note` is given
  /// @param bytes how much it may hold, about
  /// @param weight of a value in bytes
  public <V> NearCache<V> cache(String space, long bytes, ToIntFunction<V> weight) {
    var cache = new NearCache<V>(space, bytes, weight, lease, announcer, nanos, beforeAnswer);
    if (caches.putIfAbsent(space, cache) != null) {
      throw new IllegalArgumentException("there is a cache of " + space + " already");
    }
    return cache;
  }

  private void apply(List<Change> changes) {
    for (var change : changes) {
      var cache = caches.get(change.space());
      if (cache == null) {
        continue;
      }
      if (change.isComing()) {
        cache.close(change.key(), nanos.getAsLong() + CoherenceSettings.CLOSED.toNanos());
      } else {
        cache.drop(change.key(), change.version());
      }
    }
  }

  private void forget() {
    caches.values().forEach(NearCache::clear);
  }

  // --- the thread that renews ---

  private void keep() {
    try {
      for (long turn = 0; !closing.await(pause().toNanos(), TimeUnit.NANOSECONDS); turn++) {
        try {
          turn(turn);
        } catch (RuntimeException failure) {
          LOG.error("renewing the lease failed; it is tried again", failure);
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      leave();
      left.countDown();
    }
  }

  private Duration pause() {
    return keeper.known().isEmpty() ? settings.renewEvery().dividedBy(8) : settings.renewEvery();
  }

  private void turn(long number) {
    try {
      long sentAt = nanos.getAsLong();
      var known = keeper.known();
      if (known.isPresent()) {
        var from = known.get();
        var answer =
            line.call(connection ->
                CoherenceSql.renew(connection, identity.replica(), from.counter(), from.applied()));
        if (!keeper.renewed(sentAt, answer)) {
          LOG.info("the lease of {} had a gap; what was cached is forgotten", identity.name());
        }
      } else {
        keeper.joined(sentAt, line.call(connection -> CoherenceSql.join(connection, identity)));
      }
      announcer.listed(line.call(connection -> CoherenceSql.list(connection, nanos)));
      if (number % PRUNE_EVERY == 0) {
        line.call(connection -> CoherenceSql.prune(connection, PRUNE_MOST));
      }
      if (away) {
        away = false;
        LOG.info("{} has a lease again", identity.name());
      }
    } catch (SQLException failure) {
      if (!away) {
        away = true;
        LOG.warn(
            "the lease of {} cannot be renewed ({}); once it is over everything is read through",
            identity.name(),
            failure.getMessage());
      }
    }
  }

  /// Writers need not wait for us any more.
  private void leave() {
    lease.end();
    if (keeper.known().isPresent()) {
      try {
        line.call(connection -> {
          CoherenceSql.leave(connection, identity.replica());
          return true;
        });
      } catch (SQLException failure) {
        LOG.debug("the lease of {} ends by itself: {}", identity.name(), failure.getMessage());
      }
    }
    line.close();
  }

  /// Gives the lease back; what is cached is not answered any more. Harmless twice.
  @Override
  public void close() {
    closing.countDown();
    try {
      if (!left.await(settings.lease().toNanos(), TimeUnit.NANOSECONDS)) {
        LOG.debug("the lease of {} ends by itself", identity.name());
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    lease.end();
    bus.ifPresent(Bus::close);
    announcer.close();
  }

  // --- for health and metrics ---

  /// Whether what is cached may be answered now.
  public boolean hasLease() {
    return lease.epoch() != Lease.NONE;
  }

  /// How long it may be answered, should nothing more be heard of the database.
  public Duration leaseLeft() {
    return lease.left();
  }

  /// How often the lease began anew.
  public long epochs() {
    return lease.lastEpoch();
  }

  /// Changes read from the log, most of them known from the bus before.
  public long learned() {
    return keeper.learned();
  }

  /// Writes that all other processes have heard of.
  public long announced() {
    return announcer.announced();
  }

  /// How long these took together, from commit to the last acknowledgement.
  public Duration announcing() {
    return Duration.ofNanos(announcer.announcedNanos());
  }

  /// How long the oldest write has waited that some process has not heard of.
  public Duration waiting() {
    return announcer.waiting();
  }

  /// Where the bus listens.
  Optional<Bus> bus() {
    return bus;
  }
}
