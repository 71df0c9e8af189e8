package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// In turn by weight, and evenly mixed: weights 3 and 1 give `a a b a`, not `a a a b`.
///
/// The order is nginx's smooth weighted round robin, written down once for a whole round instead of
/// kept as state under a lock. Where a replica cannot be used, its turn goes to a random place of
/// the round, so that the others get it by their weights.
final class Weighted implements Balancer {
  private final Replica[] round;
  private final Chance chance;

  Weighted(Replica[] replicas, Chance chance) {
    this.round = round(replicas);
    this.chance = chance;
  }

  private static Replica[] round(Replica[] replicas) {
    int divisor = 0;
    int total = 0;
    for (var replica : replicas) {
      divisor = gcd(replica.weight(), divisor);
      total += replica.weight();
    }
    var round = new Replica[divisor == 0 ? 0 : total / divisor];
    var credit = new int[replicas.length];
    for (int turn = 0; turn < round.length; turn++) {
      int best = 0;
      for (int i = 0; i < replicas.length; i++) {
        credit[i] += replicas[i].weight();
        best = credit[i] > credit[best] ? i : best;
      }
      credit[best] -= total;
      round[turn] = replicas[best];
    }
    return round;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    if (round.length == 0) {
      return null;
    }
    var first = round[chance.next(round.length)];
    if (ask.takes(first)) {
      return first;
    }
    int from = chance.draw(round.length);
    for (int i = 0; i < round.length; i++) {
      var replica = round[(from + i) % round.length];
      if (ask.takes(replica)) {
        return replica;
      }
    }
    return null;
  }
}
