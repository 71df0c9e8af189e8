package dev.gatehouse.multivac;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.Attribute;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.HttpPostRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads a form's text fields, urlencoded or multipart (RFC 7578): strict UTF-8, each field once,
/// no files.
///
/// Netty's decoder takes the body apart. It replaces malformed characters without a word, so it is
/// given ISO 8859-1, which maps every byte to itself, and the bytes are decoded here.
final class Form {
  private static final Logger LOG = LoggerFactory.getLogger(Form.class);
  private static final String URLENCODED = "application/x-www-form-urlencoded";
  private static final String MULTIPART = "multipart/form-data";
  private static final Charset BYTES = StandardCharsets.ISO_8859_1;
  private static final int MAX_FIELDS = 32;

  /// The decoder keeps the buffers of a body that it gives up on, so they come from the heap, where
  /// the collector finds them; hence no leak detector either.
  private static final ByteBufAllocator HEAP = new UnpooledByteBufAllocator(false, true);

  private Form() {}

  /// The fields of this form, in its order.
  ///
  /// @throws dev.gatehouse.http.Refusal 415 when it is no form, 400 when it is a broken one
  static Map<String, String> fields(Request request) {
    var type = request.contentType().orElse("");
    if (!Set.of(URLENCODED, MULTIPART).contains(type)) {
      throw Problem.unsupportedMediaType(
              "A form is expected, as " + URLENCODED + " or " + MULTIPART + ".")
          .refusal();
    }
    var header = request.header("content-type").orElse("");
    requireUtf8(header);
    var http =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1,
            HttpMethod.POST,
            "/",
            HEAP.buffer(request.body().length).writeBytes(request.body()));
    http.headers().set(HttpHeaderNames.CONTENT_TYPE, header);
    HttpPostRequestDecoder decoder;
    try {
      decoder =
          new HttpPostRequestDecoder(
              new DefaultHttpDataFactory(false),
              http,
              BYTES,
              MAX_FIELDS,
              Math.max(1024, request.body().length));
    } catch (RuntimeException e) {
      throw broken(e);
    }
    try {
      if (decoder.isMultipart() != type.equals(MULTIPART)) {
        // Netty reads a multipart form without a boundary as an urlencoded one.
        throw Problem.badRequest("A multipart form needs a boundary in its Content-Type.")
            .refusal();
      }
      return fields(decoder);
    } finally {
      decoder.destroy();
    }
  }

  private static Map<String, String> fields(HttpPostRequestDecoder decoder) {
    var fields = new LinkedHashMap<String, String>();
    for (var part : parts(decoder)) {
      var name = utf8(part.getName().getBytes(BYTES), "A field's name");
      if (!(part instanceof Attribute attribute)) {
        throw Problem.badField(name, "The field '" + shown(name) + "' must be text, not a file.")
            .refusal();
      }
      if (!Set.of(BYTES, StandardCharsets.UTF_8, StandardCharsets.US_ASCII)
          .contains(attribute.getCharset())) {
        throw notUtf8();
      }
      byte[] bytes;
      try {
        bytes = attribute.get();
      } catch (IOException e) {
        throw new IllegalStateException("a field in memory cannot be read", e);
      }
      if (fields.putIfAbsent(name, utf8(bytes, "The field '" + shown(name) + "'")) != null) {
        throw Problem.badField(name, "The field '" + shown(name) + "' is there more than once.")
            .refusal();
      }
    }
    return fields;
  }

  /// The decoder throws what it likes for a broken body, so whatever it throws is the client's.
  private static Iterable<InterfaceHttpData> parts(HttpPostRequestDecoder decoder) {
    try {
      return decoder.getBodyHttpDatas();
    } catch (RuntimeException e) {
      throw broken(e);
    }
  }

  private static void requireUtf8(String contentType) {
    var charset = HttpUtil.getCharsetAsSequence(contentType);
    if (charset == null) {
      return;
    }
    var name = charset.toString().replace("\"", "").strip();
    if (!name.equalsIgnoreCase("utf-8") && !name.equalsIgnoreCase("us-ascii")) {
      throw notUtf8();
    }
  }

  private static String utf8(byte[] bytes, String what) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes))
          .toString();
    } catch (CharacterCodingException e) {
      throw Problem.badRequest(what + " is not UTF-8.").refusal();
    }
  }

  private static String shown(String name) {
    var clean = name.replaceAll("\\p{Cntrl}+", " ");
    return clean.length() > 64 ? clean.substring(0, 64) + "..." : clean;
  }

  private static RuntimeException broken(RuntimeException e) {
    // The decoder's words name its classes, so they are not the client's.
    LOG.debug("a form cannot be read", e);
    return Problem.badRequest("The form is broken and cannot be read.").refusal();
  }

  private static RuntimeException notUtf8() {
    return Problem.unsupportedMediaType("A form's text must be UTF-8.").refusal();
  }
}
