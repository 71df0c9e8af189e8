package dev.gatehouse.http;

import java.util.List;
import java.util.Optional;

/// The cookies of a request (RFC 6265 section 5.4).
public final class Cookies {
  private Cookies() {}

  /// The value of the first cookie of this name.
  ///
  /// @param lines the values of all `Cookie` fields
  public static Optional<String> find(List<String> lines, String name) {
    for (var line : lines) {
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
