package dev.gatehouse.edge.auth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A file that is read again when it has changed. While it cannot be read, what was read last
/// stays, and one line says so.
final class WatchedFile {
  private static final Logger LOG = LoggerFactory.getLogger(WatchedFile.class);

  private final Path path;
  private final Consumer<byte[]> changed;
  private byte[] last = new byte[0];
  private boolean known;
  private boolean told;

  /// @param changed gets the whole file; whatever it throws is logged, and the file counts as read
  WatchedFile(Path path, Consumer<byte[]> changed) {
    this.path = path;
    this.changed = changed;
  }

  /// The whole file is compared, not its time: two writes may fall into one tick of the clock, and
  /// these files are small.
  synchronized void look() {
    byte[] now;
    try {
      now = Files.readAllBytes(path);
    } catch (IOException e) {
      if (!told) {
        told = true;
        LOG.error(
            "{} cannot be read ({}); what was read of it last stays in force", path, e.toString());
      }
      return;
    }
    told = false;
    if (known && Arrays.equals(now, last)) {
      return;
    }
    known = true;
    last = now;
    try {
      changed.accept(now);
    } catch (RuntimeException e) {
      LOG.error(
          "{} cannot be used ({}); what was read of it before stays in force", path, e.toString());
    }
  }
}
