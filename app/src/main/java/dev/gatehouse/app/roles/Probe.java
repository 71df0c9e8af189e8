package dev.gatehouse.app.roles;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where a process answers `/readyz`: one line in `run/probe` of its data directory, for `gatehouse
/// healthcheck`.
///
/// Whoever starts a container knows neither role nor port at its health check, and the launcher,
/// which answers it without a JVM, cannot read the configuration. Of several processes that share a
/// directory the last to start is the one that is asked. The line stays when the process ends: then
/// nobody answers there.
public final class Probe {
  private static final Logger log = LoggerFactory.getLogger(Probe.class);

  private Probe() {}

  /// The file below a data directory.
  public static Path file(Path data) {
    return data.resolve("run").resolve("probe");
  }

  /// Notes the address; a directory that cannot be written costs the health check and nothing else.
  static void at(Path data, String address) {
    var file = file(data);
    var next = file.resolveSibling("probe." + ProcessHandle.current().pid());
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(next, address + "\n");
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      log.warn("{} cannot be written ({}); `gatehouse healthcheck` fails here", file, e.toString());
    }
  }
}
