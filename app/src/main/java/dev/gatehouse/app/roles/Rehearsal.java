package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Address;
import dev.gatehouse.app.config.AdminConfig;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.EdgeConfig;
import dev.gatehouse.app.config.ListenConfig;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.config.StatsConfig;
import dev.gatehouse.app.config.TracesConfig;
import dev.gatehouse.app.logs.LogSetup;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/// One run of every role in one process, so that the JVM can write down which classes they need:
/// the AOT cache is made of that.
///
/// It listens on free ports that no client is told, writes nothing to the database but a lease
/// which it gives back, and ends. One cache for all roles was preferred to one each: the file is
/// shared memory, and is made once.
public final class Rehearsal {
  /// Accounts and compute are played inside the edge, where an assembly has them.
  private static final List<String> PLAYED = List.of("counters", "edge", "storage", "worker");

  private Rehearsal() {}

  /// Plays each role and asks it the simplest things.
  public static void play(
      Loaded.Good loaded, Path data, RoleContext.Secrets secrets, InstantSource clock)
      throws Exception {
    LogSetup.rehearse();
    var hidden = new Loaded.Good(onFreePorts(loaded.config()), loaded.settings());
    for (var name : PLAYED) {
      var context =
          new RoleContext(
              "rehearsal-" + name,
              "127.0.0.1:0",
              data,
              secrets,
              Optional.empty(),
              clock,
              System::nanoTime);
      try (var running = Roles.named(name, hidden).start(context)) {
        for (var path :
            List.of(
                "/healthz",
                "/metrics",
                "/data",
                "/data/partition1/identifier1",
                "/counters/rehearsal")) {
          get(running.address().orElseThrow(), path);
        }
      }
    }
  }

  private static Config onFreePorts(Config config) {
    var free = new Address("127.0.0.1", 0);
    var edge = config.edge();
    return new Config(
        // No file: what is rehearsed does not watch for changes.
        Optional.empty(),
        config.data(),
        config.database(),
        new EdgeConfig(
            edge.listen().stream()
                .map(listener -> new ListenConfig(listener.name(), free, listener.only(), false))
                .toList(),
            edge.threads(),
            edge.trustedProxies(),
            edge.request(),
            edge.cacheSize(),
            edge.limits(),
            edge.resolver()),
        new AdminConfig(free, config.admin().hosts()),
        config.replica(),
        config.log(),
        // What it does is nobody's trace.
        new TracesConfig(Optional.empty(), 0),
        config.reload(),
        // What it asks itself is nobody's usage.
        new StatsConfig(false, config.stats().flushEvery()),
        config.docs(),
        config.services(),
        config.authentication(),
        config.credentials(),
        config.upstreams(),
        config.routes(),
        config.limits());
  }

  private static void get(String address, String path) throws IOException {
    var to = Replicas.address(address);
    try (var socket = new Socket(to.getAddress(), to.getPort())) {
      socket.setSoTimeout(60_000);
      var request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.getInputStream().readAllBytes();
    }
  }
}
