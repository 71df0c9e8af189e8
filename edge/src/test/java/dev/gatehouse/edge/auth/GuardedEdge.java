package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RoutePattern;
import dev.gatehouse.edge.upstream.Tokens;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.Supplier;

/// A gateway whose paths ask for credentials: `/own/NAME` leads to a service that answers who asks,
/// `/far/NAME` to an origin that is not ours.
final class GuardedEdge implements AutoCloseable {
  final RecordingOrigin origin = RecordingOrigin.start();
  final Doorkeeper doors;
  private final Loops loops = Loops.start(1);
  private final Gateway gateway;

  /// One route of each kind by name.
  GuardedEdge(
      Supplier<Database> database, AuthSettings settings, Map<String, Route.Authentication> ways) {
    this(database, settings, ways, doors -> Optional.empty());
  }

  /// @param shown what the edge shows to the origin
  GuardedEdge(
      Supplier<Database> database,
      AuthSettings settings,
      Map<String, Route.Authentication> ways,
      Function<Doorkeeper, Optional<Tokens>> shown) {
    doors =
        new Doorkeeper(
            token -> token.equals("good") ? Optional.of("user-1") : Optional.empty(),
            database,
            InstantSource.system(),
            System::nanoTime,
            new SecureRandom());
    var routes = new ArrayList<Route>();
    var used = EnumSet.noneOf(Identity.Scheme.class);
    ways.forEach((name, way) -> {
      used.addAll(way.schemes());
      routes.add(route("/own/" + name, new Route.Destination.Local("who"), way));
      routes.add(route("/far/" + name, new Route.Destination.External("far"), way));
    });
    routes.add(route("/admin/**", new Route.Destination.Local("admin"), Route.Authentication.NONE));
    try {
      gateway =
          Gateway.start(
              loops,
              Executors.newVirtualThreadPerTaskExecutor(),
              new Gateway.Settings(
                  Map.of("main", new InetSocketAddress("127.0.0.1", 0)),
                  Map.of(),
                  Set.of(),
                  HttpLimits.DEFAULT,
                  routes,
                  Map.of("who", who(), "admin", doors.admin()),
                  Map.of(),
                  Map.of(
                      "far",
                      new Gateway.External(
                          List.of(
                              new Gateway.Target(
                                  new Origin("127.0.0.1", origin.port(), false), 1, 1)),
                          UpstreamSettings.external(Optional.empty()),
                          shown.apply(doors))),
                  OriginPools.Settings.DEFAULT,
                  "secret",
                  address -> false,
                  doors.configure(new AuthSettings(used, settings.basic(), settings.jwt())),
                  done -> {},
                  1 << 20,
                  new Limits(1_000, System::nanoTime, new SecureRandom(), Limits.Witness.NOBODY)),
              InstantSource.system(),
              System::nanoTime,
              new Random(42)::nextInt);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Route.Authentication by(Identity.Scheme... schemes) {
    return new Route.Authentication(List.of(schemes), false, false);
  }

  private static Route route(String path, Route.Destination to, Route.Authentication way) {
    return new Route(
        path,
        RoutePattern.of(PathPattern.parse(path)),
        to,
        Route.Changes.NONE,
        Optional.empty(),
        Route.Retry.IDEMPOTENT,
        Route.AllDown.STALE,
        way,
        OptionalLong.empty(),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Optional.empty());
  }

  private static Routes who() {
    return Routes.builder()
        .get(
            "/own/{name}",
            request ->
                Response.text(
                    200,
                    request.user().orElse("nobody")
                        + request.header("authorization").map(value -> " " + value).orElse("")))
        .post("/own/{name}", 1024, request -> Response.text(200, request.user().orElse("nobody")))
        .build();
  }

  HttpMessage get(String path, String... fields) {
    return send("GET", path, "", fields);
  }

  HttpMessage send(String method, String path, String body, String... fields) {
    try (var client = RawClient.connect(gateway.addresses().getFirst().getPort())) {
      var head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: edge\r\n");
      for (var field : fields) {
        head.append(field).append("\r\n");
      }
      if (!body.isEmpty()) {
        head.append("Content-Length: ").append(body.length()).append("\r\n");
      }
      return client.send(head + "\r\n" + body).read();
    }
  }

  static String basic(String user, String password) {
    return "Authorization: Basic "
        + Base64.getEncoder()
            .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  static String bearer(String token) {
    return "Authorization: Bearer " + token;
  }

  @Override
  public void close() {
    gateway.close(Duration.ZERO);
    doors.close();
    loops.close();
    origin.close();
  }
}
