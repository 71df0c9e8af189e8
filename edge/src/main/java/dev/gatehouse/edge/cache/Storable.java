package dev.gatehouse.edge.cache;

import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Set;

/// Whether an answer may be kept for others (RFC 9111 section 3).
///
/// Two answers are stricter than the RFC. One that sets a cookie is kept only when its origin says
/// plainly that it is for everyone (`public`, `s-maxage` or a targeted field): a session handed to
/// a stranger is worse than any miss. And one about which nothing is said needs at least a
/// validator, since without it the only use of a copy is to be given when its origin is down.
final class Storable {
  /// The statuses whose meaning for caching we know, for `must-understand` (section 5.2.2.3).
  private static final Set<Integer> UNDERSTOOD =
      Set.of(
          200, 201, 202, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414,
          500, 501, 502, 503, 504);

  private Storable() {}

  static boolean asRfc9111(
      RequestHead request,
      CacheControl asked,
      int status,
      HttpHeaders headers,
      CacheControl control,
      Freshness freshness) {
    if (!forOthers(request, asked, status, headers, control)) {
      return false;
    }
    if (control.noCache && !validator(headers)) {
      return false;
    }
    if (freshness.explicit() || control.isPublic || control.givesLifetime()) {
      return true;
    }
    return Freshness.heuristic(status) && validator(headers);
  }

  /// For a route that keeps answers only for when nobody can answer: the lifetime does not matter.
  static boolean forFailure(
      RequestHead request,
      CacheControl asked,
      int status,
      HttpHeaders headers,
      CacheControl control) {
    return status == 200
        && !control.noCache
        && !control.mustRevalidate
        && !control.proxyRevalidate
        && forOthers(request, asked, status, headers, control);
  }

  private static boolean forOthers(
      RequestHead request,
      CacheControl asked,
      int status,
      HttpHeaders headers,
      CacheControl control) {
    boolean understood = control.mustUnderstand && UNDERSTOOD.contains(status);
    if (!request.method().equals("GET")
        || status < 200
        || status == 206
        || status == 304
        || asked.noStore
        || (control.noStore && !understood)
        || (control.mustUnderstand && !understood)
        || control.isPrivate) {
      return false;
    }
    if (Conditions.inRequest(request.headers()) && status != 200) {
      return false; // it answers a condition or a range, not the plain request
    }
    boolean forEveryone =
        control.isPublic || control.sMaxAge != CacheControl.ABSENT || control.targeted;
    if (headers.contains(HttpHeaderNames.SET_COOKIE) && !forEveryone) {
      return control.withheld().contains("set-cookie");
    }
    // Section 3.5.
    return !request.headers().contains(HttpHeaderNames.AUTHORIZATION)
        || control.isPublic
        || control.sMaxAge != CacheControl.ABSENT
        || control.mustRevalidate;
  }

  private static boolean validator(HttpHeaders headers) {
    return headers.contains(HttpHeaderNames.ETAG)
        || headers.contains(HttpHeaderNames.LAST_MODIFIED);
  }
}
