package dev.gatehouse.app.supervisor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/// Which process exactly: a pid and a token of its start, since pids are used again.
///
/// On Linux the token is the boot's id and the start in clock ticks since then, which no change of
/// the wall clock moves; elsewhere it is the start instant.
record ProcessId(long pid, String started) {
  private static final Path PROC = Path.of("/proc");

  /// The process that has this pid now; empty when there is none.
  static Optional<ProcessId> of(long pid) {
    var token = Files.isDirectory(PROC.resolve("self")) ? linuxToken(pid) : portableToken(pid);
    return token.map(started -> new ProcessId(pid, started));
  }

  /// The process itself, if it still runs; never another that got its pid.
  Optional<ProcessHandle> alive() {
    return of(pid).equals(Optional.of(this))
        ? ProcessHandle.of(pid).filter(ProcessHandle::isAlive)
        : Optional.empty();
  }

  private static Optional<String> linuxToken(long pid) {
    try {
      var stat = Files.readString(PROC.resolve(Long.toString(pid)).resolve("stat"));
      // The second field is the command in parentheses and may hold anything, parentheses too.
      var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      if (fields[0].equals("Z")) {
        return Optional.empty();
      }
      var boot = Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
      return Optional.of(boot + ":" + fields[19]);
    } catch (IOException | IndexOutOfBoundsException gone) {
      return Optional.empty();
    }
  }

  private static Optional<String> portableToken(long pid) {
    return ProcessHandle.of(pid)
        .flatMap(handle -> handle.info().startInstant())
        .map(Instant::toString);
  }

  /// The resident memory of a process in KiB; empty where the system does not tell.
  static Optional<Long> residentKib(long pid) {
    try (var lines = Files.lines(PROC.resolve(Long.toString(pid)).resolve("status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> Long.valueOf(line.replaceAll("[^0-9]", "")))
          .findFirst();
    } catch (IOException | RuntimeException unknown) {
      return Optional.empty();
    }
  }
}
