package dev.gatehouse.counters;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import java.util.Comparator;

/// What a key is, and the order of keys.
final class Keys {
  /// In characters, that is code points.
  static final int MAX_LENGTH = 512;

  private static final String LAST = new String(Character.toChars(Character.MAX_CODE_POINT));

  /// By code point, which is what Postgres' collation "C" makes of UTF-8; Java's own order differs
  /// beyond U+FFFF.
  static final Comparator<String> ORDER = Keys::compare;

  private Keys() {}

  /// @throws dev.gatehouse.http.Refusal 400 that names the field
  static String check(String key) {
    if (key.isEmpty() || key.codePointCount(0, key.length()) > MAX_LENGTH) {
      throw Problem.badField("key", "The key must be 1 to " + MAX_LENGTH + " characters.")
          .refusal();
    }
    if (!Json.isStorable(key)) {
      throw Problem.badField("key", "The key must not contain U+0000 or lone surrogates.")
          .refusal();
    }
    return key;
  }

  /// Keys from `from` up to, without, `to`.
  record Range(String from, String to) {
    /// U+0001 is the least character of a key, so the first string after `key` is `key` and it.
    static Range one(String key) {
      return new Range(key, key + '\u0001');
    }

    /// The keys that begin with `prefix` and come after `after`. All of them are shorter than, and
    /// so before, `prefix` followed by as many greatest characters as a key can have.
    static Range page(String prefix, String after) {
      var next = after.isEmpty() ? "" : after + '\u0001';
      return new Range(
          ORDER.compare(prefix, next) > 0 ? prefix : next, prefix + LAST.repeat(MAX_LENGTH));
    }

    boolean has(String key) {
      return ORDER.compare(key, from) >= 0 && ORDER.compare(key, to) < 0;
    }

    boolean isEmpty() {
      return ORDER.compare(from, to) >= 0;
    }
  }

  private static int compare(String a, String b) {
    int length = Math.min(a.length(), b.length());
    for (int i = 0; i < length; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean beyond = Character.isSurrogate(x);
        return beyond == Character.isSurrogate(y) ? x - y : beyond ? 1 : -1;
      }
    }
    return a.length() - b.length();
  }
}
