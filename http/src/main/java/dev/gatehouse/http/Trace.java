package dev.gatehouse.http;

import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A span of a sampled trace, as W3C Trace Context writes it in `traceparent`: what is done because
/// of it becomes a span below this one.
///
/// A trace that is not sampled is no `Trace`: nothing is written down for it, so that all which
/// costs something stands behind one question, whether there is one.
///
/// @param id of the trace: 32 hexadecimal digits
/// @param span 16 of them
public record Trace(String id, String span) {
  private static final Pattern HEADER =
      Pattern.compile(
          "(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?");

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  /// A trace that begins here. Ids are unique and not secret.
  public static Trace fresh() {
    var random = ThreadLocalRandom.current();
    return new Trace(hex(random.nextLong() | 1) + hex(random.nextLong()), spanId());
  }

  /// Of the field `traceparent`; empty when it is absent, not valid, or not sampled (section 3.2).
  public static Optional<Trace> sampled(@Nullable String header) {
    if (header == null) {
      return Optional.empty();
    }
    var parts = HEADER.matcher(header);
    return parts.matches()
            && isWhole(header, parts)
            && (Integer.parseInt(parts.group(3), 16) & 1) == 1
        ? Optional.of(new Trace(parts.group(1), parts.group(2)))
        : Optional.empty();
  }

  /// Whether a trace can be read from it, sampled or not.
  public static boolean isValid(String header) {
    var parts = HEADER.matcher(header);
    return parts.matches() && isWhole(header, parts);
  }

  /// Version 00 has four parts and no more.
  private static boolean isWhole(String header, Matcher parts) {
    return !header.startsWith("00") || parts.group(4) == null;
  }

  /// A span of the same trace with an id of its own.
  public Trace child() {
    return new Trace(id, spanId());
  }

  /// As `traceparent`.
  public String header() {
    return "00-" + id + "-" + span + "-01";
  }

  private static String spanId() {
    return hex(ThreadLocalRandom.current().nextLong() | 1);
  }

  private static String hex(long bits) {
    var chars = new char[16];
    for (int i = 0; i < 16; i++) {
      chars[i] = HEX[(int) (bits >>> (60 - 4 * i)) & 0xf];
    }
    return new String(chars);
  }
}
