package dev.gatehouse.app.config;

import dev.gatehouse.edge.upstream.UpstreamSettings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// An HTTP server that the edge passes requests to.
///
/// @param name as routes, logs and metrics call it: a name of the file, or a route's own URL
/// @param targets none where they are found by DNS
/// @param discover how they are found by DNS
/// @param credentials the name of the token that requests show
/// @param connectTimeout for a connection to be made, TLS included
/// @param timeout for the head of the answer to arrive
/// @param traffic how requests are shared among the targets, in the edge's own words
public record UpstreamConfig(
    String name,
    List<Target> targets,
    Optional<DiscoverConfig> discover,
    Optional<String> credentials,
    Duration connectTimeout,
    Duration timeout,
    UpstreamSettings traffic) {

  public List<Server> urls() {
    return targets.stream().map(Target::url).toList();
  }

  /// One server.
  ///
  /// @param weight its share of the requests, where shares are weighted
  /// @param group while a server of a lower group is usable, those of a higher one are spared
  public record Target(Server url, int weight, int group) {}

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
}
