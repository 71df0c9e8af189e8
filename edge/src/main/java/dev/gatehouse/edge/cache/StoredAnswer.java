package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.route.Route;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One whole answer as it is kept: never changed, shared by all event loops.
///
/// The body is on the heap, and each use wraps it anew, so that forgetting an entry while it is
/// being sent needs no count of its users. Direct memory was refused: it is only given back when
/// the collector gets to it, and a busy cache would run into its limit first.
final class StoredAnswer {
  /// Fields that concern one connection, one exchange, or the proxy we are, and are not kept
  /// (section 3.1). The relay has removed the others already.
  private static final List<String> NOT_KEPT =
      List.of(
          "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "X-Request-Id");

  /// Fields of a 304 that say nothing about the body that is kept (section 3.2).
  private static final Set<String> OF_THE_BODY =
      Set.of(
          "content-length",
          "content-encoding",
          "content-md5",
          "content-range",
          "transfer-encoding",
          "set-cookie");

  private static final List<String> TAG_FIELDS = List.of("Cache-Tag", "Surrogate-Key");

  private final int status;
  private final HttpHeaders headers;
  private final byte[] body;
  private final CacheControl control;
  private final Freshness freshness;
  private final Vary vary;
  private final Set<String> tags;

  /// When asking the origin for a newer one failed last; 0 when it did not. The one thing that
  /// changes; a lost write costs one more try.
  private volatile long failedAt;

  private volatile byte @Nullable [] encoded;

  private StoredAnswer(
      int status,
      HttpHeaders headers,
      byte[] body,
      CacheControl control,
      Freshness freshness,
      Vary vary,
      Set<String> tags) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.control = control;
    this.freshness = freshness;
    this.vary = vary;
    this.tags = tags;
  }

  /// @param received the answer's fields as the client gets them; not kept
  /// @param tags see [#takeTags]
  static StoredAnswer of(
      int status,
      HttpHeaders received,
      byte[] body,
      CacheControl control,
      Freshness freshness,
      Vary vary,
      Set<String> tags) {
    var kept = kept(received, control);
    boolean bodiless = status == 204 || status == 304;
    if (!bodiless) {
      kept.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
    }
    dated(kept, freshness.at());
    return new StoredAnswer(status, kept, body, control, freshness, vary, tags);
  }

  /// Removes the fields that name an answer's tags, which are the cache's business and nobody
  /// else's, and gives the tags.
  static Set<String> takeTags(HttpHeaders headers) {
    Set<String> tags = Set.of();
    for (var field : TAG_FIELDS) {
      if (headers.contains(field)) {
        tags = tags.isEmpty() ? new HashSet<>() : tags;
        for (var line : headers.getAll(field)) {
          for (var tag : line.split("[,\\s]+")) {
            if (!tag.isEmpty()) {
              tags.add(tag);
            }
          }
        }
        headers.remove(field);
      }
    }
    return tags;
  }

  private static HttpHeaders kept(HttpHeaders received, CacheControl control) {
    var kept = DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
    kept.set(received);
    NOT_KEPT.forEach(kept::remove);
    control.withheld().forEach(kept::remove);
    kept.remove(HttpHeaderNames.AGE);
    return kept;
  }

  /// Whoever keeps an answer without a date notes when it came (RFC 9110 section 6.6.1).
  private static void dated(HttpHeaders kept, long at) {
    if (!kept.contains(HttpHeaderNames.DATE)) {
      kept.set(HttpHeaderNames.DATE, HttpDates.format(at));
    }
  }

  /// This answer after the origin said, by a 304 or to a HEAD, that it is still good (sections 3.2
  /// and 4.3.4).
  StoredAnswer freshened(HttpHeaders received, Route.Caching route, long asked, long now) {
    var merged = headers.copy();
    var update = received.copy();
    NOT_KEPT.forEach(update::remove);
    for (var name : update.names()) {
      if (!OF_THE_BODY.contains(name.toLowerCase(Locale.ROOT))) {
        merged.set(name, update.getAll(name));
      }
    }
    if (!received.contains(HttpHeaderNames.DATE)) {
      merged.set(HttpHeaderNames.DATE, HttpDates.format(now));
    }
    if (!received.contains(HttpHeaderNames.AGE)) {
      merged.remove(HttpHeaderNames.AGE);
    }
    var said = CacheControl.ofAnswer(merged);
    var fresh = Freshness.of(status, merged, said, route, asked, now);
    said.withheld().forEach(merged::remove);
    merged.remove(HttpHeaderNames.AGE);
    return new StoredAnswer(status, merged, body, said, fresh, vary, tags);
  }

