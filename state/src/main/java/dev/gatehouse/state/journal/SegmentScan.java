package dev.gatehouse.state.journal;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32C;

/// What reading a segment from its beginning found.
///
/// A bad place is *torn* when nothing intact follows it: the process was killed while it wrote, and
/// had acknowledged nothing of it. When something intact follows, or when a sealed segment ends
/// early, it is *damage*: what stood there may have been acknowledged.
///
/// @param end behind the last intact record
/// @param records how many are intact
/// @param firstEpoch the least of the owner's records, [Long#MAX_VALUE] where there is none
/// @param released the greatest epoch that a record says is not needed any more
/// @param torn whether bytes of a record that was never finished stand behind the end
/// @param damagedAt where intact records are missing
record SegmentScan(
    int end,
    int records,
    long firstEpoch,
    long lastEpoch,
    long released,
    boolean torn,
    Optional<Integer> damagedAt) {

  /// @param upTo where to stop; behind it somebody may be writing
  static SegmentScan read(
      ByteBuffer segment, Layout.Header header, int upTo, RecordVisitor visitor) {
    return new Reader(segment, header, upTo).read(visitor);
  }

  /// The checksum of the record at `at`, whose body is `size` bytes.
  static int crc(CRC32C crc, ByteBuffer place, long salt, ByteBuffer segment, int at, int size) {
    crc.reset();
    crc.update(place.clear().putLong(salt).putInt(at).flip());
    crc.update(segment.slice(at + Layout.PREFIX, size));
    return (int) crc.getValue();
  }

  private static final class Reader {
    private final ByteBuffer segment;
    private final long salt;
    private final int limit;
    private final Optional<Layout.Seal> seal;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer place = ByteBuffer.allocate(12);

    Reader(ByteBuffer segment, Layout.Header header, int upTo) {
      this.segment = segment;
      salt = header.salt();
      limit = Math.min(segment.limit(), Math.min(upTo, Layout.limit(header.size())));
      seal = Layout.seal(segment);
    }

    SegmentScan read(RecordVisitor visitor) {
      int at = Layout.FIRST;
      int end = at;
      int records = 0;
      long first = Long.MAX_VALUE;
      long last = 0;
      long released = 0;
      var damagedAt = Optional.<Integer>empty();
      boolean torn = false;
      while (true) {
        int size = intact(at);
        if (size == 0) {
          int next = nextIntact(at);
          torn = next < 0 && !isZero(at);
          if (next < 0) {
            break;
          }
          damagedAt = damagedAt.isPresent() ? damagedAt : Optional.of(at);
          at = next;
          continue;
        }
        byte type = segment.get(at + Layout.PREFIX);
        long epoch = segment.getLong(at + Layout.PREFIX + 1);
        if (type == Layout.RELEASED) {
          released = Math.max(released, epoch);
        } else {
          first = Math.min(first, epoch);
          last = Math.max(last, epoch);
          visitor.visit(
              epoch, type, segment.slice(at + Layout.PREFIX + Layout.BODY, size - Layout.BODY));
        }
        records++;
        at += Layout.PREFIX + size;
        end = at;
      }
      int behind = end;
      if (damagedAt.isEmpty() && seal.filter(sealed -> sealed.end() != behind).isPresent()) {
        damagedAt = Optional.of(end);
      }
      return new SegmentScan(end, records, first, last, released, torn, damagedAt);
    }

    /// The size of the intact record's body at `at`, 0 when none is there.
    private int intact(int at) {
      if (limit - at < Layout.PREFIX + Layout.BODY) {
        return 0;
      }
      int size = segment.getInt(at);
      boolean possible = size >= Layout.BODY && size <= limit - at - Layout.PREFIX;
      return possible && segment.getInt(at + 4) == crc(crc, place, salt, segment, at, size)
          ? size
          : 0;
    }

    private int nextIntact(int from) {
      if (seal.filter(sealed -> sealed.end() == from).isPresent()) {
        return -1;
      }
      for (int at = from + 1; at < limit; at++) {
        // Most of it is zeros, and a length never begins eight of them.
        while (at + 8 <= limit && segment.getLong(at) == 0) {
          at += 5;
        }
        if (intact(at) > 0) {
          return at;
        }
      }
      return -1;
    }

    private boolean isZero(int from) {
      int at = from;
      while (at + 8 <= limit && segment.getLong(at) == 0) {
        at += 8;
      }
      while (at < limit && segment.get(at) == 0) {
        at++;
      }
      return at >= limit;
    }
  }
}
