package dev.gatehouse.edge.auth;

import dev.gatehouse.http.Json;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/// A token on the disk: a file that only its owner can read, replaced as a whole.
///
/// A server may give a new refresh token with every use and forget the old one. So the new one is
/// on the disk, flushed, before anybody uses what came with it, and of all processes that share the
/// directory one at a time renews, under a lock of the kernel's.
///
/// **Concurrency.** The kernel's locks are between processes; threads of this one, such as those of
/// an old and a new configuration, take turns by a lock of their own before it. Nobody waits for
/// either for longer than [#PATIENCE]: a process that stopped in the middle of a renewal must not
/// stop all others for ever.
record TokenFile(Path directory, String name) {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// How long a token lives that does not say when it was given, as earlier versions wrote it.
  private static final Duration USUAL = Duration.ofHours(1);

  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  /// One for each file that this process has had to do with: a handful.
  private static final Map<Path, ReentrantLock> TURNS = new ConcurrentHashMap<>();

  /// What is kept.
  ///
  /// @param from when it was given
  record Kept(String access, Instant from, Instant until, Optional<String> refresh) {
    /// Without the tokens.
    @Override
    public String toString() {
      return "a token until " + until;
    }
  }

  interface Work<T> {
    T run() throws IOException;
  }

  /// Runs `work` while nobody else does.
  <T> T alone(Work<T> work) throws IOException {
    var turn =
        TURNS.computeIfAbsent(path().toAbsolutePath().normalize(), fresh -> new ReentrantLock());
    try {
      if (!turn.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw busy();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while another renews the token");
    }
    try {
      return aloneOfAllProcesses(work);
    } finally {
      turn.unlock();
    }
  }

  private IOException busy() {
    return new IOException(
        "another has been renewing the token for " + PATIENCE.toSeconds() + " s, see " + path());
  }

  private <T> T aloneOfAllProcesses(Work<T> work) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var channel =
            FileChannel.open(
                directory.resolve(name + ".lock"),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                owner);
        var _ = lock(channel)) {
      return work.run();
    }
  }

  /// The kernel cannot be asked to wait for so long and no longer.
  private FileLock lock(FileChannel channel) throws IOException {
    for (long tries = PATIENCE.dividedBy(LOOK_AGAIN); tries > 0; tries--) {
      var lock = channel.tryLock();
      if (lock != null) {
        return lock;
      }
      LockSupport.parkNanos(this, LOOK_AGAIN.toNanos());
    }
    throw busy();
  }

  Optional<Kept> read() throws IOException {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(path());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    try {
      var json = Json.parse(bytes);
      var until = Instant.parse(json.path("until").asString());
      return Optional.of(
          new Kept(
              json.path("access").asString(),
              json.has("from") ? Instant.parse(json.path("from").asString()) : until.minus(USUAL),
              until,
              Optional.of(json.path("refresh").asString("")).filter(text -> !text.isEmpty())));
    } catch (RuntimeException e) {
      throw new IOException(path() + " is no token that we have written");
    }
  }

  void write(Kept kept) throws IOException {
    var json = new LinkedHashMap<String, Object>();
    json.put("access", kept.access);
    json.put("from", kept.from.toString());
    json.put("until", kept.until.toString());
    kept.refresh.ifPresent(refresh -> json.put("refresh", refresh));
    var next = directory.resolve(name + ".next");
    Files.deleteIfExists(next);
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var channel =
        FileChannel.open(
            next, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      var bytes = ByteBuffer.wrap(Json.bytes(json));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(next, path(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  Path path() {
    return directory.resolve(name + ".json");
  }
}
