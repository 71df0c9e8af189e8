package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What a request must be for a route to take it: all of it.
///
/// @param listener only requests that came in by this listener; empty for all
/// @param host an exact host, or `*.example.org` for all below it; empty for all; in lower case,
///   without a port
/// @param methods empty for all; `GET` brings `HEAD` along
/// @param conditions at most one about each field, parameter and cookie
public record RoutePattern(
    Optional<String> listener,
    Optional<String> host,
    PathPattern path,
    Set<String> methods,
    List<Condition> conditions) {
  /// Who is asked first: whoever names a listener, then whoever says more about the host, then
  /// about the path; then who asks for more ([#asked]), and more exactly; then who takes fewer
  /// methods.
  static final Comparator<RoutePattern> MOST_SPECIFIC_FIRST =
      Comparator.comparingInt((RoutePattern pattern) -> pattern.listener.isEmpty() ? 1 : 0)
          .thenComparingInt(RoutePattern::hostRank)
          .thenComparing(RoutePattern::path)
          .thenComparing(Comparator.comparingInt(RoutePattern::asked).reversed())
          .thenComparing(Comparator.comparingInt(RoutePattern::askedExactly).reversed())
          .thenComparingInt(RoutePattern::taken);

  public RoutePattern {
    if (methods.contains("GET")) {
      methods = new HashSet<>(methods);
      methods.add("HEAD");
    }
    methods = Set.copyOf(methods);
    conditions = List.copyOf(conditions);
  }

  /// Every request to this path.
  public static RoutePattern of(PathPattern path) {
    return new RoutePattern(Optional.empty(), Optional.empty(), path, Set.of(), List.of());
  }

  boolean takesMethod(String method) {
    return methods.isEmpty() || methods.contains(method);
  }

  boolean conditionsHold(RequestHead head) {
    for (int i = 0; i < conditions.size(); i++) {
      if (!conditions.get(i).holds(head)) {
        return false;
      }
    }
    return true;
  }

  /// Whether every host that `other` takes is also one of ours.
  boolean coversHost(RoutePattern other) {
    if (host.isEmpty()) {
      return true;
    }
    return other.host.isPresent()
        && (host.get().equals(other.host.get())
            || (host.get().startsWith("*.")
                && other.host.get().length() >= host.get().length()
                && other.host.get().endsWith(host.get().substring(1))));
  }

  /// Exact hosts, then wildcards, the longest first, then none.
  private int hostRank() {
    return host.map(name -> name.startsWith("*.") ? -name.length() : Integer.MIN_VALUE).orElse(0);
  }

  private int taken() {
    return methods.isEmpty() ? Integer.MAX_VALUE : methods.size();
  }

  /// How many things it asks for besides listener, host and path.
  int asked() {
    return conditions.size() + (methods.isEmpty() ? 0 : 1);
  }

  int askedExactly() {
    return (int)
        conditions.stream()
            .filter(condition -> condition.want() instanceof Condition.Want.Exactly)
            .count();
  }
}
