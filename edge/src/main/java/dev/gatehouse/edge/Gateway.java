package dev.gatehouse.edge;

import dev.gatehouse.edge.auth.Authenticate;
import dev.gatehouse.edge.auth.Authenticator;
import dev.gatehouse.edge.cache.Cache;
import dev.gatehouse.edge.discover.Found;
import dev.gatehouse.edge.filter.ClientAddress;
import dev.gatehouse.edge.filter.Filter;
import dev.gatehouse.edge.limit.LimitRequests;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RouteTable;
import dev.gatehouse.edge.upstream.Forwarding;
import dev.gatehouse.edge.upstream.HealthChecks;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Tokens;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.ProxiedListeners;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.RoutesHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/// The edge, running. `start` returns it bound and serving, or throws; `close` drains it.
///
/// What it serves can change while it runs: [#reconfigure] builds everything that is new first, and
/// then lets requests in by one volatile write of `handler`. An exchange in flight keeps the
/// handler it began with, and so its route, until it is over. Upstreams that did not change are the
/// same objects before and after, with all they know of their replicas; so are the connections to
/// them.
public final class Gateway implements AutoCloseable {
  /// What an edge is made of.
  ///
  /// @param listeners names and addresses to listen on
  /// @param only the paths a listener is open for; absent: all
  /// @param proxied listeners whose connections begin with a PROXY header of a trusted proxy
  /// @param services those that run in this process, by name
  /// @param replicated services with replicas of ours, by name; the lists come by
  ///   [Gateway#replicas]
  /// @param externals origins that are not ours, by upstream name
  /// @param secret proves to replicas that a header comes from this edge
  /// @param trusted whose word about the client's address is believed
  /// @param ways to find out who makes a request: all that some route asks for
  /// @param records hears of every exchange when it is over, on its event loop
  /// @param cacheSize bytes that stored answers may take
  /// @param admission how often who may come in; the same for as long as the edge lives
  public record Settings(
      Map<String, InetSocketAddress> listeners,
      Map<String, List<PathPattern>> only,
      Set<String> proxied,
      HttpLimits limits,
      List<Route> routes,
      Map<String, Routes> services,
      Map<String, UpstreamSettings> replicated,
      Map<String, External> externals,
      OriginPools.Settings pools,
      String secret,
      Predicate<InetAddress> trusted,
      Map<Identity.Scheme, Authenticator> ways,
      Records records,
      long cacheSize,
      Limits admission) {
    private ProxiedListeners proxiedListeners() {
      return new ProxiedListeners(proxied, trusted);
    }
  }

  /// An upstream that is not ours.
  ///
  /// @param tokens what the edge shows to it; empty: nothing of its own
  public record External(List<Target> targets, UpstreamSettings settings, Optional<Tokens> tokens) {
    public External(List<Target> targets, UpstreamSettings settings) {
      this(targets, settings, Optional.empty());
    }
  }

  /// One origin of an upstream that is not ours.
  ///
  /// @param weight its share of the requests, where shares are weighted
  /// @param group while an origin of a lower group is usable, those of a higher one are spared
  public record Target(Origin origin, int weight, int group) {}

  /// Everything routes can lead to.
  record Destinations(Map<String, RoutesHandler> services, Map<String, Upstream> upstreams) {
    RoutesHandler service(String name) {
      return known(services, name);
    }

    Upstream upstream(String name) {
      return known(upstreams, name);
    }
  }

  private final Executor threads;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final IntUnaryOperator draw;
  private final HttpServer server;
  private final OriginPools pools;
  private final HealthChecks checks;
  private final StatusBoard status;
  private final Cache cache;
  private final Instant started;
  private List<Replica> told = List.of();

  /// Replicas that were discovered, by upstream.
  private final Map<String, List<Replica>> discovered = new HashMap<>();

  /// How each of them was when it was discovered, by id: the same words mean that nothing is new.
  private final Map<String, Replica.Snapshot> firstSeen = new HashMap<>();

  private volatile List<Replica> processes = List.of();

  /// What requests meet; the rest of the configuration hangs on it.
  private volatile EdgeHandler handler;

  private volatile Settings settings;
  private volatile Map<String, Upstream> upstreams;

  private Gateway(
      Loops loops,
      Executor threads,
      Settings settings,
      InstantSource clock,
      LongSupplier nanos,
      IntUnaryOperator draw)
      throws IOException {
    this.threads = threads;
    this.clock = clock;
    this.started = clock.instant();
    this.nanos = nanos;
    this.draw = draw;
    this.settings = settings;
    status = new StatusBoard(() -> processes, clock);
    pools = new OriginPools(loops, settings.pools());
    cache = new Cache(settings.cacheSize(), clock);
    upstreams = upstreams(settings, Map.of());
    handler = handler(settings, upstreams);
    server =
        HttpServer.start(
            loops,
            settings.listeners(),
            settings.proxiedListeners(),
            settings.limits(),
            exchange -> handler.handle(exchange));
    checks = new HealthChecks(pools, loops.all().getFirst(), upstreams.values());
  }

