package dev.gatehouse.http;

import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// The id that names one request in every answer and log line.
///
/// A client's own is kept when it is a plain token of at most 128 characters, so that nothing odd
/// gets into a log.
final class RequestIds {
  private static final int LONGEST = 128;
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private RequestIds() {}

  static String of(@Nullable String own) {
    return own != null && isPlain(own) ? own : fresh();
  }

  /// 128 random bits in hexadecimal. Unique, not secret, so the generator need not be a strong one.
  static String fresh() {
    var random = ThreadLocalRandom.current();
    var chars = new char[32];
    fill(chars, 0, random.nextLong());
    fill(chars, 16, random.nextLong());
    return new String(chars);
  }

  private static void fill(char[] chars, int from, long bits) {
    for (int i = 0; i < 16; i++) {
      chars[from + i] = HEX[(int) (bits >>> (60 - 4 * i)) & 0xf];
    }
  }

  private static boolean isPlain(String id) {
    if (id.isEmpty() || id.length() > LONGEST) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_'
              || c == '.';
      if (!plain) {
        return false;
      }
    }
    return true;
  }
}
