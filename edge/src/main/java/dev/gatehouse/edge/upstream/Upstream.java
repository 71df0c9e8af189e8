package dev.gatehouse.edge.upstream;

import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A service seen from the edge: its replicas, whose turn it is, and which of them are up.
///
/// The list is swapped whole and read without a lock. Replicas that are up take turns; a failed
/// connection takes one out at once and its health check brings it back.
public final class Upstream {
  private static final Logger LOG = LoggerFactory.getLogger(Upstream.class);

  private final String name;
  private final boolean own;
  private final InstantSource clock;
  private final AtomicInteger turn = new AtomicInteger();
  private volatile List<Replica> replicas;
  private volatile UpstreamSettings settings;

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

  /// @param own whether these are replicas of ours, which are told who the user is
  public Upstream(
      String name,
      boolean own,
      UpstreamSettings settings,
      List<Replica> replicas,
      InstantSource clock) {
    this.name = name;
    this.own = own;
    this.settings = settings;
    this.replicas = List.copyOf(replicas);
    this.clock = clock;
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

  /// Takes over new settings; what is known of the replicas stays.
  public void adopt(UpstreamSettings next) {
    settings = next;
  }

  Optional<Check> check() {
    return settings.check();
  }

  public List<Replica> replicas() {
    return replicas;
  }

  /// Takes over a new list. What is known of a replica that stays, by id and address, stays too.
  ///
  /// The supervisor's word that one is down, starting or draining counts at once; that one is up
  /// counts when it was not known before, or came back from any of those.
  public synchronized void replace(List<Replica> next) {
    Map<String, Replica> before = new HashMap<>();
    for (var replica : replicas) {
      before.put(replica.id(), replica);
    }
    var merged =
        next.stream()
            .map(replica -> {
              var known = before.get(replica.id());
              if (known == null || !known.origin().equals(replica.origin())) {
                return replica;
              }
              known.runs(replica.version());
              var said = replica.snapshot();
              var last = known.snapshot();
              boolean sameLife = said.since().equals(known.said().since());
              if (sameLife && said.state() == known.said().state()) {
                return known;
              }
              known.says(said);
              if (said.state() != last.state()) {
                known.become(said.state(), clock.instant(), said.reason());
              }
              return known;
            })
            .toList();
    replicas = merged;
  }

  /// The next replica that is up and not in `tried`; empty when there is none.
  Optional<Replica> next(Set<String> tried) {
    var all = replicas;
    int size = all.size();
    if (size == 0) {
      return Optional.empty();
    }
    int from = turn.getAndIncrement() & Integer.MAX_VALUE;
    for (int i = 0; i < size; i++) {
      var replica = all.get((from + i) % size);
      if ((replica.up() || check().isEmpty()) && !tried.contains(replica.id())) {
        return Optional.of(replica);
      }
    }
    return Optional.empty();
  }

  /// A connection to this replica was refused or reset.
  void lost(Replica replica, String why) {
    if (check().isPresent()
        && replica.up()
        && replica.become(Replica.State.DOWN, clock.instant(), Optional.of(why))) {
      LOG.warn(
          "{} is down: {}; no request is sent there until its health check answers",
          replica.id(),
          why);
    }
  }

  void checked(Replica replica, Optional<String> failure) {
    var state = replica.snapshot().state();
    if (state == Replica.State.DRAINING) {
      return;
    }
    var now = failure.isEmpty() ? Replica.State.UP : Replica.State.DOWN;
    if (replica.become(now, clock.instant(), failure)) {
      if (failure.isEmpty()) {
        LOG.info("{} is up; it takes its turn again", replica.id());
      } else {
        LOG.warn("{} is down: {}; it is checked again soon", replica.id(), failure.get());
      }
    }
  }
}
