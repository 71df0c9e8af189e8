package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.app.config.Address;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.config.Network;
import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.Records;
import dev.gatehouse.edge.auth.Doorkeeper;
import dev.gatehouse.edge.discover.Discovery;
import dev.gatehouse.edge.limit.Exchange;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.observe.AdminDoor;
import dev.gatehouse.observe.AdminRoutes;
import dev.gatehouse.observe.AdminToken;
import dev.gatehouse.observe.EndpointMetrics;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.observe.PrometheusTargets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// The edge: the gateway, the services that run inside it, and the admin port.
public final class EdgeRole implements Role {
  private static final Logger log = LoggerFactory.getLogger(EdgeRole.class);

  /// Database connections of the services inside it, at most.
  public static final int CONNECTIONS = LocalServices.CONNECTIONS;

  /// How long the start waits for the limits that were set while it ran before.
  private static final Duration STORED_LIMITS = Duration.ofSeconds(5);

  private final Loaded.Good loaded;
  private final AccessLog access =
      new AccessLog(bound -> ThreadLocalRandom.current().nextInt(bound));

  public EdgeRole(Loaded.Good loaded) {
    this.loaded = loaded;
  }

  @Override
  public Running start(RoleContext context) throws IOException {
    var config = loaded.config();
    var loops = Loops.start(threads(config));
    log.info("{} event loops on {}", loops.all().size(), loops.transport());
    var workers = Executors.newVirtualThreadPerTaskExecutor();
    var services = LocalServices.start(config, context);
    var metrics = new Metrics();
    var usage = UsageStats.start(config, context, loops, services::database);
    var doors =
        new Doorkeeper(
            services::userOf,
            services::database,
            context.clock(),
            context.nanos(),
            new SecureRandom());
    try {
      var limits =
          new Limits(
              config.edge().limits().keys(), context.nanos(), new SecureRandom(), usage::limit);
      limits.file(config.limits());
      limits.expect(config.edge().limits().edges());
      Function<Config, Gateway.Settings> plan =
          now -> settings(now, context, services, doors, metrics, usage, limits);
      var gateway =
          Gateway.start(
              loops,
              workers,
              plan.apply(config),
              context.clock(),
              context.nanos(),
              bound -> ThreadLocalRandom.current().nextInt(bound));
      try {
        var resolver = config.edge().resolver().map(Address::socket);
        var discovery = new Discovery(loops, resolver, context.nanos(), gateway::discovered);
        var reload =
            new EdgeReload(loaded, gateway, plan, discovery, context.clock(), metrics, limits);
        var exchange =
            new Exchange(
                    limits,
                    services::database,
                    (name, text) -> LimitsAdmin.stored(name, text, reload.config()),
                    config.edge().limits().every(),
                    new SecureRandom().nextLong())
                .begin(STORED_LIMITS);
        return admin(
            context, loops, workers, services, doors, metrics, usage, gateway, reload, limits,
            exchange);
      } catch (IOException e) {
        gateway.close(Duration.ZERO);
        throw e;
      }
    } catch (IOException e) {
      doors.close();
      usage.close();
      services.close();
      loops.close();
      throw e;
    }
  }

  private static int threads(Config config) {
    int wanted = config.edge().threads();
    return wanted == 0 ? Runtime.getRuntime().availableProcessors() : wanted;
  }

  private Gateway.Settings settings(
      Config config,
      RoleContext context,
      LocalServices services,
      Doorkeeper doors,
      Metrics metrics,
      UsageStats usage,
      Limits limits) {
    var plan = new EdgePlan(config);
    access.configure(config.log());
    return new Gateway.Settings(
        plan.listeners(),
        plan.only(),
        plan.proxied(),
        plan.limits(),
        plan.routes(),
        services.routes(),
        plan.replicated(),
        plan.externals(wanted -> doors.tokens(wanted, context.data().resolve("tokens"))),
        OriginPools.Settings.DEFAULT,
        context.secrets().assembly(),
        trusted(config.edge().trustedProxies()),
        doors.configure(plan.authentication()),
        records(metrics, usage),
        config.edge().cacheSize(),
        limits);
  }

  private Records records(Metrics metrics, UsageStats usage) {
    return new Records() {
      @Override
      public void accept(ExchangeRecord done) {
        of(done.route()).accept(done);
      }

      @Override
      public Records of(String route) {
        var series = metrics.endpoint(route);
        return done -> {
          note(done, series);
          access.note(done);
          usage.count(done);
        };
      }
    };
  }

  /// Almost nobody has any, and every request asks.
  private static Predicate<InetAddress> trusted(List<Network> proxies) {
    return proxies.isEmpty()
        ? address -> false
        : address -> proxies.stream().anyMatch(network -> network.contains(address));
  }

  private void note(ExchangeRecord done, EndpointMetrics series) {
    series.request(done.method(), done.status(), done.nanos(), done.requestId(), done.trace());
    done.failure().ifPresent(failure -> series.failure(failure.slug()));
    if (done.status() >= 500 && !access.on()) {
      log.atWarn()
          .addKeyValue("http.request.id", done.requestId())
          .log(
              "{} {} on route {} answered {}{} (request {})",
              done.method(),
              done.path(),
              done.route(),
              done.status(),
              done.failure()
                  .map(failure -> ": " + failure.sentence() + " (" + oneLine(done.trouble()) + ")")
                  .orElse(""),
              done.requestId());
    }
  }

