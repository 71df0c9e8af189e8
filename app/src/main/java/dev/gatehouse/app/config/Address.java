package dev.gatehouse.app.config;

import java.net.InetSocketAddress;

/// A host and a port to listen on.
///
/// @param host a name or a literal address (IPv6 without brackets), or `*` for every interface
/// @param port 0 for any free port
public record Address(String host, int port) {
  public boolean everyInterface() {
    return host.equals("*") || host.equals("0.0.0.0") || host.equals("::");
  }

  /// The address to bind. A name is looked up here; the result is unresolved if it is unknown.
  public InetSocketAddress socket() {
    return host.equals("*") ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    var shown = host.equals("*") ? "" : host.contains(":") ? "[" + host + "]" : host;
    return shown + ":" + port;
  }
}
