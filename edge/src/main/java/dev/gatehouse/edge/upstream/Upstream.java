package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.upstream.UpstreamSettings.Eject;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Origin;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A service seen from the edge: its replicas, who of them gets the next request, and what became
/// of the last ones.
///
/// Concurrency: requests of every event loop read the [Lineup], the breaker and the settings, each
/// one reference that is swapped whole, and count in atomics; they take no lock. What is rare takes
/// this object's: a new list or new settings, and putting a replica out. The room for waiting has a
/// lock of its own, which is always the inner one.
public final class Upstream {
  private static final Logger LOG = LoggerFactory.getLogger(Upstream.class);

  /// How replicas are asked whether they are well.
  ///
  /// @param statuses the answers that are good
  /// @param rise good answers in a row that bring one back
  /// @param fall bad ones in a row that take it out
  public record Check(
      String path, Duration every, Duration timeout, Set<Integer> statuses, int rise, int fall) {
    /// For replicas of our own. One slow answer is no reason to lose a replica: with every core
    /// busy all of them are slow at once, and then nobody would be left.
    public static final Check OWN =
        new Check("/healthz", Duration.ofMillis(500), Duration.ofSeconds(1), Set.of(200), 1, 3);
  }

  /// What an upstream needs of the world.
  ///
  /// @param random a number below its argument
  /// @param secret makes the names in sticky cookies, so that they tell nobody an address
  /// @param left hears of the origins that get no request any more
  public record World(
      InstantSource clock,
      LongSupplier nanos,
      IntUnaryOperator random,
      String secret,
      Consumer<Origin> left) {}

  /// What happened since the start, for metrics.
  ///
  /// @param retries tries that followed a failed one
  /// @param retriesDenied those that the retry budget did not allow
  /// @param overdue tries that took longer than one may, whatever became of them
  /// @param queued requests that had to wait for a place
  /// @param turnedAway requests that found the queue full or waited too long
  /// @param breakerOpened how often the breaker opened
  /// @param brokenOff requests that an open breaker refused
  public record Numbers(
      long retries,
      long retriesDenied,
      long ejections,
      long overdue,
      long queued,
      long turnedAway,
      long breakerOpened,
      long brokenOff) {}

  private final String name;
  private final boolean own;
  private final World world;
  private final Balancer.Chance chance;
  private final RetryBudget budget = new RetryBudget();
  private final WaitingRoom room =
      new WaitingRoom(ask -> place(ask, now()), ask -> hopeless(ask, now()));
  private volatile UpstreamSettings settings;
  private volatile Optional<Tokens> tokens = Optional.empty();
  private volatile Lineup lineup;
  private volatile @Nullable Breaker breaker;

  private final LongAdder retries = new LongAdder();
  private final LongAdder retriesDenied = new LongAdder();
  private final LongAdder ejections = new LongAdder();
  private final LongAdder overdue = new LongAdder();
  private final LongAdder queued = new LongAdder();
  private final LongAdder turnedAway = new LongAdder();
  private final LongAdder breakerOpened = new LongAdder();
  private final LongAdder brokenOff = new LongAdder();

  /// @param own whether these are replicas of ours, which are told who the user is
  public Upstream(
      String name, boolean own, UpstreamSettings settings, List<Replica> replicas, World world) {
    this.name = name;
    this.own = own;
    this.world = world;
    this.settings = settings;
    chance = new Balancer.Chance(new AtomicInteger(), world.random());
    breaker = settings.breaker().map(Breaker::new).orElse(null);
    replicas.forEach(this::introduce);
    lineup = new Lineup(replicas, settings.balance(), chance);
  }

  public String name() {
    return name;
  }

  public boolean own() {
    return own;
  }

  public UpstreamSettings settings() {
    return settings;
  }

  Optional<Check> check() {
    return settings.check();
  }

  public List<Replica> replicas() {
    return lineup.all();
  }

  public Numbers numbers() {
    return new Numbers(
        retries.sum(),
        retriesDenied.sum(),
        ejections.sum(),
        overdue.sum(),
        queued.sum(),
        turnedAway.sum(),
        breakerOpened.sum(),
        brokenOff.sum());
  }

  /// Retries that the budget has room for now.
  public long retriesLeft() {
    return budget.left(settings.retries(), now());
  }

  /// How many requests wait for a place now.
  public int waiting() {
    return room.size();
  }

  /// `off`, `closed` or `open`.
  public String breakerState() {
    var now = breaker;
    return now == null ? "off" : now.open() ? "open" : "closed";
  }

  // --- what it is made of ---

  /// What requests show to it from now on; empty: nothing of ours.
  public void show(Optional<Tokens> next) {
    tokens = next;
  }

  Optional<Tokens> tokens() {
    return tokens;
  }

