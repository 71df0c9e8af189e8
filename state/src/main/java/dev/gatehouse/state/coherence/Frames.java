package dev.gatehouse.state.coherence;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// What goes over the bus: length and payload, a payload being a sequence number and changes.
///
/// The answer to each is its sequence number. Lengths are checked before anything is allocated.
final class Frames {
  /// The largest payload, in bytes. A change is a few hundred.
  static final int LARGEST = 1 << 20;

  private static final int LONGEST_TEXT = 8 << 10;

  /// @param through all changes up to this one have been told when this is read
  record Told(long through, List<Change> changes) {}

  private Frames() {}

  /// The frames that tell these changes, as bytes.
  static byte[] encode(long through, List<Change> changes) {
    var all = new ByteArrayOutputStream(64 + 64 * changes.size());
    var payload = new ByteArrayOutputStream(64 + 64 * changes.size());
    try {
      var out = new DataOutputStream(all);
      int from = 0;
      while (from < changes.size()) {
        payload.reset();
        int to = from;
        var part = new DataOutputStream(payload);
        while (to < changes.size() && payload.size() < LARGEST / 2) {
          write(part, changes.get(to++));
        }
        // Only the last frame says that all has been told.
        out.writeInt(payload.size() + Long.BYTES + Integer.BYTES);
        out.writeLong(to == changes.size() ? through : 0);
        out.writeInt(to - from);
        payload.writeTo(out);
        from = to;
      }
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return all.toByteArray();
  }

  private static void write(DataOutputStream out, Change change) throws IOException {
    text(out, change.space());
    text(out, change.key());
    out.writeLong(change.version());
  }

  private static void text(DataOutputStream out, String text) throws IOException {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > LONGEST_TEXT) {
      throw new IllegalArgumentException("A key of " + bytes.length + " bytes cannot be told.");
    }
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /// The next frame; waits for it.
  ///
  /// @throws IOException also when it is malformed: the connection is worth nothing any more
  static Told read(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < Long.BYTES + Integer.BYTES || length > LARGEST) {
      throw new IOException("a frame of " + length + " bytes");
    }
    var payload = in.readNBytes(length);
    if (payload.length < length) {
      throw new EOFException();
    }
    var part = new DataInputStream(new ByteArrayInputStream(payload));
    long through = part.readLong();
    int count = part.readInt();
    var changes = new ArrayList<Change>();
    for (int i = 0; i < count; i++) {
      changes.add(new Change(text(part), text(part), part.readLong()));
    }
    return new Told(through, changes);
  }

  private static String text(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > LONGEST_TEXT || length > in.available()) {
      throw new IOException("a text of " + length + " bytes");
    }
    return new String(in.readNBytes(length), StandardCharsets.UTF_8);
  }
}
