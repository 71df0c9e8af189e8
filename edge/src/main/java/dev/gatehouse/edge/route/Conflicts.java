package dev.gatehouse.edge.route;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Finds the routes that could never be reached, and those whose order nothing decides.
///
/// Hosts and paths are compared as sets. For what is left (listener, method, conditions) a route is
/// asked about samples of requests: all combinations of the values that any route concerned tells
/// apart, and one value that none of them names. Those stand for every request there can be.
public final class Conflicts {
  /// Beyond this many samples a route counts as reachable; nobody writes such routes.
  private static final int MOST_SAMPLES = 20_000;

  /// A method, or value, that no route names.
  private static final String OTHER = "\0other";

  /// Something wrong with the route at this index.
  public sealed interface Conflict {
    int route();

    /// Both take the same requests.
    record Same(int route, int as) implements Conflict {}

    /// Both take some requests, and none of them is more specific.
    record Tie(int route, int with) implements Conflict {}

    /// All it would take is taken by these before.
    record Shadowed(int route, List<Integer> by) implements Conflict {}

    /// The listener, or every listener, is closed for its path.
    record Closed(int route) implements Conflict {}
  }

  /// A request, as far as routes tell requests apart besides host and path.
  private record Sample(String listener, String method, Map<Condition, Optional<String>> values) {}

  private final List<RoutePattern> routes;
  private final Set<String> listeners;
  private final Map<String, List<PathPattern>> only;

  private Conflicts(
      List<RoutePattern> routes, Set<String> listeners, Map<String, List<PathPattern>> only) {
    this.routes = routes;
    this.listeners = listeners;
    this.only = only;
  }

  /// All conflicts among these routes, in their order; at most one a route.
  ///
  /// @param only the paths a listener is open for; a listener that is absent is open for all
  public static List<Conflict> find(
      List<RoutePattern> routes, Set<String> listeners, Map<String, List<PathPattern>> only) {
    return new Conflicts(routes, listeners, only).find();
  }

  private List<Conflict> find() {
    var found = new ArrayList<Conflict>();
    var ties = ties(found);
    for (int i = 0; i < routes.size(); i++) {
      var open = open(routes.get(i));
      if (open.isEmpty()) {
        found.add(new Conflict.Closed(i));
      } else if (!ties.contains(i)) {
        shadow(i, open).ifPresent(found::add);
      }
    }
    found.sort(Comparator.comparingInt(Conflict::route));
    return found;
  }

  // ---- ties

  private Set<Integer> ties(List<Conflict> found) {
    var tied = new HashSet<Integer>();
    var scopes = new HashMap<List<Object>, List<Integer>>();
    for (int i = 0; i < routes.size(); i++) {
      var route = routes.get(i);
      var scope = List.of(route.listener(), route.host(), route.path().shape());
      for (int earlier : scopes.computeIfAbsent(scope, _ -> new ArrayList<>())) {
        if (tie(routes.get(earlier), route)) {
          found.add(
              same(routes.get(earlier), route)
                  ? new Conflict.Same(i, earlier)
                  : new Conflict.Tie(i, earlier));
          tied.add(i);
          break;
        }
      }
      scopes.get(scope).add(i);
    }
    return tied;
  }

  private static boolean tie(RoutePattern a, RoutePattern b) {
    return a.asked() == b.asked()
        && a.askedExactly() == b.askedExactly()
        && methodsMeet(a, b)
        && a.conditions().stream()
            .allMatch(one -> b.conditions().stream().allMatch(one::compatible))
        && !(sameConditions(a, b) && oneWithinTheOther(a.methods(), b.methods()));
  }

  private static boolean same(RoutePattern a, RoutePattern b) {
    return a.methods().equals(b.methods()) && sameConditions(a, b);
  }

  private static boolean sameConditions(RoutePattern a, RoutePattern b) {
    return Set.copyOf(a.conditions()).equals(Set.copyOf(b.conditions()));
  }

  private static boolean oneWithinTheOther(Set<String> a, Set<String> b) {
    return a.size() != b.size() && (a.containsAll(b) || b.containsAll(a));
  }

