package dev.gatehouse.edge.upstream;

import java.util.List;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/// Chooses among the replicas of one priority group; made anew when the group changes.
///
/// Called from every event loop at once, for every request: no lock, and nothing is allocated.
interface Balancer {
  /// The replica for this request among those that `ask` takes; null when it takes none.
  @Nullable Replica pick(Ask ask);

  /// Whether a replica that is new may be passed over for a while: not where requests have a place
  /// of their own.
  default boolean warms() {
    return true;
  }

  /// What balancers share, over all their lives.
  ///
  /// @param turn counts on for ever
  /// @param random a number below its argument
  record Chance(java.util.concurrent.atomic.AtomicInteger turn, IntUnaryOperator random) {
    int next(int size) {
      return (turn.getAndIncrement() & Integer.MAX_VALUE) % size;
    }

    int draw(int below) {
      return random.applyAsInt(below);
    }
  }

  static Balancer of(Balance policy, List<Replica> group, Chance chance) {
    var replicas = group.toArray(Replica[]::new);
    return switch (policy) {
      case Balance.RoundRobin() -> new RoundRobin(replicas, chance);
      case Balance.Weighted() -> new Weighted(replicas, chance);
      case Balance.LeastRequests() -> new LeastRequests(replicas, chance);
      case Balance.Fastest() -> new Fastest(replicas, chance);
      case Balance.Hash hash -> new ConsistentHash(replicas);
      case Balance.Sticky sticky -> new Sticky(replicas, new RoundRobin(replicas, chance));
    };
  }

  /// Which of two is to be preferred.
  interface Comparison {
    boolean better(Replica one, Replica other);
  }

  /// Two random choices: nearly as even as knowing the least of all, without everyone running to it
  /// at once (Mitzenmacher, The Power of Two Choices, 2001).
  static @Nullable Replica ofTwo(Replica[] all, Ask ask, Chance chance, Comparison by) {
    int usable = 0;
    for (var replica : all) {
      if (ask.takes(replica)) {
        usable++;
      }
    }
    if (usable == 0) {
      return null;
    }
    int first = chance.draw(usable);
    int second = usable == 1 ? 0 : (first + 1 + chance.draw(usable - 1)) % usable;
    Replica one = null;
    Replica other = null;
    int at = 0;
    for (var replica : all) {
      if (ask.takes(replica)) {
        one = at == first ? replica : one;
        other = at == second ? replica : other;
        at++;
      }
    }
    // Somebody may have gone in between: then whoever is left.
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return by.better(one, other) ? one : other;
  }
}
