package dev.gatehouse.app.reload;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Looks every second whether the configuration file has changed.
///
/// Looking was preferred to the kernel's notices: those miss what a ConfigMap does (a symbolic link
/// in the path to the file is replaced), and what network file systems do. A change counts when two
/// looks in a row saw the same, so that a file that is being written is not read half.
public final class FileWatch implements AutoCloseable {
  private final Path file;
  private final Reloader reloader;
  private final ScheduledExecutorService looks;
  private Map<String, Object> seen;
  private boolean pending;

  FileWatch(Path file, Reloader reloader) {
    this.file = file;
    this.reloader = reloader;
    this.seen = stamp(file);
    this.looks =
        Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().daemon().name("config-watch").unstarted(task));
  }

  /// Watches until closed.
  public static FileWatch start(Path file, Reloader reloader) {
    var watch = new FileWatch(file, reloader);
    watch.looks.scheduleWithFixedDelay(watch::look, 1, 1, TimeUnit.SECONDS);
    return watch;
  }

  void look() {
    var now = stamp(file);
    if (!now.equals(seen)) {
      seen = now;
      pending = true;
    } else if (pending) {
      pending = false;
      reloader.looked();
    }
  }

  /// What tells one state of the file from another; empty while there is none.
  private static Map<String, Object> stamp(Path file) {
    try {
      return Map.copyOf(Files.readAttributes(file, "unix:ino,size,lastModifiedTime,ctime"));
    } catch (IOException | UnsupportedOperationException e) {
      return Map.of();
    }
  }

  @Override
  public void close() {
    looks.shutdownNow();
  }
}
