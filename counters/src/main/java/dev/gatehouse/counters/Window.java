package dev.gatehouse.counters;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/// The increments of one span of time, by key, in the order of keys.
///
/// While it is open, increments are added to it under [Pending]'s lock. Once it is closed nothing
/// in it changes any more, its keys are cut into chunks, and each chunk keeps its number for good:
/// the number is what the ledger knows it by.
final class Window {
  /// What is added to the totals in one transaction.
  ///
  /// @param number from 0, in the order of keys
  record Chunk(long window, int number, List<String> keys, List<BigInteger> deltas) {}

  /// How far this process' chunks are in the totals, as one snapshot of the database says it:
  /// chunks are flushed strictly in order, so all up to this one are in it and none after it.
  record Flushed(long window, int chunk) {
    static final Flushed NOTHING = new Flushed(0, 0);
  }

  /// From 1, without gaps.
  private final long number;

  private final NavigableMap<String, Delta> deltas = new TreeMap<>(Keys.ORDER);
  private final NavigableMap<String, Integer> chunkStarts = new TreeMap<>(Keys.ORDER);
  private long openedAt;
  private long bytes;

  Window(long number) {
    this.number = number;
  }

  long number() {
    return number;
  }

  int keys() {
    return deltas.size();
  }

  /// What its keys take in memory, estimated.
  long bytes() {
    return bytes;
  }

  /// The nano ticker at its first increment; means nothing while there is none.
  long openedAt() {
    return openedAt;
  }

  boolean has(String key) {
    return deltas.containsKey(key);
  }

  static long bytesOf(String key) {
    return 160 + 2L * key.length();
  }

  void add(String key, long value, long nanos) {
    if (deltas.isEmpty()) {
      openedAt = nanos;
    }
    var delta = deltas.get(key);
    if (delta == null) {
      delta = new Delta();
      deltas.put(key, delta);
      bytes += bytesOf(key);
    }
    delta.add(value);
  }

  /// Cuts a closed window; the caller publishes the result with [#cutAt] before it flushes one.
  List<Chunk> cut(int chunkKeys) {
    var chunks = new ArrayList<Chunk>();
    var keys = new ArrayList<String>();
    var sums = new ArrayList<BigInteger>();
    for (var entry : deltas.entrySet()) {
      keys.add(entry.getKey());
      sums.add(entry.getValue().total());
      if (keys.size() == chunkKeys) {
        chunks.add(new Chunk(number, chunks.size(), List.copyOf(keys), List.copyOf(sums)));
        keys.clear();
        sums.clear();
      }
    }
    if (!keys.isEmpty()) {
      chunks.add(new Chunk(number, chunks.size(), List.copyOf(keys), List.copyOf(sums)));
    }
    return chunks;
  }

  void cutAt(List<Chunk> chunks) {
    for (var chunk : chunks) {
      chunkStarts.put(chunk.keys().getFirst(), chunk.number());
    }
  }

  /// The part of `range` that is not in a snapshot which has all chunks up to `flushed`. Chunks are
  /// flushed in the order of keys, so that part is the end of the window.
  Map<String, Delta> missing(Keys.Range range, Flushed flushed) {
    if (number < flushed.window()) {
      return Map.of();
    }
    var from = range.from();
    if (number == flushed.window()) {
      var rest =
          chunkStarts.entrySet().stream()
              .filter(start -> start.getValue() > flushed.chunk())
              .map(Map.Entry::getKey)
              .findFirst();
      if (rest.isEmpty()) {
        return Map.of();
      }
      if (Keys.ORDER.compare(rest.get(), from) > 0) {
        from = rest.get();
      }
    }
    return Keys.ORDER.compare(from, range.to()) >= 0
        ? Map.of()
        : deltas.subMap(from, true, range.to(), false);
  }
}
