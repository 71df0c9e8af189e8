package dev.gatehouse.app.logs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads a log that is moved aside as it grows (`NAME`, then `NAME.1`, `NAME.2`, ...), from its
/// oldest line on, and goes on where it stopped.
///
/// All files are opened at the beginning: an open file keeps its content whatever it is called by
/// then, so none is read twice or missed while they are moved.
final class LogFollower implements AutoCloseable {
  private static final int MOST_FILES = 1000;

  /// A file, and what tells it from the others whatever its name is.
  private record Part(InputStream in, Object key) {}

  private final Path file;
  private final ArrayDeque<Part> parts = new ArrayDeque<>();
  private final ByteArrayOutputStream begun = new ByteArrayOutputStream();
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int end;
  private @Nullable Object current;

  private LogFollower(Path file) {
    this.file = file;
  }

  static LogFollower open(Path file) throws IOException {
    var follower = new LogFollower(file);
    follower.queue(null);
    return follower;
  }

  /// Opens what is younger than the file `known`, all if null. It may have been moved aside more
  /// than once since it was looked at.
  private void queue(@Nullable Object known) throws IOException {
    var seen = new HashSet<Object>();
    // Youngest first: what is moved on meanwhile is found again under its next number, and left.
    for (int i = 0; i < MOST_FILES; i++) {
      var found = part(i == 0 ? file : file.resolveSibling(file.getFileName() + "." + i));
      if (found.isEmpty()) {
        if (i > 0) {
          break;
        }
        continue;
      }
      var part = found.get();
      if (part.key.equals(known)) {
        part.in.close();
        break;
      }
      if (seen.add(part.key)) {
        parts.addFirst(part);
      } else {
        part.in.close();
      }
    }
  }

  private static Optional<Part> part(Path path) throws IOException {
    while (true) {
      var key = key(path);
      InputStream in;
      try {
        in = Files.newInputStream(path);
      } catch (NoSuchFileException none) {
        return Optional.empty();
      }
      // Else another file came to be called so meanwhile.
      if (key.equals(key(path))) {
        return Optional.of(new Part(in, key.orElse(path)));
      }
      in.close();
    }
  }

  private static Optional<Object> key(Path path) {
    try {
      return Optional.ofNullable(Files.readAttributes(path, BasicFileAttributes.class).fileKey());
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  /// The next whole line; empty when there is none yet.
  Optional<String> next() throws IOException {
    while (true) {
      for (int i = at; i < end; i++) {
        if (buffer[i] == '\n') {
          begun.write(buffer, at, i - at);
          at = i + 1;
          var line = begun.toString(StandardCharsets.UTF_8);
          begun.reset();
          return Optional.of(line);
        }
      }
      begun.write(buffer, at, end - at);
      at = 0;
      end = 0;
      if (!fill()) {
        return Optional.empty();
      }
    }
  }

  /// Reads on, in the next file when this one is at its end and is not written to any more.
  private boolean fill() throws IOException {
    while (!parts.isEmpty()) {
      var part = parts.getFirst();
      current = part.key;
      boolean last = parts.size() == 1;
      // Asked before it is read: what was written before it was moved aside is in it by then.
      var moved = last && key(file).filter(now -> !now.equals(current)).isPresent();
      int read = part.in.read(buffer);
      if (read > 0) {
        end = read;
        return true;
      }
      if (last && !moved) {
        return false;
      }
      parts.removeFirst();
      if (moved) {
        queue(current);
      }
      part.in.close();
    }
    queue(current);
    return !parts.isEmpty() && fill();
  }

  @Override
  public void close() throws IOException {
    for (var part : parts) {
      part.in.close();
    }
  }
}