  /// @param draw a random number from 0 to below what it is given; called on the event loops
  public static Gateway start(
      Loops loops,
      Executor threads,
      Settings settings,
      InstantSource clock,
      LongSupplier nanos,
      IntUnaryOperator draw)
      throws IOException {
    return new Gateway(loops, threads, settings, clock, nanos, draw);
  }

  /// Serves by `next` from now on. All or nothing: new addresses are bound and everything is built
  /// before anything changes. The settings of the pools stay those of the start.
  ///
  /// @throws IOException in one sentence, when an address cannot be bound
  public synchronized void reconfigure(Settings next) throws IOException {
    var changed = upstreams(next, upstreams);
    var walks = handler(next, changed);
    server.reconfigure(
        next.listeners(),
        next.proxiedListeners(),
        next.limits(),
        () -> {
          settings = next;
          upstreams = changed;
          settle(next, changed);
          discovered.keySet().retainAll(changed.keySet());
          refresh();
          handler = walks;
          cache.resize(next.cacheSize());
        });
    checks.watch(changed.values());
  }

  /// Every upstream of `next`: those of `known` that are the same kind of thing, the others new.
  private Map<String, Upstream> upstreams(Settings next, Map<String, Upstream> known) {
    var all = new LinkedHashMap<String, Upstream>();
    next.replicated()
        .forEach((name, how) -> {
          var old = known.get(name);
          all.put(
              name,
              old != null && old.own()
                  ? old
                  : new Upstream(name, true, how, List.of(), world(next)));
        });
    next.externals()
        .forEach((name, external) -> {
          var old = known.get(name);
          all.put(name, old != null && !old.own() ? old : external(name, external, next));
        });
    return Collections.unmodifiableMap(all);
  }

  private Upstream external(String name, External external, Settings next) {
    var made =
        new Upstream(
            name, false, external.settings(), origins(name, external, started), world(next));
    made.show(external.tokens());
    return made;
  }

  private static <N, T> T known(Map<N, T> map, N name) {
    var found = map.get(name);
    if (found == null) {
      throw new IllegalArgumentException("a route leads to '" + name + "', which does not exist");
    }
    return found;
  }

  private Upstream.World world(Settings of) {
    return new Upstream.World(clock, nanos, draw, of.secret(), pools::retire);
  }

  /// Upstreams that were kept do as `next` says from now on; what is known of the replicas that
  /// stay stays too.
  private void settle(Settings next, Map<String, Upstream> kept) {
    next.replicated().forEach((name, how) -> known(kept, name).adopt(how));
    next.externals()
        .forEach((name, external) -> {
          var upstream = known(kept, name);
          upstream.adopt(external.settings());
          upstream.show(external.tokens());
          // None: whoever discovers them says which there are.
          if (!external.targets().isEmpty()) {
            upstream.replace(origins(name, external, started));
          }
        });
  }

  private EdgeHandler handler(Settings from, Map<String, Upstream> reachable) {
    var services = new LinkedHashMap<String, RoutesHandler>();
    from.services()
        .forEach((name, routes) -> services.put(name, new RoutesHandler(routes, threads)));
    return new EdgeHandler(
        new RouteTable(from.routes(), from.only()),
        new Destinations(services, reachable),
        filters(from),
        new RoutesHandler(ownRoutes(), threads),
        pools,
        new Forwarding(from.secret()),
        from.records(),
        cache,
        nanos,
        draw);
  }

  /// The filters of a route, in their order.
  private static Function<Route, List<Filter>> filters(Settings settings) {
    // First: whatever looks at the address later must see the client's, not a proxy's.
    var address = new ClientAddress(settings.trusted());
    var limits = settings.admission();
    var all = new LimitRequests(limits, LimitRequests.Which.ALL);
    var before = new LimitRequests(limits, LimitRequests.Which.BEFORE_IDENTITY);
    var after = new LimitRequests(limits, LimitRequests.Which.AFTER_IDENTITY);
    return route ->
        route.authenticate().schemes().isEmpty()
            ? List.of(address, all)
            // Before authentication, so that guessing is limited too.
            : List.of(address, before, authenticate(route, settings), after);
  }

  private static Filter authenticate(Route route, Settings settings) {
    return new Authenticate(
        route.authenticate().schemes().stream()
            .map(scheme -> known(settings.ways(), scheme))
            .toList(),
        route.authenticate());
  }

