package dev.gatehouse.counters;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Reads the increment that nearly everybody sends, `{"key":"visits","value":1}`, without a parser.
///
/// Only this order of fields, only plain ASCII in the key with nothing escaped, and at most 18
/// digits; everything else, and everything that is wrong in any way, is left to the parser. What it
/// does read the parser would read the same; a parser and its tree cost more than all else that
/// happens to an increment.
final class PlainIncrement {
  private static final byte[] KEY = "\"key\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] VALUE = "\"value\"".getBytes(StandardCharsets.US_ASCII);

  private final byte[] body;
  private int at;

  private PlainIncrement(byte[] body) {
    this.body = body;
  }

  static Optional<Item> read(byte[] body) {
    return new PlainIncrement(body).read();
  }

  private Optional<Item> read() {
    if (!takes('{') || !takes(KEY) || !takes(':') || !takes('"')) {
      return Optional.empty();
    }
    int from = at;
    while (at < body.length && body[at] >= ' ' && body[at] != '"' && body[at] != '\\') {
      at++;
    }
    int to = at;
    if (to == from
        || to - from > Keys.MAX_LENGTH
        || at == body.length
        || body[at++] != '"'
        || !takes(',')
        || !takes(VALUE)
        || !takes(':')) {
      return Optional.empty();
    }
    space();
    boolean negative = at < body.length && body[at] == '-';
    at += negative ? 1 : 0;
    int digits = at;
    long value = 0;
    while (at < body.length && body[at] >= '0' && body[at] <= '9' && at - digits < 19) {
      value = value * 10 + body[at++] - '0';
    }
    int length = at - digits;
    if (length == 0 || length > 18 || (length > 1 && body[digits] == '0') || !takes('}')) {
      return Optional.empty();
    }
    space();
    return at < body.length
        ? Optional.empty()
        : Optional.of(
            new Item(
                new String(body, from, to - from, StandardCharsets.ISO_8859_1),
                negative ? -value : value));
  }

  private void space() {
    while (at < body.length
        && (body[at] == ' ' || body[at] == '\n' || body[at] == '\r' || body[at] == '\t')) {
      at++;
    }
  }

  private boolean takes(char c) {
    space();
    return at < body.length && body[at++] == c;
  }

  private boolean takes(byte[] text) {
    space();
    if (body.length - at < text.length) {
      return false;
    }
    for (byte b : text) {
      if (body[at++] != b) {
        return false;
      }
    }
    return true;
  }
}
