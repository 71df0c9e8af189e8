package dev.gatehouse.edge.upstream;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The replicas of an upstream at one moment, by priority group, and the choice among them. Never
/// changed: another list is another lineup.
final class Lineup {
  private record Group(Replica[] replicas, Balancer balancer) {
    boolean anyFor(Ask ask) {
      for (var replica : replicas) {
        if (ask.takes(replica)) {
          return true;
        }
      }
      return false;
    }
  }

  private static final Ask.Need[] NEEDS = Ask.Need.values();

  private final List<Replica> all;
  private final Group[] groups;
  private final Balancer.Chance chance;

  Lineup(Collection<Replica> replicas, Balance policy, Balancer.Chance chance) {
    this.all = List.copyOf(replicas);
    this.chance = chance;
    var byGroup = new TreeMap<Integer, List<Replica>>();
    for (var replica : all) {
      byGroup.computeIfAbsent(replica.group(), group -> new ArrayList<>()).add(replica);
    }
    groups =
        byGroup.values().stream()
            .map(group ->
                new Group(group.toArray(Replica[]::new), Balancer.of(policy, group, chance)))
            .toArray(Group[]::new);
  }

  List<Replica> all() {
    return all;
  }

  /// Whether anybody would do for this request, busy or not.
  boolean anyFor(Ask ask, long now) {
    return groupFor(ask, now) != null;
  }

  /// A replica with a place taken for this request; null when there is none, or none with a place.
  ///
  /// @param most requests that a replica may have; 0 for any number
  /// @param slowStart in nanoseconds
  @Nullable Replica take(Ask ask, long now, int most, long slowStart) {
    // Again and again: others choose at the same time, and a place may be gone.
    for (int i = 0; i <= all.size(); i++) {
      var group = groupFor(ask, now);
      if (group == null) {
        return null;
      }
      ask.looksFor(ask.found(), now, most);
      var replica = pick(group, ask, now, slowStart);
      if (replica == null || (replica.claim(now) && replica.enter(most))) {
        return replica;
      }
    }
    return null;
  }

  /// The first group, by need and then by number, in which somebody would do.
  private @Nullable Group groupFor(Ask ask, long now) {
    for (var need : NEEDS) {
      ask.looksFor(need, now, 0);
      for (var group : groups) {
        if (group.anyFor(ask)) {
          return group;
        }
      }
      if (need == ask.least()) {
        break;
      }
    }
    return null;
  }

  /// A replica that is new or back is passed over at first, less and less often.
  private @Nullable Replica pick(Group group, Ask ask, long now, long slowStart) {
    var first = group.balancer.pick(ask);
    if (first == null
        || slowStart == 0
        || !group.balancer.warms()
        || chance.draw(100) < first.warmth(now, slowStart)) {
      return first;
    }
    ask.passOver(first);
    var second = group.balancer.pick(ask);
    ask.passOver(null);
    return second == null ? first : second;
  }
}
