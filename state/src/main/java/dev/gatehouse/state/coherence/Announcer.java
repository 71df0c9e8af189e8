package dev.gatehouse.state.coherence;

import dev.gatehouse.http.Problem;
import dev.gatehouse.state.Line;
import dev.gatehouse.state.coherence.Announcements.Announced;
import java.io.IOException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells the other replicas of this process's writes, and lets each write go on when none of them
/// can answer with what was there before.
///
/// Concurrency. What has happened (writes, connections, listings) goes into a queue, and whoever
/// has the turn takes all that is there and does what [Announcements] says. Mostly that is who
/// wrote, since waking a thread for the push is what a write would wait for (bench/storage); who
/// finds the turn taken leaves it to the one who has it. A thread of the operating system waits for
/// acknowledgements and for what is overdue, and it alone asks the database, not having the turn. A
/// replica is told more once it has acknowledged what it was told: writes that come meanwhile share
/// the next push, as commits share a flush. Where no listing is young enough one is asked for after
/// the push, so that both take place at the same time. A push needs no lease to be right: dropping
/// an entry too often is harmless.
final class Announcer implements NearCache.Announcement, Peer.Listener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  /// How often a replica that does not acknowledge is looked up in the leases.
  private static final Duration AGAIN = Duration.ofMillis(50);

  /// For so long after a write the thread looks every [#AGAIN] for what is overdue, so that the
  /// next need not wake it.
  private static final Duration AWAKE = Duration.ofSeconds(1);

  /// A connection on which an acknowledgement takes this long is given up.
  private static final Duration SILENCE = Duration.ofSeconds(1);

  private sealed interface Event {
    record Written(Announced what) implements Event {}

    record Listed(Listing listing) implements Event {}

    record Connected(Peer peer) implements Event {}

    record Lost(Peer peer) implements Event {}

    record Closed() implements Event {}
  }

  /// After a connection broke the next is tried so much later, however many writes come.
  private static final Duration RETRY = Duration.ofMillis(200);

  private enum Stage {
    CONNECTING,
    STANDS,
    LOST
  }

  private static final class Connection {
    private final Peer peer;
    private Stage stage = Stage.CONNECTING;
    private long told;
    private long acknowledged;

    /// Since when it owes an acknowledgement, or was lost.
    private long since;

    private Connection(Peer peer) {
      this.peer = peer;
    }

    private boolean owes() {
      return told != acknowledged;
    }
  }

  private final Announcements announcements;
  private final Line line;
  private final LongSupplier nanos;
  private final Duration patience;
  private final BusSecret secret;
  private final SecureRandom random;
  private final Queue<Event> events = new ConcurrentLinkedQueue<>();
  private final Selector selector;
  private final Map<UUID, Connection> connections = new HashMap<>();
  private final LongAdder announced = new LongAdder();
  private final LongAdder announcedNanos = new LongAdder();
  private final ReentrantLock turn = new ReentrantLock();
  private volatile long waitingSince = -1;
  private volatile boolean closed;

  // --- whoever has the turn ---

  private long lastWrite;
  private List<Row> dead = List.of();
  private boolean asleep;
  private boolean ended;

  // --- the thread ---

  private Duration pause = AGAIN;
  private boolean listingDue;
  private List<Row> graves = List.of();
  private long lastListed;
  private boolean listingFailed;

  Announcer(
      UUID self,
      CoherenceSettings settings,
      Line line,
      LongSupplier nanos,
      BusSecret secret,
      SecureRandom random)
      throws IOException {
    this.selector = Selector.open();
    this.announcements =
        new Announcements(self, settings.lease(), settings.margin(), settings.listingLasts());
    this.line = line;
    this.nanos = nanos;
    this.patience = settings.patience();
    this.secret = secret;
    this.random = random;
  }

  void start() {
    Thread.ofPlatform().daemon().name("announcer").start(this::run);
  }

  // --- from other threads ---

  @Override
  public CompletableFuture<@Nullable Void> announce(
      String space, Collection<String> keys, long version, long transaction) {
    var changes = keys.stream().map(key -> new Change(space, key, version)).toList();
    var confirmed = new CompletableFuture<@Nullable Void>();
    long committedBy = nanos.getAsLong();
    happened(new Event.Written(new Announced(changes, transaction, committedBy, confirmed)));
    return confirmed.handle((told, late) -> {
      if (late != null) {
        throw unconfirmed();
      }
      announced.increment();
      announcedNanos.add(nanos.getAsLong() - committedBy);
      return null;
    });
  }

  /// What another thread read of the leases.
  void listed(Listing listing) {
    happened(new Event.Listed(listing));
  }

  @Override
  public void connected(Peer peer) {
    happened(new Event.Connected(peer));
  }

  @Override
  public void lost(Peer peer, String why) {
    noBus(peer, why);
    happened(new Event.Lost(peer));
  }

  @Override
  public void close() {
    happened(new Event.Closed());
  }

  private void happened(Event event) {
    events.add(event);
    takeWhatIsLeft();
  }

  /// Whoever found the turn taken left what they had added; so one looks again after giving it
  /// back.
  private void takeWhatIsLeft() {
    while (!events.isEmpty() && turn.tryLock()) {
      endTurnAfter(this::takeAll);
    }
  }

  private void endTurnAfter(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException failure) {
      LOG.error("announcing writes failed; those under way may be answered 503", failure);
    } finally {
      turn.unlock();
    }
  }

  // --- the thread ---

  private void run() {
    try (selector) {
      waitAndLook();
    } catch (IOException failure) {
      LOG.error("the bus cannot be waited for; writes are answered 503 from now on", failure);
    } finally {
      line.close();
    }
  }

  private void waitAndLook() throws IOException {
    try {
      while (!closed) {
        selector.select(pause.toMillis());
        inTurn(this::look);
        if (listingDue) {
          list();
        }
        bury();
      }
    } finally {
      inTurn(this::end);
    }
  }

  private void inTurn(Runnable work) {
    turn.lock();
    endTurnAfter(work);
    takeWhatIsLeft();
  }

  private void look() {
    selector.selectedKeys().forEach(this::selected);
    selector.selectedKeys().clear();
    takeAll();
    long now = nanos.getAsLong();
    announcements.giveUp(now - patience.toNanos());
    var oldest = announcements.oldest();
    waitingSince = oldest.orElse(-1L);
    listingDue =
        announcements.needsListing()
            || (oldest.filter(since -> now - since > AGAIN.toNanos()).isPresent()
                && now - lastListed > AGAIN.toNanos());
    graves = dead;
    dead = List.of();
    asleep = oldest.isEmpty() && now - lastWrite > AWAKE.toNanos();
    pause = asleep ? Duration.ofSeconds(10) : AGAIN;
  }

  private void end() {
    ended = true;
    takeAll();
    announcements.giveUp(nanos.getAsLong() + 1);
    connections.values().forEach(connection -> connection.peer.close());
    connections.clear();
  }

  private void list() {
    lastListed = nanos.getAsLong();
    try {
      var listing = line.call(connection -> CoherenceSql.list(connection, nanos));
      inTurn(() -> judge(listing));
      if (listingFailed) {
        listingFailed = false;
        LOG.info("the leases can be read again; writes are answered as before");
      }
    } catch (SQLException failure) {
      if (!listingFailed) {
        listingFailed = true;
        LOG.warn(
            "the leases cannot be read ({}); writes that were stored wait, and after {} s are answered 503",
            failure.getMessage(),
            patience.toSeconds());
      }
    }
  }

  private void bury() {
    for (var row : graves) {
      try {
        line.call(connection -> {
          CoherenceSql.bury(connection, row.replica(), row.counter());
          return true;
        });
        LOG.info("{} has not renewed its lease for a minute; it is forgotten", row.name());
      } catch (SQLException failure) {
        LOG.debug("the lease of {} stays for now: {}", row.name(), failure.getMessage());
      }
    }
  }

  // --- whoever has the turn ---

  private void takeAll() {
    for (var event = events.poll(); event != null; event = events.poll()) {
      if (ended) {
        refuse(event);
      } else {
        take(event);
      }
    }
    connections.values().forEach(this::tell);
    if (announcements.needsListing() || (asleep && !announcements.isEmpty())) {
      wake();
    }
  }

  private void wake() {
    asleep = false;
    selector.wakeup();
  }

  private void take(Event event) {
    switch (event) {
      case Event.Written(var what) -> {
        lastWrite = what.committedBy();
        announcements.add(what);
      }
      case Event.Listed(var listing) -> judge(listing);
      case Event.Connected(var peer) -> adopt(peer);
      case Event.Lost(var peer) -> lose(peer);
      case Event.Closed() -> {
        closed = true;
        wake();
      }
    }
  }

  private static void refuse(Event event) {
    switch (event) {
      case Event.Written(var what) ->
          what.confirmed().completeExceptionally(new ClosedSelectorException());
      case Event.Connected(var peer) -> peer.close();
      case Event.Listed _, Event.Lost _, Event.Closed _ -> {}
    }
  }

  private void selected(SelectionKey key) {
    var peer = (Peer) key.attachment();
    try {
      if (key.isValid() && key.isReadable()) {
        peer.read().ifPresent(through -> acknowledge(peer, through));
      }
      if (key.isValid() && key.isWritable()) {
        peer.write();
      }
    } catch (IOException failure) {
      broke(peer, failure);
    }
  }

  private void broke(Peer peer, IOException failure) {
    peer.close();
    noBus(peer, String.valueOf(failure.getMessage()));
    lose(peer);
  }

  private static void noBus(Peer peer, String why) {
    LOG.debug(
        "no bus to {} at {} ({}); writes wait for what its lease says until there is one",
        peer.name(),
        peer.address(),
        why);
  }

  /// Tells it everything that is open and it has not been told, once it has acknowledged all that
  /// it was told before: what comes meanwhile goes together. A new connection thus begins with all
  /// that is open.
  private void tell(Connection connection) {
    if (connection.stage != Stage.STANDS || connection.owes()) {
      return;
    }
    var untold = announcements.openTo(connection.peer.replica(), connection.told);
    if (untold.isEmpty()) {
      return;
    }
    var changes = untold.stream().flatMap(write -> write.what().changes().stream()).toList();
    connection.told = untold.getLast().sequence();
    connection.since = nanos.getAsLong();
    try {
      connection.peer.tell(Frames.encode(connection.told, changes));
    } catch (IOException failure) {
      broke(connection.peer, failure);
    }
  }

  private void adopt(Peer peer) {
    var now = current(peer);
    if (now.isEmpty()) {
      peer.close();
      return;
    }
    var connection = now.get();
    try {
      peer.adopt(selector);
    } catch (IOException failure) {
      broke(peer, failure);
      return;
    }
    connection.stage = Stage.STANDS;
    // The thread waits on the connections that were there when it began to.
    wake();
  }

  private void acknowledge(Peer peer, long through) {
    current(peer)
        .ifPresent(connection -> {
          connection.acknowledged = through;
          connection.since = nanos.getAsLong();
        });
    announcements.acknowledged(peer.replica(), through, nanos.getAsLong());
  }

  private void lose(Peer peer) {
    current(peer)
        .ifPresent(connection -> {
          connection.stage = Stage.LOST;
          connection.since = nanos.getAsLong();
        });
  }

  /// Its connection, unless another has taken its place.
  private Optional<Connection> current(Peer peer) {
    return Optional.ofNullable(connections.get(peer.replica()))
        .filter(connection -> connection.peer == peer);
  }

  private void judge(Listing listing) {
    var live = announcements.listed(listing);
    for (var row : live) {
      var connection = connections.get(row.replica());
      if (connection != null && isUseless(connection, row)) {
        connection.peer.close();
        connections.remove(row.replica());
        connection = null;
      }
      if (connection == null) {
        call(row);
      }
    }
    connections
        .values()
        .removeIf(connection -> {
          boolean gone =
              listing.rows().stream()
                  .noneMatch(row -> row.replica().equals(connection.peer.replica()));
          if (gone) {
            connection.peer.close();
          }
          return gone;
        });
    dead = announcements.longDead(listing);
  }

  private void call(Row row) {
    try {
      connections.put(row.replica(), new Connection(Peer.call(row, secret, random, this)));
    } catch (IOException failure) {
      LOG.debug("no bus to {} ({}); it is called again", row.name(), failure.getMessage());
    }
  }

  private boolean isUseless(Connection connection, Row row) {
    long since = nanos.getAsLong() - connection.since;
    return !connection.peer.address().equals(row.address())
        || switch (connection.stage) {
          case CONNECTING -> false;
          case STANDS -> connection.owes() && since > SILENCE.toNanos();
          case LOST -> since > RETRY.toNanos();
        };
  }

  private static RuntimeException unconfirmed() {
    return new Problem(
            503,
            "write-unconfirmed",
            "Write not confirmed",
            "This was stored, but not every replica could be heard of in time.")
        .hint("Read it again in a moment: every replica learns of it within seconds.")
        .header("Retry-After", "2")
        .refusal();
  }

  // --- for metrics ---

  long announced() {
    return announced.sum();
  }

  long announcedNanos() {
    return announcedNanos.sum();
  }

  /// How long the oldest write has waited.
  Duration waiting() {
    long since = waitingSince;
    return since == -1 ? Duration.ZERO : Duration.ofNanos(nanos.getAsLong() - since);
  }
}