  /// Takes over new settings; what is known of the replicas stays.
  public synchronized void adopt(UpstreamSettings next) {
    if (next.equals(settings)) {
      return;
    }
    if (!next.breaker().equals(settings.breaker())) {
      breaker = next.breaker().map(Breaker::new).orElse(null);
    }
    settings = next;
    lineup.all().forEach(this::introduce);
    lineup = new Lineup(lineup.all(), next.balance(), chance);
    room.serve();
  }

  /// Takes over a new list. What is known of a replica that stays, by id and address, stays too;
  /// one that is gone gets no new request, finishes those it has, and its idle connections are
  /// closed.
  ///
  /// The supervisor's word that one is down, starting or draining counts at once; that one is up
  /// counts when it was not known before, or came back from any of those.
  public synchronized void replace(List<Replica> next) {
    Map<String, Replica> before = new HashMap<>();
    for (var replica : lineup.all()) {
      before.put(replica.id(), replica);
    }
    boolean first = before.isEmpty();
    var merged = next.stream().map(replica -> merge(before, replica, first)).toList();
    lineup = new Lineup(merged, settings.balance(), chance);
    for (var gone : before.values()) {
      if (!merged.contains(gone)) {
        world.left().accept(gone.origin());
      }
    }
    room.serve();
  }

  private Replica merge(Map<String, Replica> before, Replica replica, boolean first) {
    var known = before.get(replica.id());
    if (known == null
        || !known.origin().equals(replica.origin())
        || known.weight() != replica.weight()
        || known.group() != replica.group()) {
      introduce(replica);
      if (!first) {
        replica.warm(world.nanos().getAsLong());
      }
      return replica;
    }
    known.runs(replica.version());
    var said = replica.checked();
    var last = known.checked();
    boolean sameLife = said.since().equals(known.said().since());
    if (sameLife && said.state() == known.said().state()) {
      return known;
    }
    known.says(said);
    if (!sameLife && said.state() == Replica.State.UP) {
      known.reborn();
    }
    if (said.state() != last.state()) {
      known.become(said.state(), world.clock().instant(), said.reason());
      if (said.state() == Replica.State.UP) {
        known.warm(world.nanos().getAsLong());
      } else if (said.state() == Replica.State.DRAINING) {
        world.left().accept(known.origin());
      }
    }
    return known;
  }

  private void introduce(Replica replica) {
    settings.eject().ifPresent(rules -> replica.judgedOver(rules.window()));
    if (settings.balance() instanceof Balance.Sticky) {
      replica.nickname(nickname(replica));
    }
  }

