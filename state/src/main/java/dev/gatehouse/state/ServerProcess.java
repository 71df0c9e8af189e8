package dev.gatehouse.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A server process by what proves it: a pid alone is reused, a pid with the instant of its start
/// and the boot it belongs to is not.
///
/// `start` is in clock ticks since the boot (`/proc/PID/stat`, field 22), which stays the same when
/// the process executes another program.
record ServerProcess(long pid, long start, String boot) {
  private static final int STATE_FIELD = 0;
  private static final int START_FIELD = 19;

  /// The process that has this pid now; empty when there is none, or only a zombie of it.
  static Optional<ServerProcess> alive(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      // The name in parentheses may hold spaces and parentheses; field 3 follows the last one.
      var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      if (fields[STATE_FIELD].equals("Z") || fields[STATE_FIELD].equals("X")) {
        return Optional.empty();
      }
      String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
      return Optional.of(new ServerProcess(pid, Long.parseLong(fields[START_FIELD]), boot));
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  boolean isAlive() {
    return alive(pid).equals(Optional.of(this));
  }

  void signal(String name) {
    if (isAlive()) {
      Shell.run(
          Path.of("/"),
          List.of("/bin/sh", "-c", "kill -" + name + " \"$0\"", Long.toString(pid)),
          "");
    }
  }

  void recordIn(Path file) throws IOException {
    DataFiles.write(file, pid + " " + start + " " + boot + "\n");
  }

  static Optional<ServerProcess> recordedIn(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    var parts = Files.readString(file).strip().split(" ");
    return Optional.of(
        new ServerProcess(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2]));
  }
}
