package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/// The directory where an assembly keeps its state, and the lock that makes it one assembly's.
///
/// The lock is the kernel's and ends with the process, however it ends; nobody ever has to delete a
/// lock file. (A pid file was refused: after a crash it needs a guess.)
public final class DataDir implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final FileLock lock;

  private DataDir(Path path, FileChannel channel, FileLock lock) {
    this.path = path;
    this.channel = channel;
    this.lock = lock;
  }

  /// Makes the directory if need be, and takes it for this process.
  ///
  /// @throws PlainError when it is taken or cannot be written
  public static DataDir lock(Path path) {
    try {
      // Others may pass through: run by root, Postgres is another user's and lives underneath.
      directory(path, "rwx--x--x");
      directory(path.resolve("run"), "rwx------");
      var channel =
          FileChannel.open(
              path.resolve("run/lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      var lock = tryLock(channel);
      if (lock == null) {
        channel.close();
        throw new PlainError(
            "An assembly is already running in "
                + path
                + "; stop it first, or name another directory with --data.");
      }
      return new DataDir(path, channel, lock);
    } catch (AccessDeniedException e) {
      throw new PlainError("The data directory " + path + " cannot be written: access denied.");
    } catch (FileSystemException e) {
      throw new PlainError("The data directory " + path + " cannot be used: " + reason(e) + ".");
    } catch (IOException e) {
      throw new PlainError("The data directory " + path + " cannot be used: " + e.getMessage());
    }
  }

  private static String reason(FileSystemException e) {
    var reason = e.getReason();
    return reason == null ? e.getClass().getSimpleName() + " " + e.getFile() : reason;
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException sameProcess) {
      return null;
    }
  }

  private static void directory(Path directory, String permissions) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(permissions));
    }
  }

  public Path path() {
    return path;
  }

  public Path run() {
    return path.resolve("run");
  }

  @Override
  public void close() {
    try {
      lock.release();
      channel.close();
    } catch (IOException alreadyClosed) {
      // The kernel drops the lock with the process in any case.
    }
  }
}
