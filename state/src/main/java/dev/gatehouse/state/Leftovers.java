package dev.gatehouse.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/// What a killed run left in the database directory.
///
/// The server names itself in `postmaster.pid`, and we never delete that file: it is all that keeps
/// two servers from writing the same files. Whoever it names is waited for, and then ended, only if
/// our own record proves that we started it.
final class Leftovers {
  private static final Duration POLL = Duration.ofMillis(20);

  /// A guardian whose supervisor is gone needs at most four seconds to end its server.
  private static final Duration GUARDIAN = Duration.ofSeconds(6);

  private static final Duration SIGNALLED = Duration.ofSeconds(5);

  private Leftovers() {}

  /// Returns when no server of an earlier run works on `cluster` any more.
  ///
  /// @return the pid in `postmaster.pid` when we know that the server it named is gone; another
  ///   process may have got that pid since, and the new server must not take it for its rival
  /// @throws IllegalStateException with one sentence when the server is not provably ours, or does
  ///   not end
  static OptionalLong settle(Path cluster, Path record) throws IOException {
    Path file = cluster.resolve("postmaster.pid");
    if (!Files.exists(file)) {
      return OptionalLong.empty();
    }
    var named = pid(file);
    if (named.isEmpty()) {
      return OptionalLong.empty();
    }
    long pid = named.getAsLong();
    var ours = ServerProcess.recordedIn(record).filter(process -> process.pid() == pid);
    if (ours.isPresent()) {
      end(ours.get(), cluster);
      return named;
    }
    if (ServerProcess.alive(pid).isPresent()) {
      throw new IllegalStateException(
          "The database files in %s are in use by process %d, which this Gatehouse did not start: stop that process, or use another data directory."
              .formatted(cluster, pid));
    }
    return OptionalLong.empty();
  }

  private static OptionalLong pid(Path file) throws IOException {
    String first = Files.readString(file).lines().findFirst().orElse("").strip();
    return first.matches("-?[0-9]{1,18}")
        ? OptionalLong.of(Math.abs(Long.parseLong(first)))
        : OptionalLong.empty();
  }

  static void end(ServerProcess server, Path cluster) {
    if (gone(server, GUARDIAN)) {
      return;
    }
    server.signal("INT");
    if (gone(server, SIGNALLED)) {
      return;
    }
    server.signal("QUIT");
    if (!gone(server, SIGNALLED)) {
      throw new IllegalStateException(
          "PostgreSQL of an earlier run (process %d) still works on %s and does not stop: end it, then start again."
              .formatted(server.pid(), cluster));
    }
  }

  private static boolean gone(ServerProcess server, Duration patience) {
    return Waiting.until(patience, POLL, () -> !server.isAlive());
  }
}
