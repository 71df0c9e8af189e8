package dev.gatehouse.edge.cache;

import dev.gatehouse.http.Exchange;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.List;

/// Answers a client from what is stored: whole, in part, or with the word that it has it already.
final class Serving {
  /// What a 304 repeats (RFC 9110 section 15.4.5), and what tells caches how long.
  private static final List<AsciiString> OF_A_304 =
      List.of(
          HttpHeaderNames.CACHE_CONTROL,
          AsciiString.cached("cdn-cache-control"),
          HttpHeaderNames.CONTENT_LOCATION,
          HttpHeaderNames.DATE,
          HttpHeaderNames.ETAG,
          HttpHeaderNames.EXPIRES,
          HttpHeaderNames.LAST_MODIFIED,
          HttpHeaderNames.VARY);

  private Serving() {}

  /// @param status the value of `Cache-Status`
  static void give(Exchange to, StoredAnswer answer, long now, String status) {
    var request = to.head();
    boolean conditional = Conditions.inRequest(request.headers());
    if (!conditional && to.plain()) {
      var more = "Age: " + age(answer, now) + "\r\nCache-Status: " + status + "\r\n";
      to.sendEncoded(answer.status(), answer.encoded(), more, answer.body());
      return;
    }
    if (conditional
        && answer.status() == 200
        && Conditions.notModified(request.headers(), answer.headers(), now)) {
      notModified(to, answer.headers(), Long.toString(age(answer, now)), status);
      return;
    }
    var headers = answer.headers().copy();
    headers.set(HttpHeaderNames.AGE, Long.toString(age(answer, now)));
    headers.add(CacheStatus.FIELD, status);
    switch (ByteRange.of(request, answer, now)) {
      case ByteRange.Whole() -> send(to, answer, answer.status(), headers, 0, answer.length());
      case ByteRange.Part(int from, int last) -> {
        headers.set(
            HttpHeaderNames.CONTENT_RANGE, "bytes " + from + "-" + last + "/" + answer.length());
        headers.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(last - from + 1));
        send(to, answer, 206, headers, from, last - from + 1);
      }
      case ByteRange.Outside() -> {
        headers.set(HttpHeaderNames.CONTENT_RANGE, "bytes */" + answer.length());
        headers.set(HttpHeaderNames.CONTENT_LENGTH, "0");
        send(to, answer, 416, headers, 0, 0);
      }
    }
  }

  /// @param of the fields of the answer that the client has
  static void notModified(Exchange to, HttpHeaders of, String age, String status) {
    var headers = DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
    for (var name : OF_A_304) {
      if (of.contains(name)) {
        headers.set(name, of.getAll(name));
      }
    }
    if (!age.isEmpty()) {
      headers.set(HttpHeaderNames.AGE, age);
    }
    if (of.contains(CacheStatus.FIELD)) {
      headers.set(CacheStatus.FIELD, of.getAll(CacheStatus.FIELD));
    }
    headers.add(CacheStatus.FIELD, status);
    to.start(304, headers);
    to.finish(EmptyHttpHeaders.INSTANCE);
  }

  private static long age(StoredAnswer answer, long now) {
    return answer.freshness().age(now) / 1000;
  }

  private static void send(
      Exchange to, StoredAnswer answer, int status, HttpHeaders headers, int from, int length) {
    to.start(status, headers);
    if (length > 0 && !to.head().method().equals("HEAD")) {
      to.write(answer.slice(from, length));
    }
    to.finish(EmptyHttpHeaders.INSTANCE);
  }
}
