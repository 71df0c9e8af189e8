package dev.gatehouse.edge.limit;

import java.util.List;

/// A text in which `*` stands for any other, also an empty one.
///
/// Not a regular expression: a client sends the text that is matched, and no text makes this slow.
public record Wildcard(String text) {
  boolean exact() {
    return text.indexOf('*') < 0;
  }

  boolean matches(String other) {
    if (exact()) {
      return text.equals(other);
    }
    var parts = List.of(text.split("\\*", -1));
    int last = parts.size() - 1;
    var end = parts.get(last);
    int at = parts.getFirst().length();
    if (!other.startsWith(parts.getFirst())
        || !other.endsWith(end)
        || other.length() < at + end.length()) {
      return false;
    }
    for (int i = 1; i < last; i++) {
      int found = other.indexOf(parts.get(i), at);
      if (found < 0) {
        return false;
      }
      at = found + parts.get(i).length();
    }
    return at + end.length() <= other.length();
  }

  @Override
  public String toString() {
    return text;
  }
}
