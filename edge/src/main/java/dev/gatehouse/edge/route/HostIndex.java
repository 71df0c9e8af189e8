package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Routes by the host they ask for: exact ones, then wildcards from the longest on, then those that
/// take every host.
final class HostIndex {
  private final Map<String, PathIndex> exact = new HashMap<>();

  /// By what a name must end with: `.example.org`.
  private final Map<String, PathIndex> below = new HashMap<>();

  private final PathIndex every = new PathIndex();

  void add(RouteTable.Match.Found found) {
    var host = found.route().match().host();
    if (host.isEmpty()) {
      every.add(found);
    } else if (host.get().startsWith("*.")) {
      below.computeIfAbsent(host.get().substring(1), _ -> new PathIndex()).add(found);
    } else {
      exact.computeIfAbsent(host.get(), _ -> new PathIndex()).add(found);
    }
  }

  /// See [PathIndex#find].
  RouteTable.Match.@Nullable Found find(
      RequestHead head, boolean literally, @Nullable Set<String> refused) {
    if (!exact.isEmpty() || !below.isEmpty()) {
      var found = findByName(name(head.host()), head, literally, refused);
      if (found != null) {
        return found;
      }
    }
    return every.find(head, 0, literally, refused);
  }

  private RouteTable.Match.@Nullable Found findByName(
      String name, RequestHead head, boolean literally, @Nullable Set<String> refused) {
    var paths = exact.get(name);
    var found = paths == null ? null : paths.find(head, 0, literally, refused);
    if (below.isEmpty()) {
      return found;
    }
    for (int dot = name.indexOf('.', 1);
        dot > 0 && found == null;
        dot = name.indexOf('.', dot + 1)) {
      var wildcard = below.get(name.substring(dot));
      if (wildcard != null) {
        found = wildcard.find(head, 0, literally, refused);
      }
    }
    return found;
  }

  /// A `Host` as routes write it: in lower case, without port and without the root's dot.
  static String name(String host) {
    var name = host;
    int port = name.lastIndexOf(':');
    if (port > name.lastIndexOf(']')) {
      name = name.substring(0, port);
    }
    if (name.endsWith(".")) {
      name = name.substring(0, name.length() - 1);
    }
    return name.toLowerCase(Locale.ROOT);
  }
}
