package dev.gatehouse.state.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The directory of one journal, locked for as long as this is open. Its name is the journal's
/// uuid.
///
/// The lock is the kernel's and ends with the process, however that ends; a process that is merely
/// stopped keeps it, so nobody takes its journal from under it. A directory that nobody locks was
/// left by a process that is gone, and whoever locks it may go on with it.
public final class JournalHome implements AutoCloseable {
  private static final String LOCK = "lock";

  /// POSIX locks are the process' and not the channel's: another channel on the same file would
  /// give the lock away when it is closed. So each directory is opened once in a process.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final UUID id;
  private final FileChannel channel;

  private JournalHome(Path directory, UUID id, FileChannel channel) {
    this.directory = directory;
    this.id = id;
    this.channel = channel;
  }

  /// The directories below `root` that nobody locks, as many as `most`, now locked by us.
  public static List<JournalHome> adopt(Path root, int most) throws IOException {
    var homes = new ArrayList<JournalHome>();
    if (!Files.isDirectory(root)) {
      return homes;
    }
    List<Path> found;
    try (var entries = Files.list(root)) {
      found = entries.sorted(Comparator.comparing(Path::toString)).toList();
    }
    try {
      for (var directory : found) {
        var id = id(directory);
        if (homes.size() < most && id != null && Files.isDirectory(directory)) {
          lock(directory, id).ifPresent(homes::add);
        }
      }
    } catch (IOException e) {
      for (var home : homes) {
        home.close();
      }
      throw e;
    }
    return homes;
  }

  /// A new directory below `root`.
  public static JournalHome create(Path root, UUID id) throws IOException {
    var directory = root.resolve(id.toString());
    Files.createDirectories(directory);
    return lock(directory, id)
        .orElseThrow(() -> new IOException(directory + " is locked by another process"));
  }

  private static Optional<JournalHome> lock(Path directory, UUID id) throws IOException {
    var real = directory.toAbsolutePath().normalize();
    if (!HELD.add(real)) {
      return Optional.empty();
    }
    Optional<JournalHome> home = Optional.empty();
    try {
      home = tryLock(real, id);
      return home;
    } finally {
      if (home.isEmpty()) {
        HELD.remove(real);
      }
    }
  }

  private static Optional<JournalHome> tryLock(Path directory, UUID id) throws IOException {
    var file = directory.resolve(LOCK);
    FileChannel channel;
    try {
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      return Optional.empty(); // drained and deleted since it was listed
    }
    try {
      FileLock lock = channel.tryLock();
      // Whoever drained it may have deleted it between our opening and our locking.
      if (lock != null && Files.exists(file)) {
        return Optional.of(new JournalHome(directory, id, channel));
      }
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    return Optional.empty();
  }

  private static @Nullable UUID id(Path directory) {
    try {
      return UUID.fromString(directory.getFileName().toString());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  public UUID id() {
    return id;
  }

  public Path directory() {
    return directory;
  }

  /// Deletes the directory with all that is in it but what was set aside as damaged, and unlocks
  /// it.
  public void delete() throws IOException {
    boolean emptied = true;
    try (var files = Files.list(directory)) {
      for (var file : files.toList()) {
        var name = file.getFileName().toString();
        if (name.endsWith(Repair.DAMAGED)) {
          emptied = false;
        } else if (!name.equals(LOCK)) {
          Files.delete(file);
        }
      }
    }
    if (emptied) {
      Files.delete(directory.resolve(LOCK));
      Files.delete(directory);
    }
    close();
  }

  /// Unlocks it.
  @Override
  public void close() throws IOException {
    channel.close();
    HELD.remove(directory);
  }
}
