package dev.gatehouse.edge.auth;

import dev.gatehouse.http.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.Set;

/// A token on the disk: a file that only its owner can read, replaced as a whole.
///
/// A server may give a new refresh token with every use and forget the old one. So the new one is
/// on the disk, flushed, before anybody uses what came with it, and of all processes that share the
/// directory one at a time renews, under a lock of the kernel's.
record TokenFile(Path directory, String name) {
  /// What is kept.
  record Kept(String access, Instant until, Optional<String> refresh) {
    /// Without the tokens.
    @Override
    public String toString() {
      return "a token until " + until;
    }
  }

  interface Work<T> {
    T run() throws IOException;
  }

  /// Runs `work` while no other process does; threads of this one must take turns by themselves.
  <T> T alone(Work<T> work) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var channel =
            FileChannel.open(
                directory.resolve(name + ".lock"),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                owner);
        var _ = channel.lock()) {
      return work.run();
    }
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
      return Optional.of(
          new Kept(
              json.path("access").asString(),
              Instant.parse(json.path("until").asString()),
              Optional.of(json.path("refresh").asString("")).filter(text -> !text.isEmpty())));
    } catch (RuntimeException e) {
      throw new IOException(path() + " is no token that we have written");
    }
  }

  void write(Kept kept) throws IOException {
    var json = new LinkedHashMap<String, Object>();
    json.put("access", kept.access);
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
