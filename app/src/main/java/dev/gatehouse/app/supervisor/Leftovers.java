package dev.gatehouse.app.supervisor;

import dev.gatehouse.http.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The children of a supervisor that was killed: who they are, and how the next one ends them.
///
/// They end by themselves within seconds when their input closes; one that was stopped cannot. Only
/// processes whose pid and start are those written down are ever touched.
final class Leftovers {
  private static final Logger log = LoggerFactory.getLogger(Leftovers.class);

  private final Path file;
  private final Duration patience;
  private List<ProcessId> written = List.of();

  /// `patience` is how long they may take to end by themselves.
  Leftovers(Path run, Duration patience) {
    this.file = run.resolve("children.json");
    this.patience = patience;
  }

  /// Writes down who runs now, whole or not at all.
  synchronized void write(Collection<ProcessId> children) {
    if (written.equals(List.copyOf(children))) {
      return;
    }
    written = List.copyOf(children);
    var list = children.stream().map(id -> new Entry(id.pid(), id.started())).toList();
    var temporary = file.resolveSibling("children.json.new");
    try {
      Files.write(temporary, Json.bytes(list));
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      log.warn(
          "{} cannot be written ({}); after a crash of the supervisor the next one would not know"
              + " stopped children",
          file,
          e.toString());
    }
  }

  /// Waits for those that still run, then ends them; returns when none is left.
  void end() throws InterruptedException {
    var alive = read().stream().flatMap(id -> id.alive().stream()).toList();
    if (alive.isEmpty()) {
      return;
    }
    log.info(
        "{} processes of a killed run are still there; waiting {} s for them, then ending them",
        alive.size(),
        patience.toSeconds());
    if (!waitFor(alive, patience)) {
      for (var process : alive) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      waitFor(alive, Duration.ofSeconds(10));
    }
  }

  private List<ProcessId> read() {
    var found = new ArrayList<ProcessId>();
    try {
      var text = Files.readString(file, StandardCharsets.UTF_8);
      for (var node : Json.mapper().readTree(text)) {
        found.add(new ProcessId(node.path("pid").asLong(), node.path("started").asString()));
      }
    } catch (IOException none) {
      return List.of();
    } catch (RuntimeException damaged) {
      log.warn("{} is damaged; going on without it", file);
    }
    return found;
  }

  private static boolean waitFor(List<ProcessHandle> processes, Duration most)
      throws InterruptedException {
    var all =
        CompletableFuture.allOf(
            processes.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new));
    try {
      all.get(most.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException late) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private record Entry(long pid, String started) {}
}