  /// A keyed hash of the address: nobody learns it from the cookie, or makes a name up.
  private String nickname(Replica replica) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(world.secret().getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      var text = name + "\n" + replica.origin().address();
      var hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 12);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HmacSHA256", e);
    }
  }

  // --- a request on its way ---

  long now() {
    return world.nanos().getAsLong();
  }

  int draw(int below) {
    return chance.draw(below);
  }

  /// Counts a request, and says whether the breaker lets it through.
  boolean admits(long now) {
    budget.request(now);
    var guard = breaker;
    if (guard == null || guard.admits(now)) {
      return true;
    }
    brokenOff.increment();
    return false;
  }

  /// Whole seconds until an open breaker lets somebody through; at least one.
  long retryAfter(long now) {
    var guard = breaker;
    return guard == null ? 1 : Math.max(1, (guard.waitNanos(now) + 999_999_999) / 1_000_000_000);
  }

  /// A replica with a place taken, which [#done] gives back; null when nobody has one.
  @Nullable Replica take(Ask ask, long now) {
    return room.size() > 0 ? null : place(ask, now);
  }

  private @Nullable Replica place(Ask ask, long now) {
    var how = settings;
    return lineup.take(ask, now, how.crowd().perReplica(), how.slowStart().toNanos());
  }

  /// Whether nobody would do for this request, busy or not.
  boolean hopeless(Ask ask, long now) {
    return !lineup.anyFor(ask, now);
  }

  /// Waits for a place; false when too many do.
  boolean queue(Ask ask) {
    if (room.enter(ask, settings.crowd().queue())) {
      queued.increment();
      return true;
    }
    turnedAway.increment();
    return false;
  }

  /// Whether it was still waiting.
  boolean unqueue(Ask ask, boolean tooLong) {
    boolean was = room.leave(ask);
    if (was && tooLong) {
      turnedAway.increment();
    }
    return was;
  }

  /// The request that had a place there is over.
  void done(Replica replica) {
    replica.leave();
    if (room.size() > 0) {
      room.serve();
    }
  }

  /// Takes a retry out of the budget, if there is one.
  boolean affords(boolean answered, long now) {
    boolean enough = budget.spend(settings.retries(), answered, now);
    (enough ? retries : retriesDenied).increment();
    return enough;
  }

  // --- what became of it ---

  /// The head of an answer came.
  ///
  /// @param began when the request was sent
  void answered(Replica replica, int status, long began, long now) {
    var how = settings;
    if (how.balance() instanceof Balance.Fastest) {
      replica.pace().answered(now - began, now);
    }
    if (status >= 400 && how.eject().isPresent() && how.eject().get().statuses().contains(status)) {
      bad(replica, how.eject().get(), "it answered " + status, began, now);
    } else {
      replica.good(now);
      if (replica.ejected() && replica.readmit(began, now)) {
        replica.warm(now);
        LOG.info("{} answers again; it takes its turn", replica.id());
        room.serve();
      }
    }
    var guard = breaker;
    if (guard == null) {
      return;
    }
    if (status >= 400 && guard.settings().statuses().contains(status)) {
      tripped(guard, guard.failed(now), "it answered " + status);
    } else if (guard.succeeded(began, now)) {
      LOG.info("the breaker of {} is closed again: it answers", name);
    }
  }

  /// Whether another replica might give a better answer than this. The first request after an
  /// ejection is not to suffer for its curiosity: to it, all that ejects is bad.
  boolean worthAnother(int status, boolean trial) {
    var how = settings;
    return how.retries().statuses().contains(status)
        || (trial && how.eject().isPresent() && how.eject().get().statuses().contains(status));
  }

  /// A try takes longer than one may.
  void overdue(Replica replica, long began, long now) {
    overdue.increment();
    if (settings.balance() instanceof Balance.Fastest) {
      replica.pace().answered(now - began, now);
    }
    failed(replica, Failure.ORIGIN_SILENT, began, now);
  }

  /// A try failed.
  void failed(Replica replica, Failure failure, long began, long now) {
    if (failure.blame() != Failure.Blame.ORIGIN) {
      return;
    }
    if (lost(failure)) {
      lost(replica, failure.sentence(), began, now);
    } else {
      settings.eject().ifPresent(rules -> bad(replica, rules, failure.sentence(), began, now));
    }
    var guard = breaker;
    if (guard != null) {
      tripped(guard, guard.failed(now), failure.sentence());
    }
  }

  private void tripped(Breaker guard, boolean opened, String why) {
    if (opened) {
      breakerOpened.increment();
      LOG.warn(
          "the breaker of {} opens: too many of its requests fail, the last because {}; requests"
              + " get 503, and one tries again in {} ms",
          name,
          why,
          guard.settings().open().toMillis());
    }
  }

  /// Whether this says that nobody is there any more.
  static boolean lost(Failure failure) {
    return switch (failure) {
      case ORIGIN_REFUSED, ORIGIN_RESET, ORIGIN_UNREACHABLE, ORIGIN_CONNECT_TIMEOUT -> true;
      default -> false;
    };
  }

  private synchronized void bad(Replica replica, Eject rules, String why, long began, long now) {
    replica.bad(now);
    var out = replica.ejection();
    if (out != null) {
      // What began before it was put out is no news; a try that fails is.
      if (began - out.since() >= 0) {
        replica.eject(rules, why, world.clock().instant(), now);
      }
    } else if (Ejections.due(rules, replica, lineup.all(), now)) {
      eject(replica, rules, why, now);
    }
  }

  private void eject(Replica replica, Eject rules, String why, long now) {
    long length = replica.eject(rules, why, world.clock().instant(), now);
    ejections.increment();
    LOG.warn(
        "{} is put out for {} ms: {}; then one request tries it",
        replica.id(),
        length / 1_000_000,
        why);
  }

  /// A health check could not connect. Nobody is put out for it: what brings a replica back that is
  /// down is its check alone.
  void lost(Replica replica, String why) {
    down(replica, why);
  }

  /// A connection was refused or reset: out at once, whatever the share.
  private synchronized void lost(Replica replica, String why, long began, long now) {
    replica.bad(now);
    var out = replica.ejection();
    var rules = settings.eject().orElse(Eject.DEFAULT);
    if (out == null) {
      eject(replica, rules, why, now);
    } else if (began - out.since() >= 0) {
      replica.eject(rules, why, world.clock().instant(), now);
    }
    down(replica, why);
  }

  private void down(Replica replica, String why) {
    if (check().isPresent()
        && replica.checked().state() == Replica.State.UP
        && replica.become(Replica.State.DOWN, world.clock().instant(), Optional.of(why))) {
      LOG.warn(
          "{} is down: {}; no request is sent there until its health check answers",
          replica.id(),
          why);
      room.serve();
    }
  }

  void checked(Replica replica, Optional<String> failure) {
    var state = replica.checked().state();
    if (state == Replica.State.DRAINING) {
      return;
    }
    var now = failure.isEmpty() ? Replica.State.UP : Replica.State.DOWN;
    if (replica.become(now, world.clock().instant(), failure)) {
      if (failure.isEmpty()) {
        replica.warm(now());
        LOG.info("{} is up; it takes its turn again", replica.id());
      } else {
        LOG.warn("{} is down: {}; it is checked again soon", replica.id(), failure.get());
      }
      room.serve();
    }
  }
}
