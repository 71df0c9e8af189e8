package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.InlineHandler;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.ReplicaHandler;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.Migrations;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the roles of replicas have in common: a migrated database, and a server of their routes
/// with `/healthz` and `/metrics` beside them.
final class Replicas {
  private static final Logger log = LoggerFactory.getLogger(Replicas.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private Replicas() {}

  /// A database that answers and has our schema; waits for it as long as it takes.
  ///
  /// @throws IllegalStateException in one sentence when waiting cannot help
  static Database database(RoleContext context, int connections) {
    var database = open(context, connections);
    try {
      var why = migrate(database, context, PATIENCE);
      while (why.isPresent()) {
        log.warn("{} Waiting for it.", why.get());
        why = migrate(database, context, PATIENCE);
      }
      return database;
    } catch (IllegalStateException e) {
      database.close();
      throw e;
    }
  }

  /// A database that may be away, and whose schema the caller sees to.
  static Database open(RoleContext context, int connections) {
    return Database.open(
        new DatabaseSettings(
            context.secrets().database(), connections, "gatehouse " + context.name()));
  }

  /// Brings the schema up to date; says in one sentence why not when the database does not answer
  /// within `patience`.
  ///
  /// @throws IllegalStateException in one sentence when waiting cannot help
  static Optional<String> migrate(Database database, RoleContext context, Duration patience) {
    long began = context.nanos().getAsLong();
    try {
      database.awaitReachable(patience);
      Migrations.apply(database);
      return Optional.empty();
    } catch (IllegalStateException e) {
      if (context.nanos().getAsLong() - began < patience.toNanos()) {
        throw e;
      }
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /// Serves `routes`; `health` is what `/healthz` says besides that the process lives. `/readyz` is
  /// the same, and both fail while it drains. Closing drains the server, then calls `close`.
  static Role.Running serve(
      RoleContext context, Routes routes, Supplier<String> health, Metrics metrics, Runnable close)
      throws IOException {
    var loops = Loops.start(1);
    ProcessMetrics.of(loops, metrics);
    var threads = Executors.newVirtualThreadPerTaskExecutor();
    var draining = new AtomicBoolean();
    InlineHandler well =
        (request, reply) ->
            reply.accept(
                (draining.get()
                        ? Response.json(503, health(context.name(), "draining"))
                        : Response.json(200, health(context.name(), health.get())))
                    .with("X-Gatehouse-Version", Version.current()));
    var own =
        Routes.builder()
            .inline("GET", "/healthz", 0, well)
            .inline("GET", "/readyz", 0, well)
            .build();
    var handler =
        new ReplicaHandler(
            new RoutesHandler(own.and(metrics.routes()).and(routes), threads),
            context.secrets().assembly());
    HttpServer server;
    try {
      server =
          HttpServer.start(
              loops,
              Map.of(context.name(), address(context.listen())),
              HttpLimits.DEFAULT,
              handler);
    } catch (IOException e) {
      loops.close();
      threads.close();
      throw e;
    }
    Thread.ofVirtual().name("jvm-metrics").start(metrics::jvm);
    var bound = server.addresses().getFirst();
    if (context.pipe().isEmpty() && bound.getPort() == address(context.listen()).getPort()) {
      Probe.at(context.data(), text(bound));
    }
    return new Role.Running() {
      @Override
      public Optional<String> address() {
        return Optional.of(text(bound));
      }

      @Override
      public void close() {
        drain(Ending.HURRIED);
      }

      @Override
      public void drain(Ending how) {
        draining.set(true);
        server.runDown(how.quiet(), how.newcomers());
        server.close(how.inFlight());
        close.run();
        loops.close();
      }
    };
  }

  private static Map<String, Object> health(String name, String status) {
    var body = new LinkedHashMap<String, Object>();
    body.put("status", status);
    body.put("id", name);
    return body;
  }

  /// `host:port`, `[v6]:port`, `*:port` or `:port`.
  static InetSocketAddress address(String listen) {
    int colon = listen.lastIndexOf(':');
    var host = listen.substring(0, colon);
    int port = Integer.parseInt(listen.substring(colon + 1));
    if (host.startsWith("[")) {
      host = host.substring(1, host.length() - 1);
    }
    return host.isEmpty() || host.equals("*")
        ? new InetSocketAddress(port)
        : new InetSocketAddress(host, port);
  }

  /// Where others on this machine reach it.
  private static String text(InetSocketAddress bound) {
    var host =
        bound.getAddress().isAnyLocalAddress() ? "127.0.0.1" : bound.getAddress().getHostAddress();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + bound.getPort();
  }
}
