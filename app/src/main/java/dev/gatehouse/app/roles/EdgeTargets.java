package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.http.Origin;
import dev.gatehouse.observe.PrometheusTargets.Target;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/// The processes with metrics that this edge knows: itself, and every replica that has an address.
///
/// A replica that is down is listed as well: Prometheus then says so. One that was scaled away, or
/// that DNS knows no more, is not.
///
/// @param name of this edge
/// @param admin where its metrics are, should nobody say by what name it was reached
/// @param everywhere whether replicas of this machine listen on every interface: who asks for
///   targets from elsewhere finds them where it found the edge
/// @param processes all that is known of
/// @param inside those of them that are services in this process
record EdgeTargets(
    String name,
    String admin,
    boolean everywhere,
    Supplier<List<Replica>> processes,
    Set<String> inside) {
  List<Target> seenFrom(String host) {
    var targets = new ArrayList<Target>();
    targets.add(
        new Target(host.isEmpty() ? admin : withPort(host), "edge", name, Version.current()));
    for (var replica : processes.get()) {
      if (replica.origin().port() != 0 && !inside.contains(replica.id())) {
        targets.add(
            new Target(
                address(replica.origin(), host),
                replica.service(),
                replica.id(),
                replica.version()));
      }
    }
    return targets;
  }

  private String address(Origin origin, String host) {
    return everywhere && !host.isEmpty() && isLoopback(origin.host())
        ? withoutPort(host) + ":" + origin.port()
        : origin.address();
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.ofLiteral(host).isLoopbackAddress();
    } catch (IllegalArgumentException name) {
      return false;
    }
  }

  private static String withPort(String host) {
    return withoutPort(host).equals(host) ? host + ":80" : host;
  }

  private static String withoutPort(String host) {
    int colon = host.lastIndexOf(':');
    return colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
  }
}