  private static boolean methodsMeet(RoutePattern a, RoutePattern b) {
    return a.methods().isEmpty()
        || b.methods().isEmpty()
        || a.methods().stream().anyMatch(b::takesMethod);
  }

  // ---- shadows

  /// The listeners by which a request can reach this route, as far as `only` lets it.
  private Set<String> open(RoutePattern route) {
    var open = new TreeSet<String>();
    for (var listener : listeners) {
      var paths = only.get(listener);
      if ((route.listener().isEmpty() || route.listener().get().equals(listener))
          && (paths == null || paths.stream().anyMatch(route.path()::meets))) {
        open.add(listener);
      }
    }
    return open;
  }

  private Optional<Conflict> shadow(int index, Set<String> open) {
    var route = routes.get(index);
    var before = new ArrayList<Integer>();
    for (int i = 0; i < routes.size(); i++) {
      var other = routes.get(i);
      if (i != index
          && other.path().covers(route.path())
          && other.coversHost(route)
          && RoutePattern.MOST_SPECIFIC_FIRST.compare(other, route) < 0) {
        before.add(i);
      }
    }
    if (before.isEmpty()) {
      return Optional.empty();
    }
    var by = new LinkedHashSet<Integer>();
    var samples = samples(route, before, open);
    for (var sample : samples) {
      var taker = before.stream().filter(i -> takes(routes.get(i), sample)).findFirst();
      if (taker.isEmpty()) {
        return Optional.empty();
      }
      by.add(taker.get());
    }
    return samples.isEmpty()
        ? Optional.empty()
        : Optional.of(new Conflict.Shadowed(index, by.stream().sorted().toList()));
  }

  private static boolean takes(RoutePattern route, Sample sample) {
    return (route.listener().isEmpty() || route.listener().get().equals(sample.listener))
        && route.takesMethod(sample.method)
        && route.conditions().stream()
            .allMatch(condition -> condition.allows(value(sample, condition)));
  }

  private static Optional<String> value(Sample sample, Condition condition) {
    return sample.values.entrySet().stream()
        .filter(entry -> entry.getKey().about(condition))
        .findFirst()
        .flatMap(Map.Entry::getValue);
  }

  /// Requests that the route takes; none where there would be too many.
  private List<Sample> samples(RoutePattern route, List<Integer> others, Set<String> open) {
    var methods = new TreeSet<>(Set.of(OTHER));
    methods.addAll(route.methods());
    var conditions = new ArrayList<>(route.conditions());
    for (int i : others) {
      methods.addAll(routes.get(i).methods());
      conditions.addAll(routes.get(i).conditions());
    }
    List<Sample> samples = new ArrayList<>();
    for (var listener : open) {
      for (var method : methods) {
        samples.add(new Sample(listener, method, Map.of()));
      }
    }
    var asked = new ArrayList<Condition>();
    for (var condition : conditions) {
      if (asked.stream().noneMatch(condition::about)) {
        asked.add(condition);
        var values = values(condition, conditions);
        if (samples.size() * values.size() > MOST_SAMPLES) {
          return List.of();
        }
        samples = times(samples, condition, values);
      }
    }
    return samples.stream().filter(sample -> takes(route, sample)).toList();
  }

  private static List<Sample> times(
      List<Sample> samples, Condition condition, Set<Optional<String>> values) {
    var more = new ArrayList<Sample>();
    for (var sample : samples) {
      for (var value : values) {
        var all = new HashMap<>(sample.values);
        all.put(condition, value);
        more.add(new Sample(sample.listener, sample.method, all));
      }
    }
    return more;
  }

  private static Set<Optional<String>> values(Condition about, List<Condition> all) {
    var values = new LinkedHashSet<Optional<String>>();
    values.add(Optional.empty());
    values.add(Optional.of(OTHER));
    for (var condition : all) {
      if (condition.about(about) && condition.want() instanceof Condition.Want.Exactly(var value)) {
        values.add(Optional.of(value));
      }
    }
    return values;
  }
}