  /// @param since always the same: what is known of an origin outlives a new configuration
  private static List<Replica> origins(String name, External external, Instant since) {
    var up = new Replica.Snapshot(Replica.State.UP, since, since, Optional.empty());
    var replicas = new ArrayList<Replica>();
    for (var target : external.targets()) {
      var id = name + "-" + (replicas.size() + 1);
      var origin = target.origin().trusting(external.settings().outgoing().trusting());
      replicas.add(new Replica(id, name, origin, target.weight(), target.group(), "", up));
    }
    return replicas;
  }

  /// What the edge answers itself.
  private Routes ownRoutes() {
    var ok = Response.json(200, Map.of("status", "ok"));
    return Routes.builder()
        .inline(
            "GET",
            "/status",
            0,
            (request, reply) ->
                reply.accept(
                    Response.json(200, status.list(request.query("appName"), request.query("id")))))
        .inline("GET", "/health", 0, (request, reply) -> reply.accept(ok))
        .inline("GET", "/health/", 0, (request, reply) -> reply.accept(ok))
        .inline("GET", "/healthz", 0, (request, reply) -> reply.accept(ok))
        .build();
  }

  /// Takes over the list of every process of the assembly; those of replicated services become
  /// their replicas.
  public synchronized void replicas(List<Replica> processes) {
    told = processes;
    refresh();
  }

  /// These are the replicas of an upstream from now on. One that is gone gets no new request.
  public synchronized void discovered(String name, List<Found> found) {
    var now = clock.instant();
    var replicas = new ArrayList<Replica>();
    var known = upstreams.get(name);
    var trusting = known == null ? "" : known.settings().outgoing().trusting();
    for (var one : found) {
      var id = name + "@" + one.origin().address();
      var seen =
          firstSeen.computeIfAbsent(
              id, fresh -> new Replica.Snapshot(Replica.State.UP, now, now, Optional.empty()));
      var origin = one.origin().trusting(trusting);
      replicas.add(new Replica(id, name, origin, one.weight(), one.group(), "", seen));
    }
    var gone = new ArrayList<>(discovered.getOrDefault(name, List.of()));
    gone.removeIf(old -> replicas.stream().anyMatch(here -> here.id().equals(old.id())));
    gone.forEach(old -> firstSeen.remove(old.id()));
    discovered.put(name, replicas);
    var upstream = upstreams.get(name);
    if (upstream != null && !upstream.own()) {
      upstream.replace(replicas);
    }
    refresh();
  }

  private void refresh() {
    var all = new ArrayList<>(told);
    for (var upstream : upstreams.values()) {
      if (upstream.own()) {
        all.addAll(discovered.getOrDefault(upstream.name(), List.of()));
      }
    }
    for (var upstream : upstreams.values()) {
      if (upstream.own()) {
        upstream.replace(
            all.stream().filter(replica -> replica.service().equals(upstream.name())).toList());
      }
    }
    var merged = new ArrayList<Replica>();
    for (var replica : all) {
      var upstream = upstreams.get(replica.service());
      if (upstream == null || !upstream.own()) {
        merged.add(replica);
      } else {
        upstream.replicas().stream()
            .filter(known -> known.id().equals(replica.id()))
            .forEach(merged::add);
      }
    }
    processes = List.copyOf(merged);
    status.refresh();
  }

  /// Every process that is known of but this one's, and the services in this one.
  public List<Replica> processes() {
    return processes;
  }

  public StatusBoard status() {
    return status;
  }

  public List<Upstream> upstreams() {
    return List.copyOf(upstreams.values());
  }

  public List<Route> routes() {
    return handler.routes();
  }

  /// The answers that are kept; the same for as long as this gateway lives.
  public Cache cache() {
    return cache;
  }

  public List<InetSocketAddress> addresses() {
    return server.addresses();
  }

  public int connections() {
    return server.connections();
  }

  /// Connections that were closed because no trusted proxy said whose they are, though their
  /// listener asks for that.
  public Map<ProxiedListeners.Refused, Long> refusedProxied() {
    return server.refusedProxied();
  }

  /// Requests that were refused while their head was read: nothing else counts them.
  public long refusals() {
    return server.refusals();
  }

  /// The connections to origins.
  public OriginPools.Figures pools() {
    return pools.figures();
  }

  /// Announces the end: answers close their connections from now on. Returns when no request has
  /// come for `quiet`, after `longest` at the latest.
  public void runDown(Duration quiet, Duration longest) {
    server.runDown(quiet, longest);
  }

  /// Stops accepting, finishes what is in flight for at most `deadline`, cuts the rest.
  public void close(Duration deadline) {
    checks.close();
    server.close(deadline);
    pools.close();
  }

  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  /// A replica as the supervisor tells of it.
  public static Replica replica(
      String id,
      String service,
      Origin origin,
      String version,
      Replica.State state,
      Instant since,
      Optional<String> reason) {
    return new Replica(
        id, service, origin, version, new Replica.Snapshot(state, since, since, reason));
  }
}
