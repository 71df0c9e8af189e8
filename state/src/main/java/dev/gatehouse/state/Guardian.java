package dev.gatehouse.state;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The supervisor's end of `guardian.sh`: the pipe that keeps the server alive, and what the server
/// logs.
final class Guardian {
  private static final Logger LOG = LoggerFactory.getLogger(Guardian.class);
  private static final int KEPT_LINES = 20;
  private static final Duration POLL = Duration.ofMillis(20);

  private final Process process;
  private final ServerProcess server;
  private final Thread reader;
  private final Deque<String> last = new ArrayDeque<>();

  private Guardian(Process process, ServerProcess server, Consumer<String> log) {
    this.process = process;
    this.server = server;
    this.reader = Thread.ofPlatform().daemon().name("postgres-log").unstarted(() -> read(log));
  }

  /// Starts the server under a guardian, in a session of its own. `stale` is a pid that the server
  /// must not take for a rival that holds its files.
  static Guardian start(Path home, List<String> server, OptionalLong stale, Consumer<String> log)
      throws IOException {
    Path script = home.resolve("guardian.sh");
    try (InputStream in = Guardian.class.getResourceAsStream("guardian.sh")) {
      if (in == null) {
        throw new IllegalStateException("This build has no guardian.sh.");
      }
      DataFiles.write(script, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    var command = new ArrayList<>(List.of("setsid", "/bin/sh", script.toString()));
    command.addAll(server);
    var builder = new ProcessBuilder(command).directory(home.toFile());
    Shell.bareEnvironment(builder);
    // The name under which pg_ctl tells the server of a pid that is certainly no server.
    stale.ifPresent(pid -> builder.environment().put("PG_GRANDPARENT_PID", Long.toString(pid)));
    Process process = builder.start();
    try {
      var first =
          new BufferedReader(
                  new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
              .readLine();
      if (first == null) {
        String why = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        throw new IOException("its guardian did not start: " + why.strip());
      }
      long pid = Long.parseLong(first.strip());
      // Already gone is possible; then its pid with a start of -1 matches no process.
      var identity = ServerProcess.alive(pid).orElse(new ServerProcess(pid, -1, "gone"));
      var guardian = new Guardian(process, identity, log);
      guardian.reader.start();
      return guardian;
    } catch (IOException | RuntimeException failure) {
      process.getOutputStream().close();
      throw failure;
    }
  }

  ServerProcess server() {
    return server;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  CompletableFuture<Integer> onExit() {
    return process.onExit().thenApply(Process::exitValue);
  }

  /// The last lines that the server logged, as one.
  String lastLines() {
    drainLog();
    synchronized (last) {
      return last.isEmpty() ? "it said nothing." : String.join("; ", last);
    }
  }

  private void drainLog() {
    try {
      reader.join(Duration.ofSeconds(1));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void read(Consumer<String> log) {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (last) {
          if (last.size() == KEPT_LINES) {
            last.removeFirst();
          }
          last.addLast(line);
        }
        hand(line, log);
      }
    } catch (IOException closed) {
      // The pipe ends with the server.
    }
  }

  /// A consumer that fails must not end the reading: the server would block on a full pipe.
  private static void hand(String line, Consumer<String> log) {
    try {
      log.accept(line);
    } catch (RuntimeException failure) {
      LOG.debug("a log line of PostgreSQL is lost: its consumer failed", failure);
    }
  }

  /// Stops the server and waits: `orderly` for an orderly stop, then `forced` for the guardian's
  /// escalation, which begins when its pipe closes. Harmless when it is stopped already.
  void stop(Duration orderly, Duration forced) {
    try {
      if (process.isAlive() && orderly.isPositive()) {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
        await(orderly);
      }
    } catch (IOException ended) {
      // It ends already.
    }
    try {
      process.getOutputStream().close();
    } catch (IOException ended) {
      // It has ended already.
    }
    await(forced);
    // A guardian that was killed leaves its watcher, which stops the server now.
    Waiting.until(forced, POLL, () -> !server.isAlive());
    drainLog();
  }

  private void await(Duration patience) {
    try {
      process.onExit().get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | java.util.concurrent.ExecutionException stillThere) {
      // The caller goes on to the next, harder step.
    }
  }
}
