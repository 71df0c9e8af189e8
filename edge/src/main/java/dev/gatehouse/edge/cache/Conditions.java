package dev.gatehouse.edge.cache;

import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.List;
import java.util.OptionalLong;

/// Conditional requests, both ways (RFC 9110 section 13, RFC 9111 section 4.3): a client's, which a
/// stored answer may settle, and ours to the origin.
final class Conditions {
  private static final List<AsciiString> FIELDS =
      List.of(
          HttpHeaderNames.IF_NONE_MATCH,
          HttpHeaderNames.IF_MODIFIED_SINCE,
          HttpHeaderNames.IF_MATCH,
          HttpHeaderNames.IF_UNMODIFIED_SINCE,
          HttpHeaderNames.IF_RANGE,
          HttpHeaderNames.RANGE);

  private Conditions() {}

  /// Whether a request asks for something else than the plain answer.
  static boolean inRequest(HttpHeaders headers) {
    for (var field : FIELDS) {
      if (headers.contains(field)) {
        return true;
      }
    }
    return false;
  }

  /// Whether a request has a precondition that only the origin can judge (RFC 9111 section 4.3.2).
  static boolean forOrigin(HttpHeaders headers) {
    return headers.contains(HttpHeaderNames.IF_MATCH)
        || headers.contains(HttpHeaderNames.IF_UNMODIFIED_SINCE);
  }

  /// Whether the client has what `answer` would give it. `If-None-Match` outweighs
  /// `If-Modified-Since`.
  static boolean notModified(HttpHeaders request, HttpHeaders answer, long now) {
    if (request.contains(HttpHeaderNames.IF_NONE_MATCH)) {
      var tag = answer.get(HttpHeaderNames.ETAG);
      for (var line : request.getAll(HttpHeaderNames.IF_NONE_MATCH)) {
        if (line.trim().equals("*") || (tag != null && names(line, opaque(tag)))) {
          return true;
        }
      }
      return false;
    }
    var lines = request.getAll(HttpHeaderNames.IF_MODIFIED_SINCE);
    if (lines.size() != 1) {
      return false;
    }
    var since = HttpDates.parse(lines.getFirst().trim(), now);
    var modified = modified(answer, now);
    return since.isPresent() && modified.isPresent() && modified.getAsLong() <= since.getAsLong();
  }

  private static OptionalLong modified(HttpHeaders answer, long now) {
    var modified = answer.get(HttpHeaderNames.LAST_MODIFIED);
    var date = modified == null ? answer.get(HttpHeaderNames.DATE) : modified;
    return date == null ? OptionalLong.empty() : HttpDates.parse(date, now);
  }

  /// Whether a list of entity tags has this one; weak comparison (RFC 9110 section 8.8.3.2).
  private static boolean names(String list, String opaque) {
    int at = 0;
    while (at < list.length()) {
      int start = at;
      boolean quoted = false;
      while (at < list.length() && (quoted || list.charAt(at) != ',')) {
        quoted ^= list.charAt(at) == '"';
        at++;
      }
      if (opaque(list.substring(start, at).trim()).equals(opaque)) {
        return true;
      }
      at++;
    }
    return false;
  }

  private static String opaque(String tag) {
    return tag.startsWith("W/") ? tag.substring(2) : tag;
  }

  static boolean strong(String tag) {
    return !tag.startsWith("W/");
  }

  /// `head` without the client's conditions, and with ours where `stored` has a validator: is this
  /// still the answer?
  static RequestHead asking(RequestHead head, String method, StoredAnswer stored) {
    var plain = plain(head, method);
    stored.etag().ifPresent(tag -> plain.headers().set(HttpHeaderNames.IF_NONE_MATCH, tag));
    stored
        .lastModified()
        .ifPresent(date -> plain.headers().set(HttpHeaderNames.IF_MODIFIED_SINCE, date));
    return plain;
  }

  static RequestHead plain(RequestHead head, String method) {
    var headers = DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
    headers.set(head.headers());
    FIELDS.forEach(headers::remove);
    return new RequestHead(method, head.target(), head.host(), headers, head.hasBody());
  }

  /// Whether a 304 speaks of `stored`: a strong entity tag in it must be that one's (RFC 9111
  /// section 4.3.4).
  static boolean confirms(HttpHeaders notModified, StoredAnswer stored) {
    var tag = notModified.get(HttpHeaderNames.ETAG);
    return tag == null
        || !strong(tag)
        || stored.etag().map(Conditions::opaque).map(opaque(tag)::equals).orElse(true);
  }
}
