package dev.gatehouse.app.reload;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/// A copy of the configuration in force, in the owner's own directory.
///
/// Children read it instead of the file: one that is started while the file holds a mistake must
/// run what all others run.
public final class InForce {
  private final Path copy;

  /// @param run the assembly's directory for what runs
  public InForce(Path run) {
    this.copy = run.resolve("gatehouse.yaml");
  }

  public Path path() {
    return copy;
  }

  /// Replaces the copy, whole or not at all.
  public void write(byte[] text) {
    try {
      var next = copy.resolveSibling("gatehouse.yaml.next");
      Files.deleteIfExists(next);
      Files.createFile(
          next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.write(next, text);
      Files.move(next, copy, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
