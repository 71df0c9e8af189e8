package dev.gatehouse.state.journal;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/// One file of a journal that can be appended to: it is mapped, and made in full before it is used.
///
/// An append copies bytes into the mapping and makes no system call. The dirty pages belong to the
/// kernel, so they survive the process. Every block of the file exists before it is mapped: a full
/// disk is met when a segment is made, as an exception, and not on a store, as SIGBUS.
///
/// Guarded by its [Journal]'s lock, except for [#force] and [#close].
final class Segment implements AutoCloseable {
  private static final int ZEROS = 64 << 10;

  private final Path file;
  private final Layout.Header header;
  private final Arena arena;
  private final MemorySegment memory;
  private final ByteBuffer bytes;
  private final CRC32C crc = new CRC32C();
  private final ByteBuffer place = ByteBuffer.allocate(12);

  private int end;
  private int records;
  private long firstEpoch = Long.MAX_VALUE;
  private long lastEpoch;

  private Segment(Path file, Layout.Header header, Arena arena, MemorySegment memory) {
    this.file = file;
    this.header = header;
    this.arena = arena;
    this.memory = memory;
    this.bytes = memory.asByteBuffer();
    this.end = Layout.FIRST;
  }

  /// Makes the file in full; until it is, it has another name.
  ///
  /// @param sync whether it must be on the disk, and its name too, when this returns
  static Segment create(Path file, Layout.Header header, boolean sync) throws IOException {
    var unfinished = unfinished(file);
    try {
      try (var channel =
          FileChannel.open(
              unfinished,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        var zeros = ByteBuffer.allocate(ZEROS);
        for (int left = header.size(); left > 0; ) {
          zeros.clear().limit(Math.min(ZEROS, left));
          left -= channel.write(zeros);
        }
        if (sync) {
          channel.force(true);
        }
      }
      var segment = map(unfinished, file, header);
      Layout.write(segment.bytes, header);
      if (sync) {
        segment.memory.force();
      }
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
      if (sync) {
        try (var directory = FileChannel.open(file.toAbsolutePath().getParent())) {
          directory.force(true);
        }
      }
      return segment;
    } catch (IOException e) {
      Files.deleteIfExists(unfinished);
      throw e;
    }
  }

  /// Goes on with a file that was scanned and is clean.
  static Segment resume(Path file, Layout.Header header, SegmentScan scan) throws IOException {
    var segment = map(file, file, header);
    segment.end = scan.end();
    segment.records = scan.records();
    segment.firstEpoch = scan.firstEpoch();
    segment.lastEpoch = scan.lastEpoch();
    return segment;
  }

  static Path unfinished(Path file) {
    return file.resolveSibling(file.getFileName() + ".new");
  }

  private static Segment map(Path from, Path file, Layout.Header header) throws IOException {
    var arena = Arena.ofShared();
    try (var channel = FileChannel.open(from, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var memory = channel.map(MapMode.READ_WRITE, 0, header.size(), arena);
      return new Segment(file, header, arena, memory);
    } catch (IOException e) {
      arena.close();
      throw e;
    }
  }

  boolean fits(int payload) {
    return Layout.limit(header.size()) - end >= Layout.PREFIX + Layout.BODY + payload;
  }

  /// The length comes last: a process that is killed in between leaves a zero there, and so no
  /// record.
  void append(long epoch, byte type, byte[] payload, int length) {
    int body = end + Layout.PREFIX;
    int size = Layout.BODY + length;
    bytes.put(body, type);
    bytes.putLong(body + 1, epoch);
    bytes.put(body + Layout.BODY, payload, 0, length);
    bytes.putInt(end + 4, SegmentScan.crc(crc, place, header.salt(), bytes, end, size));
    VarHandle.releaseFence();
    bytes.putInt(end, size);
    end = body + size;
    records++;
    if (type != Layout.RELEASED) {
      firstEpoch = Math.min(firstEpoch, epoch);
      lastEpoch = Math.max(lastEpoch, epoch);
    }
  }

  void seal() {
    Layout.write(bytes, new Layout.Seal(records, end, firstEpoch, lastEpoch));
  }

  /// Everything that was appended before the call is on the disk when it returns.
  ///
  /// @throws java.io.UncheckedIOException when it is not
  void force() {
    memory.force();
  }

  Path file() {
    return file;
  }

  Layout.Header header() {
    return header;
  }

  int end() {
    return end;
  }

  boolean isEmpty() {
    return records == 0;
  }

  /// [Long#MAX_VALUE] where there is no record of the owner.
  long firstEpoch() {
    return firstEpoch;
  }

  long lastEpoch() {
    return lastEpoch;
  }

  /// What is appended afterwards fails; what was is safe.
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
