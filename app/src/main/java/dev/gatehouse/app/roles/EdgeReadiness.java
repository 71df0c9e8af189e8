package dev.gatehouse.app.roles;

import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.observe.AdminRoutes.Readiness;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Whether the edge should get requests: once every service of the assembly has answered, until it
/// drains.
///
/// A service that fails later does not take readiness away: the edge still answers for all others,
/// and a load balancer that took every edge out because one service is down would make it worse.
/// The details say what is down.
final class EdgeReadiness {
  private final Gateway gateway;
  private final Supplier<Optional<String>> refusal;
  private final boolean supervised;

  /// Replicas that the supervisor keeps stopped; nobody waits for those.
  private Set<String> unwanted = Set.of();

  private boolean listed;
  private boolean reached;
  private boolean draining;

  /// @param supervised whether a list of replicas is to be waited for
  /// @param refusal why the last configuration was refused; the one in force still serves
  EdgeReadiness(Gateway gateway, boolean supervised, Supplier<Optional<String>> refusal) {
    this.gateway = gateway;
    this.refusal = refusal;
    this.supervised = supervised;
    this.listed = !supervised;
  }

  /// A list of replicas has come from the supervisor.
  synchronized void listed(JsonNode list) {
    listed = true;
    unwanted =
        list.valueStream()
            .filter(replica -> !replica.path("wanted").asBoolean(true))
            .map(replica -> replica.path("id").asString())
            .collect(Collectors.toSet());
  }

  synchronized void draining() {
    draining = true;
  }

  synchronized Readiness now() {
    var details = new LinkedHashMap<String, String>();
    boolean all = listed;
    for (var upstream : gateway.upstreams()) {
      if (upstream.own()) {
        long up = up(upstream);
        int known = upstream.replicas().size();
        details.put(upstream.name(), up + " of " + known + " up");
        // No request of anybody goes to a worker.
        all &=
            upstream.name().equals(EdgePlan.WORKER)
                || (supervised ? wantedAreUp(upstream) : up == known && known > 0);
      }
    }
    reached |= all;
    refusal.get().ifPresent(reason -> details.put("configuration", "refused: " + reason));
    if (draining) {
      details.put("edge", "draining");
    }
    return new Readiness(reached && !draining, details);
  }

  private boolean wantedAreUp(Upstream upstream) {
    return upstream.replicas().stream()
        .filter(replica -> !unwanted.contains(replica.id()))
        .allMatch(replica -> replica.snapshot().state() == Replica.State.UP);
  }

  private static long up(Upstream upstream) {
    return upstream.replicas().stream()
        .filter(replica -> replica.snapshot().state() == Replica.State.UP)
        .count();
  }
}
