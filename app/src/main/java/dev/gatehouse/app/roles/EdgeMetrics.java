package dev.gatehouse.app.roles;

import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.http.Loops;
import dev.gatehouse.observe.Metrics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// What the edge tells of its connections, upstreams and replicas: all of it is counted anyway, and
/// read when it is scraped.
///
/// A replica is called `origin` here: `replica` is what service discovery calls the process that is
/// scraped. A name in DNS may stand for any number of origins, so only the first [#ORIGINS] of an
/// upstream are told apart.
final class EdgeMetrics {
  private static final int ORIGINS = 100;
  private static final List<String> UPSTREAM = List.of("upstream");
  private static final List<String> ORIGIN = List.of("upstream", "origin");

  private final Gateway gateway;
  private final Metrics metrics;

  private EdgeMetrics(Gateway gateway, Metrics metrics) {
    this.gateway = gateway;
    this.metrics = metrics;
  }

  static void of(Gateway gateway, Loops loops, Metrics metrics) {
    var edge = new EdgeMetrics(gateway, metrics);
    edge.connections();
    edge.upstreams();
    edge.troubles();
    edge.origins();
    ProcessMetrics.of(loops, metrics);
  }

  private void connections() {
    metrics.gauge("gatehouse_edge_connections", "Connections of clients.", gateway::connections);
    metrics.counter(
        "gatehouse_edge_refused_heads",
        "Requests that were refused while their head was read; no endpoint counts them.",
        gateway::refusals);
    metrics.counters(
        "gatehouse_edge_unproxied_connections",
        "Connections closed because no trusted proxy said whose they are, by what was wrong.",
        List.of("reason"),
        this::unproxied);
    metrics.gauge(
        "gatehouse_origin_connections_idle",
        "Connections to origins that wait for a request.",
        () -> gateway.pools().idle());
    metrics.counter(
        "gatehouse_origin_connections_opened",
        "Connections to origins that were made, or tried to; few beside the requests when pools do"
            + " their work.",
        () -> gateway.pools().opened());
  }

  private Map<List<String>, Double> unproxied() {
    var counts = new LinkedHashMap<List<String>, Double>();
    gateway
        .refusedProxied()
        .forEach((why, count) ->
            counts.put(List.of(why.name().toLowerCase(Locale.ROOT)), (double) count));
    return counts;
  }

  private void upstreams() {
    counter(
        "retries", "Tries that followed a failed one.", upstream -> upstream.numbers().retries());
    counter(
        "retries_denied",
        "Failed tries that were not repeated because the retry budget was used up.",
        upstream -> upstream.numbers().retriesDenied());
    gauge(
        "retry_budget",
        "Retries that the budget has room for now.",
        upstream -> upstream.retriesLeft());
    counter(
        "queued",
        "Requests that had to wait for a place.",
        upstream -> upstream.numbers().queued());
    gauge("waiting_requests", "Requests that wait for a place now.", Upstream::waiting);
    gauge(
        "requests_in_flight",
        "Requests that a replica has now.",
        upstream -> upstream.replicas().stream().mapToInt(Replica::inFlight).sum());
  }

  private void troubles() {
    counter(
        "turned_away",
        "Requests that found the queue full or waited in it too long.",
        upstream -> upstream.numbers().turnedAway());
    counter(
        "ejections",
        "How often errors put a replica out for a while.",
        upstream -> upstream.numbers().ejections());
    counter(
        "overdue",
        "Tries that took longer than one may.",
        upstream -> upstream.numbers().overdue());
    gauge(
        "breaker_open",
        "Whether its circuit breaker is open.",
        upstream -> upstream.breakerState().equals("open") ? 1 : 0);
    counter(
        "breaker_opened",
        "How often its circuit breaker opened.",
        upstream -> upstream.numbers().breakerOpened());
    counter(
        "breaker_refused",
        "Requests that its open circuit breaker refused.",
        upstream -> upstream.numbers().brokenOff());
  }

  private void counter(String name, String help, ToDoubleFunction<Upstream> value) {
    metrics.counters("gatehouse_upstream_" + name, help, UPSTREAM, () -> each(value));
  }

  private void gauge(String name, String help, ToDoubleFunction<Upstream> value) {
    metrics.gauges("gatehouse_upstream_" + name, help, UPSTREAM, () -> each(value));
  }

  private Map<List<String>, Double> each(ToDoubleFunction<Upstream> value) {
    var all = new LinkedHashMap<List<String>, Double>();
    gateway
        .upstreams()
        .forEach(upstream -> all.put(List.of(upstream.name()), value.applyAsDouble(upstream)));
    return all;
  }

  private void origins() {
    metrics.gauges(
        "gatehouse_route",
        "Where each endpoint's route leads; always 1.",
        List.of("endpoint", "upstream"),
        () -> {
          var all = new LinkedHashMap<List<String>, Double>();
          gateway.routes().forEach(route -> all.put(List.of(route.name(), route.to().name()), 1.0));
          return all;
        });
    metrics.gauges(
        "gatehouse_origin_up",
        "Whether requests are sent to this replica or origin.",
        ORIGIN,
        () -> eachOrigin(one -> one.snapshot().state() == Replica.State.UP ? 1 : 0));
    metrics.gauges(
        "gatehouse_origin_requests_in_flight",
        "Requests it has now.",
        ORIGIN,
        () -> eachOrigin(Replica::inFlight));
  }

  private Map<List<String>, Double> eachOrigin(ToDoubleFunction<Replica> value) {
    var all = new LinkedHashMap<List<String>, Double>();
    for (var upstream : gateway.upstreams()) {
      upstream.replicas().stream()
          .limit(ORIGINS)
          .forEach(one -> all.put(List.of(upstream.name(), one.id()), value.applyAsDouble(one)));
    }
    return all;
  }
}
