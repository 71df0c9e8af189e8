package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// Everyone in turn. Turns are counted over those that can be used, so that the neighbour of one
/// that is down does not get its share on top.
final class RoundRobin implements Balancer {
  private final Replica[] replicas;
  private final Chance chance;

  RoundRobin(Replica[] replicas, Chance chance) {
    this.replicas = replicas;
    this.chance = chance;
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    int usable = 0;
    for (var replica : replicas) {
      if (ask.takes(replica)) {
        usable++;
      }
    }
    if (usable == 0) {
      return null;
    }
    int left = chance.next(usable);
    Replica last = null;
    for (var replica : replicas) {
      if (ask.takes(replica)) {
        last = replica;
        if (left-- == 0) {
          return replica;
        }
      }
    }
    return last;
  }
}
