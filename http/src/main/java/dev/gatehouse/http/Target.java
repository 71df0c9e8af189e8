package dev.gatehouse.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A request target in origin form (RFC 9112 section 3.2.1): the bytes as they came and what they
/// mean.
///
/// Routes match the decoded segments while an origin gets the original bytes, so nothing may pass
/// here that could be read in two ways: dot segments (plain or encoded), backslashes, raw controls
/// and non-ASCII, `#`, and broken percent escapes are refused. An encoded slash is data inside its
/// segment. Empty segments are kept: `/a/` is `["a", ""]`.
///
/// @param raw path and query, byte for byte
/// @param rawPath the part of `raw` before the first `?`
/// @param segments the path's segments, percent-decoded as UTF-8
/// @param rawQuery the part after the `?`; empty when there is none
public record Target(String raw, String rawPath, List<String> segments, Optional<String> rawQuery) {

  /// @throws Refusal 400 with the reason
  public static Target parse(String raw) {
    if (raw.isEmpty() || raw.charAt(0) != '/') {
      throw bad("The request target must begin with '/'.");
    }
    int question = raw.indexOf('?');
    var path = question < 0 ? raw : raw.substring(0, question);
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c <= ' ' || c >= 0x7f) {
        throw bad("The request target has a character that must be percent-encoded.");
      }
      if (c == '#') {
        throw bad("The request target has a fragment.");
      }
      if (c == '\\' && i < path.length()) {
        throw bad("The path has a backslash.");
      }
    }
    var segments = new ArrayList<String>(6);
    int from = 1;
    while (true) {
      int slash = path.indexOf('/', from);
      int to = slash < 0 ? path.length() : slash;
      var segment = segment(path, from, to);
      segments.add(segment);
      if (slash < 0) {
        break;
      }
      from = slash + 1;
    }
    return new Target(
        raw,
        path,
        List.copyOf(segments),
        question < 0 ? Optional.empty() : Optional.of(raw.substring(question + 1)));
  }

  /// The first value of a query parameter, form-decoded; empty when it is absent.
  ///
  /// @throws Refusal 400 when the query has a broken escape
  public Optional<String> query(String name) {
    if (rawQuery.isEmpty()) {
      return Optional.empty();
    }
    for (var pair : rawQuery.get().split("&", -1)) {
      int equals = pair.indexOf('=');
      var key = equals < 0 ? pair : pair.substring(0, equals);
      if (formDecode(key).equals(name)) {
        return Optional.of(equals < 0 ? "" : formDecode(pair.substring(equals + 1)));
      }
    }
    return Optional.empty();
  }

  /// Every query parameter with its first value, form-decoded, in their order.
  ///
  /// @throws Refusal 400 when the query has a broken escape
  public Map<String, String> query() {
    var all = new LinkedHashMap<String, String>();
    for (var pair : rawQuery.orElse("").split("&")) {
      if (!pair.isEmpty()) {
        int equals = pair.indexOf('=');
        all.putIfAbsent(
            formDecode(equals < 0 ? pair : pair.substring(0, equals)),
            equals < 0 ? "" : formDecode(pair.substring(equals + 1)));
      }
    }
    return all;
  }

  /// One segment, percent-encoded so that it can stand in a path (RFC 3986 unreserved characters
  /// stay).
  public static String encodeSegment(String segment) {
    var out = new StringBuilder();
    for (byte b : segment.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if ((c >= 'a' && c <= 'z')
          || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9')
          || "-._~".indexOf(c) >= 0) {
        out.append(c);
      } else {
        out.append('%').append(hex(b >> 4)).append(hex(b));
      }
    }
    return out.toString();
  }

  private static String segment(String path, int from, int to) {
    boolean encoded = false;
    for (int i = from; i < to && !encoded; i++) {
      encoded = path.charAt(i) == '%';
    }
    var segment = encoded ? decode(path.substring(from, to)) : path.substring(from, to);
    if (segment.equals(".") || segment.equals("..")) {
      throw bad("The path has a dot segment.");
    }
    if (encoded && segment.indexOf(0) >= 0) {
      throw bad("The path has U+0000.");
    }
    return segment;
  }

  private static String formDecode(String text) {
    return decode(text.replace('+', ' '));
  }

  private static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    var bytes = ByteBuffer.allocate(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '%') {
        bytes.put((byte) c);
        continue;
      }
      int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
      int low = i + 2 < text.length() ? Character.digit(text.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0) {
        throw bad("The request target has a broken percent escape.");
      }
      bytes.put((byte) (high << 4 | low));
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(bytes.flip())
          .toString();
    } catch (CharacterCodingException e) {
      throw bad("The request target's escapes are not UTF-8.");
    }
  }

  private static char hex(int nibble) {
    return Character.toUpperCase(Character.forDigit(nibble & 0xf, 16));
  }

  private static Refusal bad(String detail) {
    return new Problem(400, "bad-target", "Bad request target", detail).refusal();
  }
}
