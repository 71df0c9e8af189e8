package dev.gatehouse.compute;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Finds and ends what a child process has started in its turn.
///
/// The operating system forgets who started a process once its parent has ended, so a tree cannot
/// be followed after the fact. Where `setsid` exists (util-linux, busybox) a command therefore runs
/// in a session of its own, and everything that bears the session's number is its offspring. A
/// program that makes yet another session and lets its parent end escapes; a cgroup would hold that
/// one too, but needs a right that a plain user has not.
final class Offspring {
  private static final int ROUNDS = 20;
  private static final Optional<Path> SETSID =
      List.of(Path.of("/usr/bin/setsid"), Path.of("/bin/setsid")).stream()
          .filter(Files::isExecutable)
          .filter(path -> Files.isDirectory(Path.of("/proc/self")))
          .findFirst();

  private Offspring() {}

  /// The command as it is to be started. `setsid` becomes the command by `exec`, so the pid and the
  /// exit status are the command's.
  static List<String> inSessionOfItsOwn(List<String> command) {
    if (SETSID.isEmpty()) {
      return command;
    }
    var all = new ArrayList<String>();
    all.add(SETSID.get().toString());
    all.addAll(command);
    return List.copyOf(all);
  }

  /// Kills the process and all it has started, and comes back when they are gone or past saving.
  static void kill(Process process) {
    var descendants = process.descendants().toList();
    process.destroyForcibly();
    descendants.forEach(ProcessHandle::destroyForcibly);
    if (SETSID.isEmpty()) {
      return;
    }
    // Several rounds, since what is about to be killed may still be forking.
    for (int round = 0; round < ROUNDS; round++) {
      var members = session(process.pid());
      if (members.isEmpty()) {
        return;
      }
      members.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
      Thread.yield();
    }
  }

  /// The living processes of a session (`/proc/PID/stat`, proc(5): the sixth field).
  private static List<Long> session(long id) {
    var members = new ArrayList<Long>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (var process : processes) {
        // The name, in parentheses, may itself hold spaces and parentheses.
        var stat = stat(process);
        var fields = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ");
        boolean dead = fields[0].equals("Z") || fields[0].equals("X");
        if (fields.length > 3 && !dead && fields[3].equals(Long.toString(id))) {
          members.add(Long.parseLong(process.getFileName().toString()));
        }
      }
    } catch (IOException e) {
      return List.of();
    }
    return members;
  }

  private static String stat(Path process) {
    try {
      return Files.readString(
          process.resolve("stat"), java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return ""; // It has ended meanwhile.
    }
  }
}
