package dev.gatehouse.app.logs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/// Everything an assembly's processes say, as JSON lines in files that are bounded in size and
/// number: `gatehouse.log`, and older ones with a number behind it.
///
/// Lines are written one by one and as a whole, so whoever reads the files at the same time
/// ([LogFollower]) finds only whole ones, but for the last. When the disk is full the assembly runs
/// on: lines are lost, it is said once on standard error, and the first that can be written again
/// follows one that says how many are missing.
public final class LogBook implements AutoCloseable {
  /// How many files there are, the present one among them.
  static final int FILES = 10;

  static final String NAME = "gatehouse.log";

  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final Path directory;
  private final long largest;
  private final InstantSource clock;
  private Optional<FileChannel> channel = Optional.empty();
  private Instant tryAt = Instant.EPOCH;
  private long size;
  private long lost;

  /// @param keep how many bytes all files may have together
  public LogBook(Path directory, long keep, InstantSource clock) {
    this.directory = directory;
    this.largest = Math.max(1, keep / FILES);
    this.clock = clock;
  }

  /// Where those of an assembly lie.
  public static Path in(Path data) {
    return data.resolve("logs");
  }

  /// Writes one line; never throws.
  public synchronized void add(String line) {
    if (channel.isEmpty() && clock.instant().isBefore(tryAt)) {
      lost++;
      return;
    }
    try {
      if (channel.isEmpty()) {
        open();
      }
      if (lost > 0) {
        write(LogLine.wrap("supervisor", lost + " lines are missing here", clock.instant()));
        lost = 0;
      }
      write(line);
      if (size >= largest) {
        turn();
      }
    } catch (IOException e) {
      if (lost++ == 0) {
        System.err.println(
            "gatehouse: the log in "
                + directory
                + " cannot be written ("
                + e
                + "); lines are missing there until it can");
      }
      close();
      tryAt = clock.instant().plus(AGAIN);
    }
  }

  private void open() throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    var file =
        FileChannel.open(
            directory.resolve(NAME),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND);
    channel = Optional.of(file);
    size = file.size();
    if (size > 0) {
      // What a crash tore in two must not swallow the next line.
      write("");
    }
  }

  private void write(String line) throws IOException {
    var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    var file = channel.orElseThrow();
    while (bytes.hasRemaining()) {
      size += file.write(bytes);
    }
  }

  /// The oldest is overwritten, each other one moves on, and a new one begins with the next line.
  private void turn() throws IOException {
    close();
    for (int i = FILES - 1; i > 0; i--) {
      var from = i == 1 ? directory.resolve(NAME) : directory.resolve(NAME + "." + (i - 1));
      if (Files.exists(from)) {
        Files.move(from, directory.resolve(NAME + "." + i), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @Override
  public synchronized void close() {
    try {
      if (channel.isPresent()) {
        channel.get().close();
      }
    } catch (IOException lostAnyway) {
      // There is nobody left to tell.
    }
    channel = Optional.empty();
  }
}
