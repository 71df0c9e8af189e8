package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.CacheConfig;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.Destination;
import dev.gatehouse.app.config.DiscoverConfig;
import dev.gatehouse.app.config.ListenConfig;
import dev.gatehouse.app.config.RouteConfig;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.app.config.UpstreamConfig;
import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.auth.AuthSettings;
import dev.gatehouse.edge.auth.TokenSettings;
import dev.gatehouse.edge.discover.Source;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.Split;
import dev.gatehouse.edge.upstream.Tokens;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.Origin;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/// A configuration in the edge's own words: what to listen on, which routes, which origins.
record EdgePlan(Config config) {
  /// How long a replica of ours may take to begin its answer.
  private static final Duration OWN_TIMEOUT = Duration.ofSeconds(30);

  private static final Duration OWN_CONNECT_TIMEOUT = Duration.ofSeconds(1);

  /// What the processes of MultiVAC's queue are called, wherever they run.
  static final String WORKER = "worker";

  /// For services that hash passwords and run programs: a slow answer is no sign of trouble.
  private static final UpstreamSettings PATIENT = UpstreamSettings.own(false).patient();

  Map<String, InetSocketAddress> listeners() {
    var listeners = new LinkedHashMap<String, InetSocketAddress>();
    config
        .edge()
        .listen()
        .forEach(listen -> listeners.put(listen.name(), listen.address().socket()));
    return listeners;
  }

  /// The paths that a listener is open for; absent: all.
  Map<String, List<PathPattern>> only() {
    var only = new LinkedHashMap<String, List<PathPattern>>();
    for (var listen : config.edge().listen()) {
      if (!listen.only().isEmpty()) {
        only.put(
            listen.name(),
            listen.only().stream().map(pattern -> PathPattern.parse(pattern.text())).toList());
      }
    }
    return only;
  }

  /// The listeners whose connections begin with a PROXY header.
  Set<String> proxied() {
    return config.edge().listen().stream()
        .filter(ListenConfig::proxyProtocol)
        .map(ListenConfig::name)
        .collect(Collectors.toUnmodifiableSet());
  }

  HttpLimits limits() {
    var usual = HttpLimits.DEFAULT;
    var request = config.edge().request();
    return new HttpLimits(
        request.line(),
        request.headers(),
        request.headerLines(),
        usual.headTimeout(),
        usual.idleTimeout(),
        usual.stallTimeout());
  }

  /// Services that run in processes of their own.
  Map<String, UpstreamSettings> replicated() {
    var replicated = new LinkedHashMap<String, UpstreamSettings>();
    config
        .services()
        .forEach((name, service) -> {
          switch (service) {
            case ServiceConfig.Storage storage -> replicated.put(name, storage.traffic());
            case ServiceConfig.Counters counters -> replicated.put(name, counters.traffic());
            case ServiceConfig.Compute compute ->
                compute.discover().ifPresent(found -> replicated.put(name, PATIENT));
            case ServiceConfig.Accounts accounts ->
                accounts.discover().ifPresent(found -> replicated.put(name, PATIENT));
            // No route leads to workers, but what is known of them is shown.
            case ServiceConfig.Multivac multivac ->
                multivac.discover().ifPresent(found -> replicated.put(WORKER, PATIENT));
          }
        });
    return replicated;
  }

  /// @param tokens of a credential of this configuration
  Map<String, Gateway.External> externals(Function<TokenSettings, Tokens> tokens) {
    var externals = new LinkedHashMap<String, Gateway.External>();
    config.upstreams().forEach((name, upstream) -> externals.put(name, external(upstream, tokens)));
    return externals;
  }

  /// Upstreams and services whose replicas are found by DNS.
  Map<String, Source> discovered() {
    var sources = new LinkedHashMap<String, Source>();
    config
        .upstreams()
        .forEach((name, upstream) ->
            upstream.discover().ifPresent(found -> sources.put(name, source(found))));
    for (var name : config.services().keySet()) {
      var upstream = config.services().get(name) instanceof ServiceConfig.Multivac ? WORKER : name;
      config.discovered(name).ifPresent(found -> sources.put(upstream, source(found)));
    }
    return sources;
  }

