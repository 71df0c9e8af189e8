package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// The less busy of two drawn at random, by the requests that each has in flight from this edge.
final class LeastRequests implements Balancer {
  private final Replica[] replicas;
  private final Chance chance;

  LeastRequests(Replica[] replicas, Chance chance) {
    this.replicas = replicas;
    this.chance = chance;
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    return Balancer.ofTwo(replicas, ask, chance, (one, other) -> one.inFlight() < other.inFlight());
  }
}
