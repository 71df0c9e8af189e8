package dev.gatehouse.state.journal;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads segments that a former process left, and makes bad ones good before anybody goes on.
///
/// A torn tail is zeroed. A damaged file is set aside as `.damaged`, and what is intact of it is
/// copied to a clean one in its place; the copy is complete under another name before the damaged
/// file is touched, so a kill in between loses nothing.
final class Repair {
  static final String DAMAGED = ".damaged";
  private static final String CLEAN = ".clean";
  private static final Logger LOG = LoggerFactory.getLogger(Repair.class);

  private Repair() {}

  /// What a former process' segment is.
  ///
  /// @param seal present where it is sealed
  record Found(Path file, Layout.Header header, Optional<Layout.Seal> seal) {}

  /// Finishes or forgets what a killed process had begun.
  static void tidy(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      for (var file : files.toList()) {
        var name = file.getFileName().toString();
        if (name.endsWith(CLEAN)) {
          var original = sibling(file, name.substring(0, name.length() - CLEAN.length()));
          if (Files.exists(original)) {
            Files.delete(file);
          } else {
            Files.move(file, original, StandardCopyOption.ATOMIC_MOVE);
          }
        } else if (name.endsWith(".new")) {
          Files.delete(file);
        }
      }
    }
  }

  /// Empty when not even the header can be read: then the file is set aside.
  static Optional<Found> look(Path file) throws IOException {
    var found =
        mapped(
            file,
            bytes ->
                Layout.header(bytes).map(header -> new Found(file, header, Layout.seal(bytes))));
    if (found.isEmpty()) {
      var aside = aside(file);
      LOG.error(
          "journal segment {} has no readable header: none of its records could be read and what"
              + " they counted is missing; it is set aside as {}",
          file,
          aside.getFileName());
    }
    return found;
  }

  /// Shows the intact records before `upTo`; leaves the file as it is.
  static SegmentScan scan(Found found, int upTo, RecordVisitor visitor) throws IOException {
    return mapped(found.file(), bytes -> SegmentScan.read(bytes, found.header(), upTo, visitor));
  }

  /// Scans a segment, and makes it clean if it is not.
  static SegmentScan cleanse(Found found) throws IOException {
    var scan = scan(found, Integer.MAX_VALUE, (epoch, type, payload) -> {});
    if (scan.damagedAt().isPresent()) {
      return replace(found, scan);
    }
    if (scan.torn()) {
      LOG.info(
          "journal segment {}: the last record was never finished, so never acknowledged; it is cut"
              + " at {}",
          found.file(),
          scan.end());
      zeroFrom(found.file(), scan.end(), Layout.limit(found.header().size()));
    }
    return scan;
  }

  private static SegmentScan replace(Found found, SegmentScan bad) throws IOException {
    var clean = sibling(found.file(), found.file().getFileName() + CLEAN);
    try (var segment = Segment.create(clean, found.header(), true)) {
      scan(
          found,
          Integer.MAX_VALUE,
          (epoch, type, payload) -> {
            var copy = new byte[payload.remaining()];
            payload.get(copy);
            segment.append(epoch, type, copy, copy.length);
          });
      if (found.seal().isPresent()) {
        segment.seal();
      }
      segment.force();
    }
    var aside = aside(found.file());
    Files.move(clean, found.file(), StandardCopyOption.ATOMIC_MOVE);
    LOG.error(
        "journal segment {} is damaged at offset {}: {} of {} records could be read and are"
            + " replayed, what the others counted is missing; the damaged file is set aside as {}",
        found.file(),
        bad.damagedAt().orElseThrow(),
        bad.records(),
        found.seal().map(seal -> Integer.toString(seal.records())).orElse("an unknown number of"),
        aside.getFileName());
    var again = look(found.file()).orElseThrow();
    return scan(again, Integer.MAX_VALUE, (epoch, type, payload) -> {});
  }

  private static void zeroFrom(Path file, int from, int to) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.position(from);
      var zeros = ByteBuffer.allocate(64 << 10);
      for (int left = to - from; left > 0; ) {
        zeros.clear().limit(Math.min(zeros.capacity(), left));
        left -= channel.write(zeros);
      }
      channel.force(false);
    }
  }

  private static Path aside(Path file) throws IOException {
    for (int i = 1; ; i++) {
      var aside = sibling(file, file.getFileName() + (i == 1 ? "" : "." + i) + DAMAGED);
      if (!Files.exists(aside)) {
        return Files.move(file, aside);
      }
    }
  }

  private static Path sibling(Path file, String name) {
    return file.resolveSibling(name);
  }

  private interface Reading<T> {
    T read(ByteBuffer bytes);
  }

  private static <T> T mapped(Path file, Reading<T> reading) throws IOException {
    try (var arena = Arena.ofConfined();
        var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = Math.min(channel.size(), Integer.MAX_VALUE);
      return reading.read(channel.map(MapMode.READ_ONLY, 0, size, arena).asByteBuffer());
    }
  }
}
