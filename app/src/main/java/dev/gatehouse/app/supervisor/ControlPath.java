package dev.gatehouse.app.supervisor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Where the control socket of a data directory is.
///
/// Normally `run/supervisor.sock` in it. The kernel takes some 100 bytes of path and no more, so
/// for a longer one the socket lies in a private directory under `/tmp`, and `run/supervisor.path`
/// says where.
final class ControlPath {
  /// `sun_path` has 104 bytes on BSD and 108 on Linux, one of them for the final zero.
  private static final int LONGEST = 103;

  private ControlPath() {}

  /// A path to bind; what an earlier run left there is removed. The caller holds the directory's
  /// lock.
  static Path create(Path run) throws IOException {
    forget(run);
    var plain = run.resolve("supervisor.sock").toAbsolutePath();
    if (fits(plain)) {
      return plain;
    }
    var elsewhere = Files.createTempDirectory("gatehouse-").resolve("s");
    if (!fits(elsewhere)) {
      elsewhere = Files.createTempDirectory(Path.of("/tmp"), "gatehouse-").resolve("s");
    }
    Files.writeString(run.resolve("supervisor.path"), elsewhere.toString());
    return elsewhere;
  }

  /// The path to connect to; nothing may listen there.
  static Path find(Path run) {
    try {
      return Path.of(Files.readString(run.resolve("supervisor.path")).strip());
    } catch (IOException plain) {
      return run.resolve("supervisor.sock").toAbsolutePath();
    }
  }

  /// Removes socket and pointer.
  static void forget(Path run) throws IOException {
    var pointer = run.resolve("supervisor.path");
    if (Files.exists(pointer)) {
      var socket = find(run);
      Files.deleteIfExists(socket);
      var parent = socket.getParent();
      if (parent != null && Files.isDirectory(parent)) {
        try {
          Files.delete(parent);
        } catch (IOException notEmpty) {
          // Whatever else is in there is not ours to remove.
        }
      }
      Files.delete(pointer);
    }
    Files.deleteIfExists(run.resolve("supervisor.sock"));
  }

  private static boolean fits(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length <= LONGEST;
  }
}
