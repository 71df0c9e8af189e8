package dev.gatehouse.app.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// An HTTP server that the edge passes requests to.
///
/// @param name as routes, logs and metrics call it: a name of the file, or a route's own URL
/// @param urls they take turns; none where they are found by DNS
/// @param discover how they are found by DNS
/// @param connectTimeout for a connection to be made, TLS included
/// @param timeout for the head of the answer to arrive
/// @param health empty: a server is only taken out by the failures of real requests
public record UpstreamConfig(
    String name,
    List<Server> urls,
    Optional<DiscoverConfig> discover,
    Duration connectTimeout,
    Duration timeout,
    Optional<Health> health) {

  /// `http://host:port` or `https://host:port`; an upstream has no path of its own.
  ///
  /// @param host a name or a literal address (IPv6 without brackets)
  public record Server(boolean tls, String host, int port) {
    /// What the `Host` field says: the port only where it is not the scheme's own.
    public String authority() {
      var shown = host.contains(":") ? "[" + host + "]" : host;
      return port == (tls ? 443 : 80) ? shown : shown + ":" + port;
    }

    @Override
    public String toString() {
      return (tls ? "https://" : "http://") + authority();
    }
  }

  /// Active checks: `GET path` on every server.
  ///
  /// @param rise how many good answers in a row bring a server back
  /// @param fall how many bad ones take it out
  public record Health(String path, Duration every, Duration timeout, int rise, int fall) {}
}
