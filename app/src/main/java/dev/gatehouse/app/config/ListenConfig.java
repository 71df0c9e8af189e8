package dev.gatehouse.app.config;

import java.util.List;

/// One address of the edge.
///
/// @param name what routes and logs call it
/// @param only the paths that are served here, whatever the routes say; anything else is 404.
///   Empty: every path is
/// @param proxyProtocol whether every connection begins with a PROXY header of a trusted proxy
public record ListenConfig(
    String name, Address address, List<PathPattern> only, boolean proxyProtocol) {
  /// Whether a path, as its decoded segments, is served here at all.
  public boolean serves(List<String> segments) {
    return only.isEmpty() || only.stream().anyMatch(pattern -> pattern.matches(segments));
  }
}
