package dev.gatehouse.app.supervisor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.LinkedHashSet;
import java.util.Set;

/// Gives each replica a port: the lowest free one from `first` on, kept for its next run.
///
/// Between the look and the child's own bind another program can take the port; the child then says
/// so, and [#refuse] makes the next look pass over it.
final class Ports {
  private final String host;
  private final int first;
  private final Set<Integer> given = new LinkedHashSet<>();
  private final Set<Integer> refused = new LinkedHashSet<>();

  /// `first` 0 leaves the choice to the system, each time.
  Ports(String host, int first) {
    this.host = host;
    this.first = first;
  }

  /// A `host:port` to listen on.
  String take() {
    if (first == 0) {
      return address(0);
    }
    for (int port = first; port <= 65535; port++) {
      if (!given.contains(port) && !refused.contains(port) && isFree(port)) {
        given.add(port);
        return address(port);
      }
    }
    return address(0);
  }

  /// The replica is gone for good.
  void giveBack(String address) {
    given.remove(port(address));
  }

  /// Somebody else has this port.
  void refuse(String address) {
    given.remove(port(address));
    refused.add(port(address));
  }

  private String address(int port) {
    return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
  }

  private static int port(String address) {
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }

  private boolean isFree(int port) {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(host, port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }
}
