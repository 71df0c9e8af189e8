package dev.gatehouse.edge;

import dev.gatehouse.edge.auth.AuthSettings;
import dev.gatehouse.edge.auth.Doorkeeper;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RoutePattern;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/// A gateway on a free port with one external origin, one replicated service and one service of its
/// own.
final class EdgeUnderTest implements AutoCloseable {
  static final String SECRET = "the-assembly-secret";

  final RecordingOrigin external = RecordingOrigin.start();
  final List<ExchangeRecord> records = new CopyOnWriteArrayList<>();
  final Doorkeeper doors =
      new Doorkeeper(
          token -> token.equals("good") ? Optional.of("user-1") : Optional.empty(),
          () -> {
            throw new IllegalStateException("this edge has no database");
          },
          InstantSource.system(),
          System::nanoTime,
          new SecureRandom());
  final Limits limits =
      new Limits(10_000, System::nanoTime, new SecureRandom(), Limits.Witness.NOBODY);
  final Gateway gateway;
  private final Loops loops;

  EdgeUnderTest(Loops.Transport transport) {
    loops = Loops.start(1, transport);
    try {
      gateway =
          Gateway.start(
              loops,
              Executors.newVirtualThreadPerTaskExecutor(),
              settings(),
              InstantSource.system(),
              System::nanoTime,
              new Random(42)::nextInt);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Gateway.Settings settings() {
    return settings(
        List.of(
            route("/echo", new Route.Destination.Local("echo"), Route.Authentication.NONE),
            route("/mine", new Route.Destination.Local("echo"), Route.Authentication.SESSION),
            route(
                "/data/**", new Route.Destination.Replicated("storage"), Route.Authentication.NONE),
            route("/**", new Route.Destination.External("origin"), Route.Authentication.NONE)));
  }

  Gateway.Settings settings(List<Route> routes) {
    return settings(routes, address -> false);
  }

  Gateway.Settings settings(List<Route> routes, Predicate<InetAddress> trusted) {
    return settings(routes, trusted, Set.of(), HttpLimits.DEFAULT);
  }

  Gateway.Settings settings(
      List<Route> routes,
      Predicate<InetAddress> trusted,
      Set<String> proxied,
      HttpLimits httpLimits) {
    return new Gateway.Settings(
        Map.of("main", new InetSocketAddress("127.0.0.1", 0)),
        Map.of(),
        proxied,
        httpLimits,
        routes,
        Map.of("echo", echo()),
        Map.of("storage", UpstreamSettings.own(false)),
        Map.of(
            "origin",
            new Gateway.External(
                List.of(new Gateway.Target(new Origin("127.0.0.1", external.port(), false), 1, 1)),
                UpstreamSettings.external(Optional.empty()))),
        OriginPools.Settings.DEFAULT,
        SECRET,
        trusted,
        doors.configure(AuthSettings.SESSIONS),
        records::add,
        1 << 20,
        limits);
  }

  static Route route(String path, Route.Destination to, Route.Authentication authentication) {
    return new Route(
        path,
        RoutePattern.of(PathPattern.parse(path)),
        to,
        Route.Changes.NONE,
        Optional.empty(),
        Route.Retry.IDEMPOTENT,
        Route.AllDown.STALE,
        authentication,
        OptionalLong.empty(),
        Duration.ofSeconds(1),
        Duration.ofSeconds(2),
        Optional.empty());
  }

  private static Routes echo() {
    return Routes.builder()
        .post("/echo", 1024, request -> Response.text(200, request.bodyText()))
        .get("/echo", request -> Response.text(200, "hello"))
        .get("/tenant", request -> Response.text(200, request.header("x-tenant").orElse("none")))
        .get("/mine", request -> Response.text(200, request.user().orElse("nobody")))
        .put(
            "/echo",
            1024,
            request -> {
              throw request.bodyText().isEmpty()
                  ? Problem.badRequest("nothing").refusal()
                  : new IllegalStateException("secret detail");
            })
        .build();
  }

  /// Makes these origins the replicas `storage-1`, `storage-2`, ...
  void replicas(RecordingOrigin... origins) {
    var all = new java.util.ArrayList<Replica>();
    for (var origin : origins) {
      all.add(
          Gateway.replica(
              "storage-" + (all.size() + 1),
              "storage",
              new Origin("127.0.0.1", origin.port(), false),
              "1",
              Replica.State.UP,
              Instant.EPOCH,
              Optional.empty()));
    }
    gateway.replicas(all);
  }

  RawClient client() {
    return RawClient.connect(gateway.addresses().getFirst().getPort());
  }

  @Override
  public void close() {
    gateway.close(Duration.ZERO);
    loops.close();
    external.close();
  }
}
