package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Setting;
import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.HeaderEdits;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Upstream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// What the admin API shows of the edge: the routes in the order they are tried, the upstreams,
/// every setting.
record EdgeViews(Gateway gateway, Supplier<List<Setting>> settings) {
  Object routes() {
    return gateway.routes().stream().map(EdgeViews::route).toList();
  }

  Object upstreams() {
    return gateway.upstreams().stream().map(EdgeViews::upstream).toList();
  }

  private static Map<String, Object> upstream(Upstream upstream) {
    var numbers = upstream.numbers();
    var row = new LinkedHashMap<String, Object>();
    row.put("name", upstream.name());
    row.put("own", upstream.own());
    row.put("balance", upstream.settings().balance().text());
    row.put("breaker", upstream.breakerState());
    row.put("breakerOpened", numbers.breakerOpened());
    row.put("refusedByBreaker", numbers.brokenOff());
    row.put("retries", numbers.retries());
    row.put("retriesDenied", numbers.retriesDenied());
    row.put("ejections", numbers.ejections());
    row.put("overdue", numbers.overdue());
    row.put("waiting", upstream.waiting());
    row.put("queued", numbers.queued());
    row.put("turnedAway", numbers.turnedAway());
    row.put("replicas", upstream.replicas().stream().map(EdgeViews::replica).toList());
    return row;
  }

  Object config() {
    return settings.get().stream()
        .map(setting ->
            Map.of(
                "path",
                setting.path(),
                "value",
                setting.value(),
                "origin",
                setting.origin().toString()))
        .toList();
  }

  private static Map<String, Object> route(Route route) {
    var row = new LinkedHashMap<String, Object>();
    row.put("name", route.name());
    var match = route.match();
    match.listener().ifPresent(listener -> row.put("listen", listener));
    match.host().ifPresent(host -> row.put("host", host));
    row.put("path", match.path().toString());
    if (!match.methods().isEmpty()) {
      row.put("methods", match.methods());
    }
    if (!match.conditions().isEmpty()) {
      row.put("conditions", match.conditions().stream().map(Condition::toString).toList());
    }
    row.put("to", route.to().name());
    if (route.to() instanceof Route.Destination.Shared(var split)) {
      row.put("sticky", lower(split.sticky()));
    }
    route.changes().rewrite().ifPresent(rewrite -> row.put("rewrite", rewrite.toString()));
    edits(row, "requestHeaders", route.changes().request());
    edits(row, "responseHeaders", route.changes().response());
    route
        .maintenance()
        .ifPresent(closed ->
            row.put(
                "maintenance",
                Map.of(
                    "message",
                    closed.message(),
                    "retryAfterSeconds",
                    closed.retryAfter().toSeconds())));
    row.put("retry", lower(route.retry()));
    row.put("allDown", lower(route.allDown()).replace('_', '-'));
    row.put("authenticate", schemes(route.authenticate()));
    row.put("timeoutMillis", route.timeout().toMillis());
    row.put(
        "cache", route.cache().map(kept -> kept.staleOnly() ? "stale-only" : "on").orElse("off"));
    return row;
  }

  private static Object schemes(Route.Authentication asked) {
    return asked.schemes().isEmpty()
        ? "none"
        : asked.schemes().stream().map(scheme -> lower(scheme).replace('_', '-')).toList();
  }

  /// Only the names: values may be secrets.
  private static void edits(Map<String, Object> row, String key, HeaderEdits edits) {
    if (!edits.isEmpty()) {
      row.put(
          key,
          Map.of(
              "remove",
              edits.remove(),
              "set",
              edits.set().stream().map(HeaderEdits.Field::name).toList(),
              "add",
              edits.add().stream().map(HeaderEdits.Field::name).toList()));
    }
  }

  private static Map<String, Object> replica(Replica replica) {
    var row = new LinkedHashMap<String, Object>();
    var state = replica.snapshot();
    row.put("id", replica.id());
    row.put("address", replica.origin().address());
    row.put("state", lower(state.state()));
    row.put("since", state.since().toString());
    state.reason().ifPresent(reason -> row.put("reason", reason));
    row.put("group", replica.group());
    row.put("weight", replica.weight());
    row.put("inFlight", replica.inFlight());
    row.put("ejected", replica.ejected());
    row.put("ejections", replica.ejections());
    return row;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(java.util.Locale.ROOT);
  }
}
