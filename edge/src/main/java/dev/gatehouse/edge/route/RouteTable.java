package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// All routes; a request goes to the most specific one that takes it.
///
/// They are found by listener, then by host ([HostIndex]), then by path ([PathIndex]), which gives
/// the same as trying all of them in order.
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

  private static final Match UNKNOWN = new Match.Unknown();

  private final List<Route> routes;
  private final Map<String, HostIndex> byListener = new HashMap<>();
  private final HostIndex everywhere = new HostIndex();
  private final Set<String> reserved;
  private final Map<String, List<PathPattern>> only;

  /// @param only the paths a listener is open for; a listener that is absent is open for all
  public RouteTable(List<Route> routes, Map<String, List<PathPattern>> only) {
    this.only = Map.copyOf(only);
    var sorted = new ArrayList<>(routes);
    sorted.sort(Comparator.comparing(Route::match, RoutePattern.MOST_SPECIFIC_FIRST));
    this.routes = List.copyOf(sorted);
    var prefixes = new HashSet<>(EDGE_PREFIXES);
    for (var route : sorted) {
      route
          .match()
          .listener()
          .map(name -> byListener.computeIfAbsent(name, _ -> new HostIndex()))
          .orElse(everywhere)
          .add(new Match.Found(route));
      if (route.to().ours()) {
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

  public Match match(String listener, RequestHead head) {
    var found = find(listener, head, null);
    if (found != null) {
      return found;
    }
    var refused = new TreeSet<String>();
    find(listener, head, refused);
    return refused.isEmpty() ? UNKNOWN : new Match.WrongMethod(String.join(", ", refused));
  }

  private Match.@Nullable Found find(
      String listener, RequestHead head, @Nullable Set<String> refused) {
    boolean literally = reserved(head.target().segments().getFirst());
    var here = byListener.isEmpty() ? null : byListener.get(listener);
    var found = here == null ? null : here.find(head, literally, refused);
    return found == null ? everywhere.find(head, literally, refused) : found;
  }

  /// What a `Host` names, as patterns write it: in lower case, without port and the root's dot.
  public static String hostName(String host) {
    return HostIndex.name(host);
  }

  /// Whether only routes that name this first segment may take it.
  boolean reserved(String first) {
    return reserved.contains(first) || first.startsWith("health");
  }
}
