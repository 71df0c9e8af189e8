package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.counters.Window.Cuts;
import dev.gatehouse.state.journal.Journal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/// What the counters write into a [Journal], and windows rebuilt from it. A window's number is the
/// epoch of its records.
///
/// ```
/// ITEMS  (value 8, length of key 2, key)*
/// ONCE   length of id 2, id, body's digest 32, then as ITEMS
/// CUT    count of ids 4, count of keys 4, then (length 2, text)*
/// ```
final class CounterJournal {
  private static final byte ITEMS = 1;
  private static final byte ONCE = 2;
  private static final byte CUT = 3;
  private static final int DIGEST = 32;

  private final Journal journal;

  CounterJournal(Journal journal) {
    this.journal = journal;
  }

  UUID id() {
    return journal.id();
  }

  Journal journal() {
    return journal;
  }

  static byte[] encode(List<Item> items) {
    var keys = new byte[items.size()][];
    int size = 0;
    for (int i = 0; i < keys.length; i++) {
      keys[i] = items.get(i).key().getBytes(StandardCharsets.UTF_8);
      size += 10 + keys[i].length;
    }
    var bytes = ByteBuffer.allocate(size);
    for (int i = 0; i < keys.length; i++) {
      bytes.putLong(items.get(i).value()).putShort((short) keys[i].length).put(keys[i]);
    }
    return bytes.array();
  }

  /// @throws dev.gatehouse.state.journal.JournalFull when there is no room; then nothing is in it
  void append(long window, Increment increment) {
    var items = increment.encoded();
    if (increment.once().isEmpty()) {
      journal.append(window, ITEMS, items, items.length);
      return;
    }
    var once = increment.once().get();
    var id = once.id().getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(2 + id.length + DIGEST + items.length);
    bytes.putShort((short) id.length).put(id);
    bytes.put(once.body().getBytes(StandardCharsets.US_ASCII)).put(items);
    journal.append(window, ONCE, bytes.array(), bytes.capacity());
  }

  /// Writes down where a window is cut, before the first of its chunks is flushed.
  ///
  /// @throws dev.gatehouse.state.journal.JournalFull when there is no room
  void append(long window, Cuts cuts) {
    var texts = new ArrayList<byte[]>();
    int size = 8;
    for (var part : List.of(cuts.ids(), cuts.keys())) {
      for (var text : part) {
        texts.add(text.getBytes(StandardCharsets.UTF_8));
        size += 2 + texts.getLast().length;
      }
    }
    var bytes = ByteBuffer.allocate(size);
    bytes.putInt(cuts.ids().size()).putInt(cuts.keys().size());
    texts.forEach(text -> bytes.putShort((short) text.length).put(text));
    journal.append(window, CUT, bytes.array(), size);
  }

  /// Closed windows as they were.
  ///
  /// @param cuts of those that were cut
  record Rebuilt(TreeMap<Long, Window> windows, Map<Long, Cuts> cuts) {}

  /// The windows after `after` up to `upTo`, as far as the journal still has them.
  Rebuilt rebuild(long after, long upTo, long nanos) throws IOException {
    var rebuilt = new Rebuilt(new TreeMap<>(), new HashMap<>());
    journal.replay(
        after,
        upTo,
        (window, type, payload) -> {
          switch (type) {
            case ITEMS -> {
              var into = rebuilt.windows().computeIfAbsent(window, Window::new);
              while (payload.hasRemaining()) {
                var item = item(payload);
                into.add(item.key(), item.value(), nanos);
              }
            }
            case ONCE -> {
              var id = text(payload, payload.getShort());
              var once = new Once(id, text(payload, DIGEST));
              var items = new ArrayList<Item>();
              while (payload.hasRemaining()) {
                items.add(item(payload));
              }
              rebuilt
                  .windows()
                  .computeIfAbsent(window, Window::new)
                  .add(new Window.Request(once, items), nanos);
            }
            case CUT -> rebuilt.cuts().put(window, cuts(payload));
            default -> throw new IllegalStateException("the journal has records of type " + type);
          }
        });
    rebuilt
        .windows()
        .forEach((number, window) -> {
          if (!rebuilt.cuts().containsKey(number)) {
            window.foundUncut();
          }
        });
    return rebuilt;
  }

  /// The numbers of the windows after `after` up to `upTo` that it has anything of.
  SortedSet<Long> windows(long after, long upTo) throws IOException {
    var numbers = new TreeSet<Long>();
    journal.replay(
        after,
        upTo,
        (window, type, payload) -> {
          if (type != CUT) {
            numbers.add(window);
          }
        });
    return numbers;
  }

  private static Cuts cuts(ByteBuffer payload) {
    int ids = payload.getInt();
    int keys = payload.getInt();
    return new Cuts(texts(payload, ids), texts(payload, keys));
  }

  private static List<String> texts(ByteBuffer payload, int count) {
    var texts = new ArrayList<String>(count);
    for (int i = 0; i < count; i++) {
      texts.add(text(payload, payload.getShort()));
    }
    return texts;
  }

  private static Item item(ByteBuffer payload) {
    long value = payload.getLong();
    return new Item(text(payload, payload.getShort()), value);
  }

  private static String text(ByteBuffer payload, int length) {
    var bytes = new byte[length];
    payload.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
