package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.edge.Gateway;
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
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// An edge whose answers are kept, in front of one origin, with a clock that moves when a test says
/// so.
///
/// `/**` is kept by RFC 9111, `/ttl/**` for a minute whatever the origin says, `/data/**` (a
/// replicated service with the same origin as its replica) for failure only.
final class CachingEdge implements AutoCloseable {
  static final Duration STALE_IF_ERROR = Duration.ofHours(1);
  static final int MAX_OBJECT = 256 * 1024;

  final RecordingOrigin origin = RecordingOrigin.start();
  final List<ExchangeRecord> records = new CopyOnWriteArrayList<>();
  final Gateway gateway;
  private final AtomicLong millis =
      new AtomicLong(Instant.parse("2026-11-21T12:00:00Z").toEpochMilli());
  private final AtomicInteger paths = new AtomicInteger();
  private final Loops loops = Loops.start(2);

  CachingEdge() {
    try {
      gateway =
          Gateway.start(
              loops,
              Executors.newVirtualThreadPerTaskExecutor(),
              settings(),
              () -> Instant.ofEpochMilli(millis.get()),
              System::nanoTime,
              bound -> 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    replica(true);
  }

  private Gateway.Settings settings() {
    var on = new Route.Caching(false, Optional.empty(), STALE_IF_ERROR, Duration.ZERO, MAX_OBJECT);
    var aMinute =
        new Route.Caching(
            false, Optional.of(Duration.ofMinutes(1)), STALE_IF_ERROR, Duration.ZERO, MAX_OBJECT);
    var staleOnly =
        new Route.Caching(true, Optional.empty(), Duration.ofDays(1), Duration.ZERO, MAX_OBJECT);
    return new Gateway.Settings(
        Map.of("main", new InetSocketAddress("127.0.0.1", 0)),
        Map.of(),
        Set.of(),
        HttpLimits.DEFAULT,
        List.of(
            route("/data/**", new Route.Destination.Replicated("storage"), staleOnly),
            route("/ttl/**", new Route.Destination.External("origin"), aMinute),
            route("/**", new Route.Destination.External("origin"), on)),
        Map.of(),
        Map.of("storage", UpstreamSettings.own(false)),
        Map.of(
            "origin",
            new Gateway.External(
                List.of(new Gateway.Target(new Origin("127.0.0.1", origin.port(), false), 1, 1)),
                UpstreamSettings.external(Optional.empty()))),
        OriginPools.Settings.DEFAULT,
        "secret",
        address -> false,
        Map.of(),
        records::add,
        8 << 20,
        new Limits(1000, System::nanoTime, new SecureRandom(), Limits.Witness.NOBODY));
  }

  private static Route route(String path, Route.Destination to, Route.Caching caching) {
    return new Route(
        path,
        RoutePattern.of(PathPattern.parse(path)),
        to,
        Route.Changes.NONE,
        Optional.empty(),
        Route.Retry.IDEMPOTENT,
        Route.AllDown.STALE,
        Route.Authentication.NONE,
        OptionalLong.empty(),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Optional.of(caching));
  }

  /// Makes the only replica of `storage` up or down.
  void replica(boolean up) {
    gateway.replicas(
        List.of(
            Gateway.replica(
                "storage-1",
                "storage",
                new Origin("127.0.0.1", origin.port(), false),
                "1",
                up ? Replica.State.UP : Replica.State.DOWN,
                Instant.ofEpochMilli(up ? 1 : millis.get()),
                Optional.empty())));
  }

  void pass(long seconds) {
    millis.addAndGet(seconds * 1000);
  }

  /// The date `seconds` from now, as header fields write it.
  String date(long seconds) {
    return HttpDates.format(millis.get() + seconds * 1000);
  }

  /// A path that no other scene uses.
  String path() {
    return "/t" + paths.incrementAndGet();
  }

  /// How often the origin was asked for what begins like this; health checks are apart.
  long asked(String path) {
    return origin.received().stream().filter(request -> request.target().startsWith(path)).count();
  }

  Cache cache() {
    return gateway.cache();
  }

  RawClient client() {
    return RawClient.connect(gateway.addresses().getFirst().getPort());
  }

  /// One request of a fresh client.
  HttpMessage ask(String method, String path, String... fields) {
    try (var client = client()) {
      client.send(request(method, path, fields));
      return method.equals("HEAD") ? client.readToHead() : client.read();
    }
  }

  static String request(String method, String path, String... fields) {
    var request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
    if (List.of(fields).stream().noneMatch(field -> field.startsWith("Host:"))) {
      request.append("Host: example.com\r\n");
    }
    for (var field : fields) {
      request.append(field).append("\r\n");
    }
    return request.append("\r\n").toString();
  }

  /// The bytes of an answer; a 304, a 204 and an answer to HEAD carry no body.
  static String answer(int status, String body, String... fields) {
    var answer = new StringBuilder("HTTP/1.1 " + status + " Said\r\n");
    for (var field : fields) {
      answer.append(field).append("\r\n");
    }
    boolean bodiless = status == 304 || status == 204;
    return bodiless
        ? answer.append("\r\n").toString()
        : answer
            .append("Content-Length: ")
            .append(body.length())
            .append("\r\n\r\n")
            .append(body)
            .toString();
  }

  @Override
  public void close() {
    gateway.close(Duration.ZERO);
    loops.close();
    origin.close();
  }
}
