package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// A client stays with its replica, which its cookie names; one without a cookie, or whose replica
/// cannot be used, gets one in turn and a new cookie.
final class Sticky implements Balancer {
  private final Replica[] replicas;
  private final Balancer others;

  Sticky(Replica[] replicas, Balancer others) {
    this.replicas = replicas;
    this.others = others;
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    var name = ask.stuckTo();
    if (!name.isEmpty()) {
      for (var replica : replicas) {
        if (replica.nickname().equals(name) && ask.takes(replica)) {
          return replica;
        }
      }
    }
    return others.pick(ask);
  }
}
