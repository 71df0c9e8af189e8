package dev.gatehouse.app.config;

import dev.gatehouse.edge.route.Conflicts;
import dev.gatehouse.edge.route.Conflicts.Conflict;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.RoutePattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What the keys of one route, or several routes, must not be together.
final class RouteChecks {
  private RouteChecks() {}

  // ---- one route

  static void route(Values values) {
    Checks.route(values);
    var to = values.find(RouteKeys.TO);
    boolean leaves =
        values.find(RouteKeys.REDIRECT).isPresent() || values.find(RouteKeys.RESPOND).isPresent();
    if (leaves) {
      unsent(values, RouteKeys.REWRITE);
      unsent(values, RouteKeys.REQUEST_HEADERS);
      unsent(values, Declaration.CACHE);
    }
    if (to.isPresent() && to.get() instanceof Destination.Split(var shares, var _)) {
      if (shares.values().stream().mapToInt(Integer::intValue).sum() == 0) {
        wrong(values, "to", "at least one weight must be more than 0");
      }
      if (values.find(Declaration.CACHE).isPresent()) {
        wrong(values, "cache", "what one destination answers would be given for another's");
      }
    } else if (values.find(RouteKeys.STICKY).isPresent()) {
      wrong(values, "sticky", "this needs several destinations, such as to: {old: 95, new: 5}");
    }
    if (values.find(RouteKeys.MATCH).isPresent()) {
      values.find(RouteKeys.REDIRECT).ifPresent(redirect -> redirect(values, redirect));
      values.find(RouteKeys.REWRITE).ifPresent(rewrite -> rewrite(values, rewrite));
    }
    values
        .find(RouteKeys.RESPOND)
        .filter(answer -> answer.status() == 204 || answer.status() == 304)
        .filter(answer -> answer.body().length > 0)
        .ifPresent(answer ->
            wrong(values, "respond.body", "an answer of " + answer.status() + " has no body"));
  }

  private static void unsent(Values values, Key<?> key) {
    if (values.find(key).isPresent()) {
      wrong(values, key.name(), "this route sends nothing on, so this has no meaning here");
    }
  }

  private static void redirect(Values values, RouteKeys.RedirectTo redirect) {
    try {
      RouteKeys.redirect(redirect, RouteKeys.path(values));
    } catch (IllegalArgumentException e) {
      wrong(values, "redirect.to", String.valueOf(e.getMessage()));
    }
  }

  private static void rewrite(Values values, RouteKeys.Changed rewrite) {
    var path = RouteKeys.path(values);
    if (rewrite.path().isPresent()
        && (rewrite.strip().isPresent() || rewrite.prefix().isPresent())) {
      wrong(
          values,
          "rewrite.path",
          "this is the whole new path; leave out 'strip-prefix' and 'prefix', or this");
    }
    if (rewrite.strip().isPresent() && !begins(path.toString(), rewrite.strip().get())) {
      wrong(
          values,
          "rewrite.strip-prefix",
          "the route's path '" + path + "' does not begin with '" + rewrite.strip().get() + "'");
      return;
    }
    if (rewrite.host().isPresent()
        && values.find(RouteKeys.TO).filter(Destination.Service.class::isInstance).isPresent()) {
      wrong(values, "rewrite.host", "a service of this assembly always gets the client's Host");
    }
    try {
      RouteKeys.rewrite(rewrite, path);
    } catch (IllegalArgumentException e) {
      wrong(values, "rewrite.path", String.valueOf(e.getMessage()));
    }
  }

  private static boolean begins(String path, String prefix) {
    return path.equals(prefix) || path.startsWith(prefix + "/");
  }

  private static void wrong(Values values, String key, String sentence) {
    var path = values.path() + "." + key;
    var reading = values.reading();
    reading.mistake(
        reading.found(path).map(Reading.Found::place).orElseGet(() -> reading.placeOf(path)),
        path + ": " + sentence);
  }

  // ---- all of them

  /// Routes that tie, and routes that are never reached.
  static void conflicts(Reading reading) {
    var matches = new ArrayList<RoutePattern>();
    var places = new ArrayList<Place>();
    for (var index : reading.names("routes")) {
      var path = "routes[" + index + "].match";
      if (reading.built(path).orElse(null) instanceof RouteConfig.Match match) {
        matches.add(match.pattern());
        places.add(reading.found(path + ".path").orElseThrow().place());
      }
    }
    for (var conflict : Conflicts.find(matches, listeners(reading), only(reading))) {
      reading.mistake(places.get(conflict.route()), sentence(conflict, places));
    }
  }

  /// The listeners, and one more where some of them could not be read: nothing is known of that
  /// one.
  private static Set<String> listeners(Reading reading) {
    var names = reading.names("edge.listen");
    if (!names.isEmpty()
        && names.stream().allMatch(name -> reading.built("edge.listen." + name).isPresent())) {
      return names;
    }
    var more = new HashSet<>(names);
    more.add("");
    return more;
  }

  private static Map<String, List<PathPattern>> only(Reading reading) {
    var only = new HashMap<String, List<PathPattern>>();
    for (var name : reading.names("edge.listen")) {
      if (reading.built("edge.listen." + name).orElse(null) instanceof ListenConfig listen
          && !listen.only().isEmpty()) {
        only.put(name, listen.only().stream().map(path -> PathPattern.parse(path.text())).toList());
      }
    }
    return only;
  }

  private static String sentence(Conflict conflict, List<Place> places) {
    return switch (conflict) {
      case Conflict.Same(int _, int as) ->
          "this route matches the same requests as the one"
              + Checks.line(places.get(as))
              + "; they tie, so make one of them more specific or remove it";
      case Conflict.Tie(int _, int with) ->
          "some requests match this route and the one"
              + Checks.line(places.get(with))
              + ", and neither is more specific; let one of them ask for what the other asks for,"
              + " too";
      case Conflict.Shadowed(int _, var by) ->
          "this route is never reached: whatever it matches is taken by the more specific "
              + (by.size() == 1 ? "one" : "ones")
              + by.stream()
                  .map(route -> Checks.line(places.get(route)))
                  .distinct()
                  .collect(Collectors.joining(" and"));
      case Conflict.Closed(int _) ->
          "this route is never reached: no listener it could come in by serves its path; see"
              + " their 'only'";
    };
  }
}
