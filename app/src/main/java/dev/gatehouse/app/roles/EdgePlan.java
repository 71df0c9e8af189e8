package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.CacheConfig;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.Destination;
import dev.gatehouse.app.config.RouteConfig;
import dev.gatehouse.app.config.ServiceConfig;
import dev.gatehouse.app.config.UpstreamConfig;
import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RoutePattern;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.Origin;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A configuration in the edge's own words: what to listen on, which routes, which origins.
record EdgePlan(Config config) {
  /// How long a replica of ours may take to begin its answer.
  private static final Duration OWN_TIMEOUT = Duration.ofSeconds(30);

  private static final Duration OWN_CONNECT_TIMEOUT = Duration.ofSeconds(1);

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
            case ServiceConfig.Compute compute -> {}
            case ServiceConfig.Accounts accounts -> {}
            case ServiceConfig.Multivac multivac -> {}
          }
        });
    return replicated;
  }

  Map<String, Gateway.External> externals() {
    var externals = new LinkedHashMap<String, Gateway.External>();
    config.upstreams().forEach((name, upstream) -> externals.put(name, external(upstream)));
    return externals;
  }

  private static Gateway.External external(UpstreamConfig upstream) {
    return new Gateway.External(
        upstream.targets().stream().map(EdgePlan::target).toList(), upstream.traffic());
  }

  private static Gateway.Target target(UpstreamConfig.Target target) {
    var url = target.url();
    return new Gateway.Target(
        new Origin(url.host(), url.port(), url.tls()), target.weight(), target.group());
  }

  List<Route> routes() {
    return config.routes().stream().map(this::route).toList();
  }

  private Route route(RouteConfig route) {
    var match = route.match();
    Route.Destination to;
    Duration connectTimeout;
    Duration timeout;
    switch (route.to()) {
      case Destination.Service(var name) -> {
        to =
            replicated().containsKey(name)
                ? new Route.Destination.Replicated(name)
                : new Route.Destination.Local(name);
        connectTimeout = OWN_CONNECT_TIMEOUT;
        timeout = OWN_TIMEOUT;
      }
      case Destination.Upstream(var name) -> {
        var upstream = config.upstreams().get(name);
        if (upstream == null) {
          throw new IllegalStateException("the configuration has no upstream " + name);
        }
        to = new Route.Destination.External(name);
        connectTimeout = upstream.connectTimeout();
        timeout = upstream.timeout();
      }
    }
    return new Route(
        route.name(),
        new RoutePattern(
            match.listen(),
            match.host(),
            PathPattern.parse(match.path().text()),
            match.method().map(Set::of).orElse(Set.of()),
            List.of()),
        to,
        Route.Changes.NONE,
        Optional.empty(),
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
        switch (route.authenticate()) {
          case NONE -> Route.Authentication.NONE;
          case SESSION -> Route.Authentication.SESSION;
        },
        route.bodyLimit(),
        connectTimeout,
        route.timeout().orElse(timeout),
        route.cache().flatMap(EdgePlan::caching));
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
