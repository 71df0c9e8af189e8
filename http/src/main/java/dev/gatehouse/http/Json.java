package dev.gatehouse.http;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// JSON as Gatehouse reads and writes it: strict RFC 8259 in UTF-8.
///
/// Reading refuses duplicate names, trailing tokens, malformed UTF-8, and strings with U+0000 or
/// lone surrogates, since two parsers could disagree about each of them and Postgres stores neither
/// of the last two.
public final class Json {
  /// Deep enough for any honest document, shallow enough for any stack.
  private static final int MAX_DEPTH = 500;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(2 << 20)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private Json() {}

  public static JsonMapper mapper() {
    return MAPPER;
  }

  public static byte[] bytes(Object value) {
    return MAPPER.writeValueAsBytes(value);
  }

  public static String string(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /// The JSON value these bytes are.
  ///
  /// @throws Refusal 400 with what is wrong and where
  public static JsonNode parse(byte[] bytes) {
    if (bytes.length == 0) {
      throw Problem.badRequest("The body is empty; JSON is expected.").refusal();
    }
    var text = strictUtf8(bytes);
    JsonNode node;
    try {
      node = MAPPER.readTree(text);
    } catch (JacksonException e) {
      throw Problem.badRequest("The body is not JSON: " + oneLine(e)).refusal();
    }
    if (node.isMissingNode()) {
      throw Problem.badRequest("The body is empty; JSON is expected.").refusal();
    }
    if (text.indexOf('\\') >= 0 || text.indexOf(0) >= 0) {
      requireStorableText(node);
    }
    return node;
  }

  /// An object with no other fields than these.
  ///
  /// @throws Refusal 400 that names the first field which is unknown
  public static JsonNode parseObject(byte[] bytes, String... fields) {
    var node = parse(bytes);
    if (!node.isObject()) {
      throw Problem.badRequest(
              "The body must be a JSON object with " + String.join(", ", fields) + ".")
          .refusal();
    }
    for (var name : node.propertyNames()) {
      if (!java.util.List.of(fields).contains(name)) {
        throw Problem.badField(
                name,
                "Unknown field '"
                    + printable(name)
                    + "'; known are "
                    + String.join(", ", fields)
                    + ".")
            .refusal();
      }
    }
    return node;
  }

  /// The value of a JSON integer that fits 64 bits; `1.0`, `1e3` and `"1"` are none.
  public static Optional<Long> asLong(JsonNode node) {
    if (!node.isIntegralNumber()) {
      return Optional.empty();
    }
    BigInteger value = node.bigIntegerValue();
    return value.bitLength() < Long.SIZE ? Optional.of(value.longValue()) : Optional.empty();
  }

  /// Whether text can be stored: no U+0000 and no lone surrogate.
  public static boolean isStorable(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0 || Character.isLowSurrogate(c)) {
        return false;
      }
      if (Character.isHighSurrogate(c)) {
        i++;
        if (i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
          return false;
        }
      }
    }
    return true;
  }

  private static void requireStorableText(JsonNode node) {
    boolean good = !node.isString() || isStorable(node.stringValue());
    if (node.isObject()) {
      for (var name : node.propertyNames()) {
        good &= isStorable(name);
      }
    }
    if (!good) {
      throw Problem.badRequest("Text must not contain U+0000 or lone surrogates.").refusal();
    }
    for (var child : node) {
      requireStorableText(child);
    }
  }

  private static String strictUtf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes))
          .toString();
    } catch (CharacterCodingException e) {
      throw Problem.badRequest("The body is not UTF-8.").refusal();
    }
  }

  private static String oneLine(JacksonException e) {
    var where = e.getLocation();
    var message = printable(e.getOriginalMessage());
    return where == null
        ? message
        : "line " + where.getLineNr() + ", column " + where.getColumnNr() + ": " + message;
  }

  private static String printable(String text) {
    var clean = text.replaceAll("\\p{Cntrl}+", " ");
    return clean.length() > 200 ? clean.substring(0, 200) + "..." : clean;
  }
}
