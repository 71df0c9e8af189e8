package dev.gatehouse.edge.route;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Optional;

/// The cookies of a request (RFC 6265 section 5.4).
public final class Cookies {
  private Cookies() {}

  /// The value of the first cookie of this name.
  public static Optional<String> find(HttpHeaders headers, String name) {
    for (var line : headers.getAll(HttpHeaderNames.COOKIE)) {
      for (var pair : line.split(";")) {
        int equals = pair.indexOf('=');
        if (equals > 0 && pair.substring(0, equals).trim().equals(name)) {
          return Optional.of(pair.substring(equals + 1).trim());
        }
      }
    }
    return Optional.empty();
  }
}
