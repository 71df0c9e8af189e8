package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// The one of two drawn at random that would answer sooner: its [Pace] times the requests it has in
/// flight.
final class Fastest implements Balancer {
  private final Replica[] replicas;
  private final Chance chance;

  Fastest(Replica[] replicas, Chance chance) {
    this.replicas = replicas;
    this.chance = chance;
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    return Balancer.ofTwo(replicas, ask, chance, (one, other) -> load(one) < load(other));
  }

  private static double load(Replica replica) {
    return replica.pace().load(replica.inFlight());
  }
}
