package dev.gatehouse.edge.cache;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The cache directives of one message (RFC 9111 section 5.2, RFC 5861), from `Cache-Control` or
/// from a field targeted at us (RFC 9213).
///
/// Where a directive is malformed or told twice, the reading that keeps less wins: an invalid
/// lifetime is 0, and the smaller of two counts. Seconds are capped at 2^31 as section 1.2.2 says.
/// Written by a parser, read-only after that.
final class CacheControl {
  /// No such directive.
  static final long ABSENT = -1;

  static final CacheControl NONE = new CacheControl();

  private static final long MOST_SECONDS = 1L << 31;

  boolean noStore;
  boolean noCache;
  boolean isPrivate;
  boolean isPublic;
  boolean mustRevalidate;
  boolean proxyRevalidate;
  boolean mustUnderstand;
  boolean onlyIfCached;
  long maxAge = ABSENT;
  long sMaxAge = ABSENT;
  long minFresh = ABSENT;
  long maxStale = ABSENT;
  long staleIfError = ABSENT;
  long staleWhileRevalidate = ABSENT;

  /// Whether this came by a targeted field, which stands in for `Cache-Control` and `Expires`.
  boolean targeted;

  /// Fields that `no-cache="..."` and `private="..."` name, in lower case.
  private @Nullable Set<String> withheld;

  /// What a request asks of a cache; `Pragma` counts where there is no `Cache-Control` (section
  /// 5.4).
  static CacheControl ofRequest(HttpHeaders headers) {
    if (headers.contains(HttpHeaderNames.CACHE_CONTROL)) {
      return parse(headers.getAll(HttpHeaderNames.CACHE_CONTROL));
    }
    if (!headers.contains(HttpHeaderNames.PRAGMA)) {
      return NONE;
    }
    var read = new CacheControl();
    for (var line : headers.getAll(HttpHeaderNames.PRAGMA)) {
      for (var one : line.split(",")) {
        read.noCache |= one.trim().equalsIgnoreCase("no-cache");
      }
    }
    return read;
  }

  /// What an origin says of its answer: `CDN-Cache-Control` where it is valid and not empty.
  static CacheControl ofAnswer(HttpHeaders headers) {
    if (headers.contains("CDN-Cache-Control")) {
      var targeted = TargetedControl.parse(headers.getAll("CDN-Cache-Control"));
      if (targeted.isPresent()) {
        return targeted.get();
      }
    }
    return headers.contains(HttpHeaderNames.CACHE_CONTROL)
        ? parse(headers.getAll(HttpHeaderNames.CACHE_CONTROL))
        : NONE;
  }

  static CacheControl parse(List<String> lines) {
    var read = new CacheControl();
    for (var line : lines) {
      new Scan(line, read).all();
    }
    return read;
  }

  Set<String> withheld() {
    var fields = withheld;
    return fields == null ? Set.of() : fields;
  }

  /// Whether the origin gave a lifetime here; `Expires` is another place.
  boolean givesLifetime() {
    return maxAge != ABSENT || sMaxAge != ABSENT;
  }

  /// Notes one directive.
  ///
  /// @param value null where there is none
  void note(String name, @Nullable String value) {
    switch (name) {
      case "no-store" -> noStore = true;
      case "no-cache" -> {
        if (value == null || !withhold(value)) {
          noCache = true;
        }
      }
      case "private" -> {
        if (value == null || !withhold(value)) {
          isPrivate = true;
        }
      }
      case "public" -> isPublic = true;
      case "must-revalidate" -> mustRevalidate = true;
      case "proxy-revalidate" -> proxyRevalidate = true;
      case "must-understand" -> mustUnderstand = true;
      case "only-if-cached" -> onlyIfCached = true;
      case "max-age" -> maxAge = lifetime(maxAge, value);
      case "s-maxage" -> sMaxAge = lifetime(sMaxAge, value);
      case "min-fresh" -> minFresh = first(minFresh, seconds(value));
      case "max-stale" -> maxStale = first(maxStale, value == null ? MOST_SECONDS : seconds(value));
      case "stale-if-error" -> staleIfError = first(staleIfError, seconds(value));
      case "stale-while-revalidate" ->
          staleWhileRevalidate = first(staleWhileRevalidate, seconds(value));
      default -> {} // an extension that we do not know changes nothing (section 5.2.3)
    }
  }

  private boolean withhold(String names) {
    var fields = withheld == null ? new HashSet<String>() : withheld;
    for (var name : names.split(",")) {
      if (!name.isBlank()) {
        fields.add(name.trim().toLowerCase(Locale.ROOT));
      }
    }
    withheld = fields;
    return !fields.isEmpty();
  }

  private static long lifetime(long before, @Nullable String value) {
    long now = Math.max(0, seconds(value));
    return before == ABSENT ? now : Math.min(before, now);
  }

  private static long first(long before, long now) {
    return before == ABSENT ? now : before;
  }

  /// Delta seconds; `ABSENT` when `value` is not a number of them.
  static long seconds(@Nullable String value) {
    if (value == null || value.isEmpty()) {
      return ABSENT;
    }
    long number = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < '0' || c > '9') {
        return ABSENT;
      }
      number = Math.min(MOST_SECONDS, number * 10 + (c - '0'));
    }
    return number;
  }

  /// Walks one field line: `name`, `name=token`, `name="quoted, text"`, separated by commas.
  private static final class Scan {
    private final String line;
    private final CacheControl into;
    private int at;

    Scan(String line, CacheControl into) {
      this.line = line;
      this.into = into;
    }

    void all() {
      while (at < line.length()) {
        int start = at;
        while (at < line.length() && line.charAt(at) != ',' && line.charAt(at) != '=') {
          at++;
        }
        var written = line.substring(start, at);
        var name = written.strip().toLowerCase(Locale.ROOT);
        String value = null;
        if (at < line.length() && line.charAt(at) == '=') {
          at++;
          value = value();
          if (!written.equals(written.stripTrailing())) {
            value = ""; // no space may stand around '=', so this is malformed
          }
        }
        if (!name.isEmpty()) {
          into.note(name, value);
        }
        at++;
      }
    }

    private String value() {
      if (at < line.length() && line.charAt(at) == '"') {
        at++;
        var text = new StringBuilder();
        while (at < line.length() && line.charAt(at) != '"') {
          if (line.charAt(at) == '\\' && at + 1 < line.length()) {
            at++;
          }
          text.append(line.charAt(at++));
        }
        while (at < line.length() && line.charAt(at) != ',') {
          at++;
        }
        return text.toString();
      }
      int start = at;
      while (at < line.length() && line.charAt(at) != ',') {
        at++;
      }
      return line.substring(start, at).stripTrailing();
    }
  }
}
