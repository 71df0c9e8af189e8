package dev.gatehouse.edge.route;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// All routes, the most specific first; matching takes the first that fits.
///
/// The first segments of routes to our own services, and the edge's own paths, are reserved: a
/// request below one of them never falls through to a route that does not name it, so that a
/// misspelt `/data` never reaches a stranger's origin.
public final class RouteTable {
  /// Answered by the edge or by nobody.
  private static final Set<String> EDGE_PREFIXES = Set.of("status", "metrics", "admin");

  /// Where a request goes.
  public sealed interface Match {
    record Found(Route route) implements Match {}

    /// `allow` is the value for the `Allow` field.
    record WrongMethod(String allow) implements Match {}

    record Unknown() implements Match {}
  }

  private final List<Route> routes;
  private final Set<String> reserved;
  private final Map<String, List<PathPattern>> only;

  /// @param only the paths a listener is open for; a listener that is absent is open for all
  public RouteTable(List<Route> routes, Map<String, List<PathPattern>> only) {
    this.only = Map.copyOf(only);
    var sorted = new ArrayList<>(routes);
    sorted.sort(
        Comparator.comparingInt((Route route) -> route.listener().isEmpty() ? 1 : 0)
            .thenComparingInt(route -> hostRank(route.host()))
            .thenComparing(Route::path)
            .thenComparingInt(route -> route.methods().isEmpty() ? 1 : 0));
    this.routes = List.copyOf(sorted);
    var prefixes = new HashSet<>(EDGE_PREFIXES);
    for (var route : routes) {
      if (!(route.to() instanceof Route.Destination.External)) {
        prefixes.add(route.path().firstLiteral());
      }
    }
    prefixes.remove("");
    this.reserved = Set.copyOf(prefixes);
  }

  /// In the order they are tried.
  public List<Route> routes() {
    return routes;
  }

  /// Whether this listener serves this path at all.
  public boolean open(String listener, List<String> segments) {
    var patterns = only.get(listener);
    if (patterns == null) {
      return true;
    }
    for (var pattern : patterns) {
      if (pattern.matches(segments)) {
        return true;
      }
    }
    return false;
  }

  public Match match(String listener, String host, String method, List<String> segments) {
    var first = segments.getFirst();
    boolean guarded = reserved.contains(first) || first.startsWith("health");
    TreeSet<String> allowed = null;
    for (var route : routes) {
      if ((guarded && !route.path().firstLiteral().equals(first))
          || !route.path().matches(segments)
          || (route.listener().isPresent() && !route.listener().get().equals(listener))
          || (route.host().isPresent() && !hostFits(route.host().get(), host))) {
        continue;
      }
      if (route.takes(method)) {
        return new Match.Found(route);
      }
      if (allowed == null) {
        allowed = new TreeSet<>();
      }
      allowed.addAll(route.methods());
    }
    return allowed == null
        ? new Match.Unknown()
        : new Match.WrongMethod(String.join(", ", allowed));
  }

  private static int hostRank(Optional<String> host) {
    return host.map(name -> name.startsWith("*") ? 1 : 0).orElse(2);
  }

  private static boolean hostFits(String pattern, String host) {
    var name = host.toLowerCase(Locale.ROOT);
    int port = name.lastIndexOf(':');
    if (port > name.lastIndexOf(']')) {
      name = name.substring(0, port);
    }
    return pattern.startsWith("*.")
        ? name.length() > pattern.length() - 1 && name.endsWith(pattern.substring(1))
        : name.equals(pattern);
  }
}
