package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.route.Route;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.OptionalLong;
import java.util.Set;

/// How old an answer was when it came and how long it is fresh (RFC 9111 sections 4.2.1 to 4.2.3),
/// in milliseconds.
///
/// @param initialAge its corrected age at `at`
/// @param at when it came, on the wall clock
/// @param lifetime from its making on
/// @param explicit whether origin or route said so, rather than a guess from `Last-Modified`
record Freshness(long initialAge, long at, long lifetime, boolean explicit) {
  /// Statuses whose answers may be stored when nothing is said (RFC 9110 section 15.1), but 206.
  private static final Set<Integer> HEURISTIC =
      Set.of(200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501);

  private static final long DAY = 24 * 60 * 60 * 1000L;

  /// @param asked when the request was sent
  /// @param now when the answer's head came
  static Freshness of(
      int status,
      HttpHeaders headers,
      CacheControl control,
      Route.Caching route,
      long asked,
      long now) {
    long date = date(headers, HttpHeaderNames.DATE, now).orElse(now);
    long apparent = Math.max(0, now - date);
    long corrected = age(headers) + Math.max(0, now - asked);
    long age = Math.max(apparent, corrected);
    if (route.ttl().isPresent() && heuristic(status)) {
      // Our own clock begins now: the origin's ages are part of what the route overrides.
      return new Freshness(0, now, route.ttl().get().toMillis(), true);
    }
    if (control.sMaxAge != CacheControl.ABSENT) {
      return new Freshness(age, now, control.sMaxAge * 1000, true);
    }
    if (control.maxAge != CacheControl.ABSENT) {
      return new Freshness(age, now, control.maxAge * 1000, true);
    }
    if (!control.targeted && headers.contains(HttpHeaderNames.EXPIRES)) {
      var lines = headers.getAll(HttpHeaderNames.EXPIRES);
      var expires =
          lines.size() == 1 ? HttpDates.parse(lines.getFirst(), now) : OptionalLong.empty();
      long lifetime = expires.isPresent() ? Math.max(0, expires.getAsLong() - date) : 0;
      return new Freshness(age, now, lifetime, true);
    }
    if (heuristic(status) || control.isPublic) {
      var modified = date(headers, HttpHeaderNames.LAST_MODIFIED, now);
      if (modified.isPresent()) {
        long tenth = Math.max(0, date - modified.getAsLong()) / 10;
        return new Freshness(age, now, Math.min(DAY, tenth), false);
      }
    }
    return new Freshness(age, now, 0, false);
  }

  /// Whether an answer of this status may be stored when nothing is said about it.
  static boolean heuristic(int status) {
    return HEURISTIC.contains(status);
  }

  long age(long now) {
    return initialAge + Math.max(0, now - at);
  }

  /// How long it stays fresh; negative once it is stale.
  long left(long now) {
    return lifetime - age(now);
  }

  /// The first value of `Age`; what is not a number counts for nothing (section 5.1).
  private static long age(HttpHeaders headers) {
    var line = headers.get(HttpHeaderNames.AGE);
    if (line == null) {
      return 0;
    }
    int comma = line.indexOf(',');
    return 1000
        * Math.max(0, CacheControl.seconds((comma < 0 ? line : line.substring(0, comma)).trim()));
  }

  private static OptionalLong date(HttpHeaders headers, CharSequence name, long now) {
    var line = headers.get(name);
    return line == null ? OptionalLong.empty() : HttpDates.parse(line, now);
  }
}