  /// The head as it goes on the wire, without the fields that differ from use to use. Made at the
  /// first use; two event loops that make it at once make the same.
  byte[] encoded() {
    var known = encoded;
    if (known == null) {
      var text = new StringBuilder(256);
      text.append("HTTP/1.1 ").append(HttpResponseStatus.valueOf(status)).append("\r\n");
      var all = headers.iteratorCharSequence();
      while (all.hasNext()) {
        var field = all.next();
        text.append(field.getKey()).append(": ").append(field.getValue()).append("\r\n");
      }
      known = text.toString().getBytes(StandardCharsets.ISO_8859_1);
      encoded = known;
    }
    return known;
  }

  /// Shared: it must not be changed.
  byte[] body() {
    return body;
  }

  int status() {
    return status;
  }

  /// Shared: whoever changes them copies them first.
  HttpHeaders headers() {
    return headers;
  }

  CacheControl control() {
    return control;
  }

  Freshness freshness() {
    return freshness;
  }

  Vary vary() {
    return vary;
  }

  Set<String> tags() {
    return tags;
  }

  int length() {
    return body.length;
  }

  ByteBuf slice(int from, int length) {
    return Unpooled.wrappedBuffer(body, from, length);
  }

  Optional<String> etag() {
    return Optional.ofNullable(headers.get(HttpHeaderNames.ETAG));
  }

  Optional<String> lastModified() {
    return Optional.ofNullable(headers.get(HttpHeaderNames.LAST_MODIFIED));
  }

  boolean hasValidator() {
    return headers.contains(HttpHeaderNames.ETAG)
        || headers.contains(HttpHeaderNames.LAST_MODIFIED);
  }

  /// Whether it may ever be used once it is stale (section 4.2.4).
  ///
  /// @param told whether the origin itself allowed this use by a directive, which outweighs what
  ///   `s-maxage` implies
  boolean mayBeStale(boolean told) {
    return !control.noCache
        && !control.mustRevalidate
        && !control.proxyRevalidate
        && (told || control.sMaxAge == CacheControl.ABSENT || control.targeted)
        && status < 500;
  }

  /// Whether it may stand in for an origin that fails now. The origin's own word counts, else the
  /// client's, else the route's.
  boolean standsIn(CacheControl request, Route.Caching route, long now) {
    boolean told = control.staleIfError != CacheControl.ABSENT;
    long seconds = told ? control.staleIfError : request.staleIfError;
    if (told && request.staleIfError != CacheControl.ABSENT) {
      seconds = Math.min(seconds, request.staleIfError);
    }
    long window = seconds == CacheControl.ABSENT ? route.staleIfError().toMillis() : seconds * 1000;
    return mayBeStale(told) && -freshness.left(now) <= window;
  }

  /// Whether it may be given now while a newer one is fetched.
  boolean bridges(Route.Caching route, long now) {
    boolean told = control.staleWhileRevalidate != CacheControl.ABSENT;
    long window =
        told ? control.staleWhileRevalidate * 1000 : route.staleWhileRevalidate().toMillis();
    return mayBeStale(told) && window > 0 && -freshness.left(now) <= window;
  }

  long failedAt() {
    return failedAt;
  }

  void failed(long now) {
    failedAt = now;
  }

  /// Bytes this takes, about.
  int weight() {
    int weight = 800 + body.length;
    var all = headers.iteratorCharSequence();
    while (all.hasNext()) {
      var field = all.next();
      weight += 160 + 2 * (field.getKey().length() + field.getValue().length());
    }
    return weight;
  }

  /// The same answer with `other`'s validator is the same body.
  boolean sameBody(int otherStatus, HttpHeaders other) {
    @Nullable String tag = other.get(HttpHeaderNames.ETAG);
    return status == otherStatus
        && tag != null
        && !tag.startsWith("W/")
        && tag.equals(headers.get(HttpHeaderNames.ETAG));
  }
}
