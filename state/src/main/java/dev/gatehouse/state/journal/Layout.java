package dev.gatehouse.state.journal;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/// Where things stand in a segment, version 1; all numbers are big-endian.
///
/// ```
/// 0    header: magic, journal's uuid, number, salt, released epoch, size, CRC32C
/// 64   seal: records, end, first epoch, last epoch, CRC32C; zeros while the segment is open
/// 128  records, each: length of body, CRC32C, body (type 1, epoch 8, payload)
/// -64  the header once more
/// ```
///
/// A record's checksum begins with the segment's salt and the record's place. Bytes that somebody
/// else chose, a key that looks like a record, can therefore never pass for a record when a torn
/// tail or a damaged file is searched for what is intact.
final class Layout {
  static final int HEADER = 64;
  static final int FIRST = 128;

  /// Length and checksum.
  static final int PREFIX = 8;

  /// Type and epoch.
  static final int BODY = 9;

  /// The journal's own record: all epochs up to this one are not needed any more.
  static final byte RELEASED = 0;

  private static final long MAGIC = 0x47484a524e4c0001L;
  private static final int HEADER_USED = 56;
  private static final int SEAL_USED = 28;

  private Layout() {}

  /// @param released the epoch up to which nothing was needed when the segment was made
  record Header(UUID journal, long number, long salt, long released, int size) {}

  /// What a segment held when the next one was begun.
  record Seal(int records, int end, long firstEpoch, long lastEpoch) {}

  static void write(ByteBuffer segment, Header header) {
    for (int at : new int[] {0, header.size() - HEADER}) {
      segment.putLong(at, MAGIC);
      segment.putLong(at + 8, header.journal().getMostSignificantBits());
      segment.putLong(at + 16, header.journal().getLeastSignificantBits());
      segment.putLong(at + 24, header.number());
      segment.putLong(at + 32, header.salt());
      segment.putLong(at + 40, header.released());
      segment.putInt(at + 48, header.size());
      segment.putInt(at + HEADER_USED, crc(segment, at, HEADER_USED));
    }
  }

  static Optional<Header> header(ByteBuffer segment) {
    for (int at : new int[] {0, segment.limit() - HEADER}) {
      if (at >= 0
          && segment.limit() >= at + HEADER
          && segment.getLong(at) == MAGIC
          && segment.getInt(at + HEADER_USED) == crc(segment, at, HEADER_USED)) {
        return Optional.of(
            new Header(
                new UUID(segment.getLong(at + 8), segment.getLong(at + 16)),
                segment.getLong(at + 24),
                segment.getLong(at + 32),
                segment.getLong(at + 40),
                segment.getInt(at + 48)));
      }
    }
    return Optional.empty();
  }

  static void write(ByteBuffer segment, Seal seal) {
    segment.putInt(HEADER, seal.records());
    segment.putInt(HEADER + 4, seal.end());
    segment.putLong(HEADER + 8, seal.firstEpoch());
    segment.putLong(HEADER + 16, seal.lastEpoch());
    segment.putInt(HEADER + SEAL_USED, crc(segment, HEADER, SEAL_USED));
  }

  static Optional<Seal> seal(ByteBuffer segment) {
    var seal =
        new Seal(
            segment.getInt(HEADER),
            segment.getInt(HEADER + 4),
            segment.getLong(HEADER + 8),
            segment.getLong(HEADER + 16));
    boolean good =
        seal.end() >= FIRST
            && segment.getInt(HEADER + SEAL_USED) == crc(segment, HEADER, SEAL_USED);
    return good ? Optional.of(seal) : Optional.empty();
  }

  /// Where records must end.
  static int limit(int size) {
    return size - HEADER;
  }

  private static int crc(ByteBuffer segment, int from, int length) {
    var crc = new CRC32C();
    crc.update(segment.slice(from, length));
    return (int) crc.getValue();
  }
}
