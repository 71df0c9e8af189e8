package dev.gatehouse.counters;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Sums by key: found by hash, and listed in the order they came.
///
/// A hash and not a tree, since an increment must cost one look-up; whoever needs the order of keys
/// sorts. The list only grows, so a reader takes it and its length under [Pending]'s lock and walks
/// the keys of a million without it.
final class Sums {
  private final Map<String, Delta> byKey = new HashMap<>();
  private Delta[] list = new Delta[16];
  private int size;
  private long bytes;
  private boolean heavy;

  /// The keys there were at one moment; the sums behind them go on changing while the window is
  /// open.
  record Listed(Delta[] list, int size) {}

  void add(String key, long value) {
    var delta = byKey.get(key);
    if (delta == null) {
      delta = new Delta(key);
      byKey.put(key, delta);
      if (size == list.length) {
        list = Arrays.copyOf(list, size * 2);
      }
      list[size++] = delta;
      bytes += Window.bytesOf(key);
    }
    delta.add(value);
    heavy |= delta.isHeavy();
  }

  @Nullable Delta get(String key) {
    return byKey.get(key);
  }

  int size() {
    return size;
  }

  /// In memory, estimated.
  long bytes() {
    return bytes;
  }

  boolean heavy() {
    return heavy;
  }

  Listed listed() {
    return new Listed(list, size);
  }

  /// A copy in the order of keys.
  Delta[] sorted() {
    var sorted = Arrays.copyOf(list, size);
    Arrays.sort(sorted, (a, b) -> Keys.ORDER.compare(a.key(), b.key()));
    return sorted;
  }
}
