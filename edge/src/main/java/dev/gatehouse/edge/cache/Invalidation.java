package dev.gatehouse.edge.cache;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.net.URI;
import java.util.List;
import java.util.Set;

/// What an unsafe request that succeeded makes obsolete: the answers to its own target, and to what
/// `Location` and `Content-Location` name on the same host (RFC 9111 section 4.4).
final class Invalidation {
  private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");
  private static final List<AsciiString> NAMING =
      List.of(HttpHeaderNames.LOCATION, HttpHeaderNames.CONTENT_LOCATION);

  private Invalidation() {}

  static void after(Cache cache, Key key, String method, int status, HttpHeaders headers) {
    if (SAFE.contains(method) || status < 200 || status > 399) {
      return;
    }
    cache.invalidate(key);
    for (var field : NAMING) {
      var value = headers.get(field);
      if (value != null) {
        named(cache, key, value);
      }
    }
  }

  private static void named(Cache cache, Key key, String value) {
    try {
      var base = URI.create("http://" + key.host() + key.target());
      var named = base.resolve(value);
      if (named.getRawAuthority() == null
          || !named.getRawAuthority().equalsIgnoreCase(key.host())) {
        return;
      }
      var path = named.getRawPath().isEmpty() ? "/" : named.getRawPath();
      cache.invalidate(
          new Key(
              key.place(),
              key.host(),
              named.getRawQuery() == null ? path : path + "?" + named.getRawQuery()));
    } catch (IllegalArgumentException e) {
      // It names nothing that could be stored.
    }
  }
}