  private static Source source(DiscoverConfig found) {
    return new Source(
        switch (found.question()) {
          case DiscoverConfig.Question.Addresses(var host, var port) ->
              new Source.Question.Addresses(host, port);
          case DiscoverConfig.Question.Services(var name) -> new Source.Question.Services(name);
        },
        found.tls(),
        found.every());
  }

  private Gateway.External external(
      UpstreamConfig upstream, Function<TokenSettings, Tokens> tokens) {
    return new Gateway.External(
        upstream.targets().stream().map(EdgePlan::target).toList(),
        upstream.traffic(),
        upstream.credentials().map(config.credentials()::get).map(tokens));
  }

  private static Gateway.Target target(UpstreamConfig.Target target) {
    var url = target.url();
    return new Gateway.Target(
        new Origin(url.host(), url.port(), url.tls()), target.weight(), target.group());
  }

  List<Route> routes() {
    return config.routes().stream().map(this::route).toList();
  }

  /// What the routes' ways in need.
  AuthSettings authentication() {
    var used = EnumSet.noneOf(Identity.Scheme.class);
    config.routes().forEach(route -> used.addAll(route.authenticate().schemes()));
    return new AuthSettings(used, config.authentication().basic(), config.authentication().jwt());
  }

  private Route route(RouteConfig route) {
    return new Route(
        route.name(),
        route.match().pattern(),
        destination(route.to()),
        route.changes(),
        route.maintenance(),
        switch (route.retry()) {
          case IDEMPOTENT -> Route.Retry.IDEMPOTENT;
          case UNSENT -> Route.Retry.UNSENT;
          case OFF -> Route.Retry.OFF;
        },
        switch (route.allDown()) {
          case STALE -> Route.AllDown.STALE;
          case FAIL_CLOSED -> Route.AllDown.FAIL_CLOSED;
          case FAIL_OPEN -> Route.AllDown.FAIL_OPEN;
        },
        route.authenticate(),
        route.bodyLimit(),
        longest(route.to(), OWN_CONNECT_TIMEOUT, UpstreamConfig::connectTimeout),
        route.timeout().orElseGet(() -> longest(route.to(), OWN_TIMEOUT, UpstreamConfig::timeout)),
        route.cache().flatMap(EdgePlan::caching));
  }

  private Route.Destination destination(Destination to) {
    return switch (to) {
      case Destination.Service(var name) ->
          replicated().containsKey(name)
              ? new Route.Destination.Replicated(name)
              : new Route.Destination.Local(name);
      case Destination.Upstream(var name) -> new Route.Destination.External(name);
      case Destination.Split(var shares, var sticky) ->
          new Route.Destination.Shared(
              new Split(
                  shares.entrySet().stream()
                      .map(share -> new Split.Share(destination(share.getKey()), share.getValue()))
                      .toList(),
                  sticky));
      case Destination.Redirected(var redirect) -> new Route.Destination.Elsewhere(redirect);
      case Destination.Answered(var response) -> new Route.Destination.Fixed(response);
    };
  }

  /// The longest time that any destination of a route is given.
  ///
  /// @param own for services of ours
  private Duration longest(
      Destination to, Duration own, Function<UpstreamConfig, Duration> ofUpstream) {
    return to.each().stream()
        .map(one ->
            one instanceof Destination.Upstream(var name)
                ? ofUpstream.apply(config.upstream(name))
                : own)
        .max(Comparator.naturalOrder())
        .orElse(own);
  }

  private static Optional<Route.Caching> caching(CacheConfig cache) {
    boolean staleOnly = cache.mode() == CacheConfig.Mode.STALE_ONLY;
    return cache.mode() == CacheConfig.Mode.OFF
        ? Optional.empty()
        : Optional.of(
            new Route.Caching(
                staleOnly,
                cache.ttl(),
                cache.staleIfError().orElse(staleOnly ? Duration.ofDays(1) : Duration.ofHours(1)),
                cache.staleWhileRevalidate(),
                cache.maxObject()));
  }
}