  /// A library's message may have several, and must not look like several log lines.
  static String oneLine(String text) {
    var line = text.replaceAll("\\p{Cntrl}+", " ");
    return line.length() > 200 ? line.substring(0, 200) + "..." : line;
  }

  private Running admin(
      RoleContext context,
      Loops loops,
      ExecutorService workers,
      LocalServices services,
      Doorkeeper doors,
      Metrics metrics,
      UsageStats usage,
      Gateway gateway,
      EdgeReload reload,
      Limits limits,
      Exchange exchange)
      throws IOException {
    var random = new SecureRandom();
    var readiness = new EdgeReadiness(gateway, context.pipe().isPresent(), reload::refusal);
    var views = new EdgeViews(gateway, reload::settings);
    EdgeMetrics.of(gateway, loops, metrics);
    services.measure(metrics);
    metrics.counter(
        "gatehouse_access_log_dropped",
        "Lines of the access log that came faster than they could be written.",
        access::dropped);
    CacheAdmin.metrics(gateway.cache(), metrics);
    usage.metrics(metrics);
    LimitsAdmin.metrics(limits, metrics);
    var own = own(context, services, gateway);
    var door =
        new AdminDoor(
            new RoutesHandler(
                AdminRoutes.of(
                        new AdminRoutes.Sources(
                            views::routes, views::upstreams, views::config, readiness::now))
                    .and(CacheAdmin.routes(gateway.cache()))
                    .and(usage.routes(gateway::routes))
                    .and(doors.admin())
                    .and(new LimitsAdmin(limits, exchange, reload::config).routes())
                    .and(ApiDocs.routes(() -> reload.config().docs()))
                    .and(PrometheusTargets.routes(targets(context, gateway, own)::seenFrom))
                    .and(metrics.routes()),
                workers),
            AdminToken.in(context.data().resolve("admin.token"), random),
            loaded.config().admin().hosts(),
            random);
    var server =
        HttpServer.start(
            loops,
            Map.of("admin", loaded.config().admin().listen().socket()),
            HttpLimits.DEFAULT,
            door);
    gateway.replicas(own);
    context
        .pipe()
        .ifPresent(pipe ->
            pipe.onReplicas(list -> {
              gateway.replicas(replicas(list, own));
              readiness.listed(list);
            }));
    reload.begin(context.pipe());
    Thread.ofVirtual().name("jvm-metrics").start(metrics::jvm);
    var address = text(gateway.addresses().getFirst());
    var adminAddress = text(server.addresses().getFirst());
    var signIn = "http://" + adminAddress + door.signInPath();
    // A rehearsal is nobody's process.
    if (loaded.config().admin().listen().port() != 0) {
      Probe.at(context.data(), adminAddress);
    }
    return new Running() {
      @Override
      public Optional<String> address() {
        return Optional.of(address);
      }

      @Override
      public Optional<String> signIn() {
        return Optional.of(signIn);
      }

      @Override
      public void close() {
        drain(Ending.HURRIED);
      }

      @Override
      public void drain(Ending how) {
        reload.close();
        readiness.draining();
        gateway.runDown(how.quiet(), how.newcomers());
        gateway.close(how.inFlight());
        server.close(Duration.ZERO);
        usage.close();
        doors.close();
        exchange.close();
        services.close();
        loops.close();
        access.close();
      }
    };
  }

  private EdgeTargets targets(RoleContext context, Gateway gateway, List<Replica> own) {
    var config = loaded.config();
    return new EdgeTargets(
        context.name(),
        config.admin().listen().toString(),
        config.replica().listen().everyInterface(),
        gateway::processes,
        own.stream().map(Replica::id).collect(Collectors.toSet()));
  }

  /// The services in this process, as replicas that are up while it lives.
  private static List<Replica> own(RoleContext context, LocalServices services, Gateway gateway) {
    var address = gateway.addresses().getFirst();
    var origin = new Origin(host(address), address.getPort(), false);
    var now = context.clock().instant();
    return services.routes().keySet().stream()
        .map(name ->
            Gateway.replica(
                name + "@" + context.name(),
                name,
                origin,
                Version.current(),
                Replica.State.UP,
                now,
                Optional.empty()))
        .toList();
  }

  private static List<Replica> replicas(JsonNode list, List<Replica> own) {
    var all = new ArrayList<Replica>();
    for (var node : list) {
      var address = node.path("address").asString("");
      int colon = address.lastIndexOf(':');
      var origin =
          colon < 0
              ? new Origin("127.0.0.1", 0, false)
              : new Origin(
                  address.substring(0, colon).replaceAll("[\\[\\]]", ""),
                  Integer.parseInt(address.substring(colon + 1)),
                  false);
      all.add(
          Gateway.replica(
              node.path("id").asString(),
              node.path("service").asString(),
              origin,
              node.path("version").asString(""),
              Replica.State.valueOf(node.path("state").asString().toUpperCase(Locale.ROOT)),
              Instant.parse(node.path("since").asString()),
              Optional.of(node.path("reason").asString("")).filter(reason -> !reason.isEmpty())));
    }
    all.addAll(own);
    return all;
  }

  private static String host(InetSocketAddress bound) {
    return bound.getAddress().isAnyLocalAddress()
        ? "127.0.0.1"
        : bound.getAddress().getHostAddress();
  }

  private static String text(InetSocketAddress bound) {
    return new Origin(host(bound), bound.getPort(), false).address();
  }
}
