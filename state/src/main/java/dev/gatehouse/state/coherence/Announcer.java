package dev.gatehouse.state.coherence;

import dev.gatehouse.http.Problem;
import dev.gatehouse.state.Line;
import dev.gatehouse.state.coherence.Announcements.Announced;
import dev.gatehouse.state.coherence.Announcements.Open;
import java.io.IOException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.Selector;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
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

/// Tells the other replicas of this process's writes, before and if need be after their commit, and
/// lets each write go on when none of them can answer with what was there before.
///
/// Concurrency. What has happened (writes, connections, listings) goes into a queue, and whoever
/// has the turn takes all that is there and does what [Announcements] says. Mostly that is who
/// wrote, since waking a thread for the push is what a write would wait for (bench/storage); who
/// finds the turn taken leaves it to the one who has it. A thread of the operating system waits for
/// acknowledgements and for what is overdue, and [Lister] reads the leases, so nothing that is done
/// having the turn waits. A replica is told more once it has acknowledged what it was told: writes
/// that come meanwhile share the next push, as commits share a flush. Where no listing is young
/// enough one is asked for after the push, so that both take place at the same time. A push needs
/// no lease to be right: dropping an entry too often is harmless.
final class Announcer implements NearCache.Announcement, Peer.Listener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  /// How often a replica that does not acknowledge is looked up in the leases.
  private static final Duration AGAIN = Duration.ofMillis(50);

  /// For so long after a write the thread looks every [#AGAIN] for what is overdue, so that the
  /// next need not wake it.
  private static final Duration AWAKE = Duration.ofSeconds(1);

  private sealed interface Event {
    record Foretold(Open write) implements Event {}

    record Written(Open write, Announced what) implements Event {}

    record Abandoned(Open write) implements Event {}

    record Listed(Listing listing) implements Event {}

    record Connected(Peer peer) implements Event {}

    record Lost(Peer peer, String why) implements Event {}

    record Closed() implements Event {}
  }

  private final Announcements announcements;
  private final Lister lister;
  private final LongSupplier nanos;
  private final Duration patience;
  private final Queue<Event> events = new ConcurrentLinkedQueue<>();
  private final Selector selector;
  private final Peers peers;
  private final LongAdder announced = new LongAdder();
  private final LongAdder announcedNanos = new LongAdder();
  private final ReentrantLock turn = new ReentrantLock();
  private volatile long waitingSince = -1;
  private volatile boolean closed;

  // --- whoever has the turn ---

  private long lastWrite;
  private long lastAsked;
  private List<Row> dead = List.of();
  private boolean asleep;
  private boolean ended;

  // --- the thread ---

  private Duration pause = AGAIN;

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
        new Announcements(
            self,
            settings.lease(),
            settings.margin(),
            settings.listingLasts(),
            CoherenceSettings.FORETOLD);
    this.lister = new Lister(line, nanos, settings.patience(), this::listed);
    this.nanos = nanos;
    this.patience = settings.patience();
    this.peers = new Peers(announcements, selector, nanos, secret, random, this);
  }

  void start() {
    Thread.ofPlatform().daemon().name("announcer").start(this::run);
  }

  // --- from other threads ---

  @Override
  public NearCache.Coming foretell(String space, String key) {
    var write = new Open(List.of(Change.coming(space, key)));
    happened(new Event.Foretold(write));
    return new NearCache.Coming() {
      @Override
      public CompletableFuture<@Nullable Void> committed(long version, long transaction) {
        return announce(write, List.of(new Change(space, key, version)), transaction);
      }

      @Override
      public void abandoned() {
        happened(new Event.Abandoned(write));
      }
    };
  }

  @Override
  public CompletableFuture<@Nullable Void> announce(
      String space, Collection<String> keys, long transaction) {
    var changes = keys.stream().map(key -> new Change(space, key, 0)).toList();
    return announce(new Open(List.of()), changes, transaction);
  }

  private CompletableFuture<@Nullable Void> announce(
      Open write, List<Change> changes, long transaction) {
    var confirmed = new CompletableFuture<@Nullable Void>();
    long committedBy = nanos.getAsLong();
    happened(new Event.Written(write, new Announced(changes, transaction, committedBy, confirmed)));
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
    happened(new Event.Lost(peer, why));
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
    while (!events.isEmpty() && !turn.isHeldByCurrentThread() && turn.tryLock()) {
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
      lister.close();
    }
  }

  private void waitAndLook() throws IOException {
    try {
      while (!closed) {
        selector.select(pause.toMillis());
        inTurn(this::look);
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
    selector.selectedKeys().forEach(peers::selected);
    selector.selectedKeys().clear();
    takeAll();
    long now = nanos.getAsLong();
    announcements.giveUp(now - patience.toNanos());
    var oldest = announcements.oldest();
    waitingSince = oldest.orElse(-1L);
    if (now - lastAsked > AGAIN.toNanos()
        && oldest.filter(since -> now - since > AGAIN.toNanos()).isPresent()) {
      lastAsked = now;
      lister.ask();
    }
    lister.bury(dead);
    dead = List.of();
    asleep = oldest.isEmpty() && now - lastWrite > AWAKE.toNanos();
    pause = asleep ? Duration.ofSeconds(10) : AGAIN;
  }

  private void end() {
    ended = true;
    takeAll();
    announcements.giveUp(nanos.getAsLong() + 1);
    peers.close();
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
    peers.tell();
    if (announcements.needsListing()) {
      lister.ask();
    }
    if (asleep && !announcements.isEmpty()) {
      wake();
    }
  }

  private void wake() {
    asleep = false;
    selector.wakeup();
  }

  private void take(Event event) {
    switch (event) {
      case Event.Foretold(var write) -> announcements.foretell(write);
      case Event.Written(var write, var what) -> {
        lastWrite = what.committedBy();
        announcements.commit(write, what);
      }
      case Event.Abandoned(var write) -> announcements.abandon(write);
      case Event.Listed(var listing) -> judge(listing);
      case Event.Connected(var peer) -> {
        if (peers.adopt(peer)) {
          // The thread waits on the connections that were there when it began to.
          wake();
        }
      }
      case Event.Lost(var peer, var why) -> peers.lose(peer, why);
      case Event.Closed() -> {
        closed = true;
        wake();
      }
    }
  }

  private static void refuse(Event event) {
    switch (event) {
      case Event.Written(_, var what) ->
          what.confirmed().completeExceptionally(new ClosedSelectorException());
      case Event.Connected(var peer) -> peer.close();
      case Event.Foretold _, Event.Abandoned _, Event.Listed _, Event.Lost _, Event.Closed _ -> {}
    }
  }

  private void judge(Listing listing) {
    if (announcements.isOvertaken(listing)) {
      return;
    }
    peers.listed(listing, announcements.listed(listing));
    dead = announcements.longDead(listing);
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
