package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One run of every role in one process, so that the JVM can write down which classes they need:
/// the AOT cache is made of that.
///
/// It listens on free ports that nobody is told, only reads from the database, and ends. One cache
/// for all roles was preferred to one each: the file is shared memory, and is made once.
public final class Rehearsal {
  private Rehearsal() {}

  /// Plays each role and asks it the simplest things.
  public static void play(
      Config config, Path data, RoleContext.Secrets secrets, InstantSource clock) throws Exception {
    var roles =
        Map.of(
            "storage", new StorageRole(config),
            "counters", new CountersRole(config),
            "worker", new WorkerRole(config));
    for (var role : roles.entrySet()) {
      var context =
          new RoleContext(
              "rehearsal-" + role.getKey(),
              "127.0.0.1:0",
              data,
              secrets,
              Optional.empty(),
              clock,
              System::nanoTime);
      try (var running = role.getValue().start(context)) {
        for (var path : List.of("/healthz", "/metrics", "/data", "/counters/rehearsal")) {
          get(running.address().orElseThrow(), path);
        }
      }
    }
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
