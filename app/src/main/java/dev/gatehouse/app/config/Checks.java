package dev.gatehouse.app.config;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// What one key alone cannot tell: names that must exist, things that must not meet.
final class Checks {
  private Checks() {}

  // ---- one text, and the names around it

  static Destination destination(String text, Reading reading) throws Wrong {
    if (text.contains("://")) {
      return new Destination.Upstream(Texts.parseServer(text).toString());
    }
    if (reading.names("upstreams").contains(text)) {
      return new Destination.Upstream(text);
    }
    if (reading.names("services").contains(text)) {
      return new Destination.Service(text);
    }
    if (ServiceKeys.NAMES.contains(text)) {
      throw new Wrong("the service '" + text + "' is not run here; add it under 'services'");
    }
    if (text.matches("[^/]+:\\d+")) {
      throw new Wrong("'" + text + "' is no URL; did you mean 'http://" + text + "'?");
    }
    var known = new ArrayList<>(reading.names("services"));
    known.addAll(reading.names("upstreams"));
    var instead =
        known.isEmpty()
            ? "; name one that is declared, or a URL such as http://127.0.0.1:5000"
            : Suggest.among(text, known);
    throw new Wrong("there is no service or upstream '" + text + "'" + instead);
  }

  static String listener(String text, Reading reading) throws Wrong {
    var known = reading.names("edge.listen");
    if (!known.contains(text)) {
      throw new Wrong("there is no listener '" + text + "'" + Suggest.among(text, known));
    }
    return text;
  }

  static String hostPattern(String text, Reading reading) throws Wrong {
    var lower = text.toLowerCase(Locale.ROOT);
    var name = lower.startsWith("*.") ? lower.substring(2) : lower;
    if (!name.matches("\\[[0-9a-f:.]+]") && !Texts.HOST_NAME.matcher(name).matches()) {
      throw new Wrong(
          "'" + text + "' is not a host such as example.com or *.example.com, without a port");
    }
    // Names are compared without the root's dot.
    return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
  }

  // ---- one section

  static void upstream(Values values) {
    var listed = values.find(Declaration.URLS).orElse(List.of()).stream();
    CredentialKeys.upstream(
        values,
        Stream.concat(listed.map(UpstreamConfig.Target::url), values.find(Declaration.URL).stream())
            .toList());
    var names = values.reading().names(values.path());
    var given =
        Stream.of("url", "urls", "dns", "srv").filter(names::contains).map(n -> "'" + n + "'");
    var servers = given.toList();
    if (servers.size() > 1) {
      values.wrong(
          Declaration.URL,
          values.path() + ": give either " + String.join(" or ", servers) + ", not both");
    } else if (values.find(Declaration.URL).isEmpty() && servers.isEmpty()) {
      values.wrong(Declaration.URL, values.path() + ": 'url', 'urls', 'dns' or 'srv' is missing");
    }
    if (names.contains("every") && !names.contains("dns") && !names.contains("srv")) {
      values.wrong(
          DiscoverKeys.EVERY,
          values.path() + ".every: nothing is looked up without 'dns' or 'srv'");
    }
  }

  /// A service whose processes run elsewhere has no number of them here.
  static void discovered(Values values, Key<Integer> number) {
    var names = values.reading().names(values.path());
    if (names.contains("discover") && names.contains(number.name())) {
      values.wrong(
          DiscoverKeys.DISCOVER,
          values.path()
              + ": give either '"
              + number.name()
              + "' to run them here or 'discover' to find them, not both");
    }
  }

  static void route(Values values) {
    AuthKeys.route(values);
    var kept = values.find(Declaration.CACHE);
    if (kept.isEmpty() || kept.get().mode() == CacheConfig.Mode.OFF) {
      return;
    }
    if (values
        .find(AuthKeys.AUTHENTICATE)
        .filter(ways -> !ways.contains(AuthKeys.Way.NONE))
        .isPresent()) {
      cannotCache(
          values,
          "what a signed-in user gets is never kept for others; leave out 'cache' or"
              + " 'authenticate'");
    }
    if (values.find(RouteKeys.TO).orElse(null) instanceof Destination.Service(var name)
        && !ServiceKeys.REPLICATED.contains(name)) {
      cannotCache(
          values,
          "the service '"
              + name
              + "' runs inside the edge, where there is nothing to save; leave out 'cache'");
    }
  }

  private static void cannotCache(Values values, String why) {
    var path = values.path() + ".cache";
    values.reading().mistake(values.reading().placeOf(path), path + ": " + why);
  }

  static void program(Values values) {
    var command = values.find(ServiceKeys.COMMAND).orElse(List.of());
    if (command.isEmpty() || runnable(command.getFirst(), values.reading())) {
      return;
    }
    var path = values.path() + ".command[0]";
    values
        .reading()
        .found(path)
        .ifPresent(found ->
            values
                .reading()
                .mistake(
                    found.place(),
                    path + ": there is no program '" + command.getFirst() + "' that could be run"));
  }

  private static boolean runnable(String program, Reading reading) {
    try {
      if (program.contains("/")) {
        return Files.isExecutable(Path.of(program)) && Files.isRegularFile(Path.of(program));
      }
      var path = Optional.ofNullable(reading.environment().get("PATH")).orElse("/usr/bin:/bin");
      for (var directory : List.of(path.split(File.pathSeparator))) {
        var file = Path.of(directory, program);
        if (Files.isExecutable(file) && Files.isRegularFile(file)) {
          return true;
        }
      }
    } catch (InvalidPathException e) {
      return false; // a name that no file can have
    }
    return false;
  }

  // ---- everything

  static void whole(Values values) {
    var reading = values.reading();
    for (var name : reading.names("upstreams")) {
      if (ServiceKeys.NAMES.contains(name)) {
        reading.mistake(
            reading.placeOf("upstreams." + name),
            "'" + name + "' is the name of a built-in service; call this upstream something else");
      }
    }
    addresses(reading);
    proxied(reading);
    routeNames(reading);
    LimitKeys.names(reading);
    RouteChecks.conflicts(reading);
    if (values.find(Declaration.DATA).isPresent()) {
      data(reading);
    }
    reading.checkVariables();
  }

  private static void data(Reading reading) {
    reading
        .found("data")
        .filter(found -> Files.exists((Path) found.value()))
        .filter(found -> !Files.isDirectory((Path) found.value()))
        .ifPresent(found ->
            reading.mistake(
                found.place(), "data: '" + found.value() + "' is a file, not a directory"));
  }

  private static void addresses(Reading reading) {
    var paths = new ArrayList<String>();
    reading.names("edge.listen").forEach(name -> paths.add("edge.listen." + name + ".address"));
    paths.add("admin.listen");
    paths.add("replica.listen");
    var seen = new ArrayList<String>();
    for (var path : paths) {
      var here = reading.found(path);
      if (here.isEmpty()) {
        continue;
      }
      for (var other : seen) {
        var there = reading.found(other).orElseThrow();
        if (collide((Address) here.get().value(), (Address) there.value())) {
          reading.mistake(
              here.get().place(),
              path
                  + ": "
                  + here.get().value()
                  + " is already taken by '"
                  + other
                  + "'"
                  + line(there.place()));
          break;
        }
      }
      seen.add(path);
    }
  }

  /// A listener that nobody could get in by is meant otherwise.
  private static void proxied(Reading reading) {
    boolean nobody = reading.names("edge.trusted-proxies").isEmpty();
    for (var name : reading.names("edge.listen")) {
      reading
          .found("edge.listen." + name + ".proxy-protocol")
          .filter(found -> nobody && found.value().equals(true))
          .ifPresent(found ->
              reading.mistake(
                  found.place(),
                  "listener '"
                      + name
                      + "' asks for a PROXY header of trusted proxies, and there are none; name"
                      + " their networks in 'edge.trusted-proxies'"));
    }
  }

  private static boolean collide(Address a, Address b) {
    return a.port() != 0
        && a.port() == b.port()
        && (a.everyInterface() || b.everyInterface() || a.host().equals(b.host()));
  }

  private static void routeNames(Reading reading) {
    var seen = new HashMap<String, Place>();
    for (var index : reading.names("routes")) {
      reading
          .found("routes[" + index + "].name")
          .ifPresent(found -> {
            var earlier = seen.putIfAbsent((String) found.value(), found.place());
            if (earlier != null) {
              reading.mistake(
                  found.place(),
                  "the name '" + found.value() + "' is already taken" + line(earlier));
            }
          });
    }
  }

  static String line(Place place) {
    return place.line() > 0 ? " on line " + place.line() : " (" + place.file() + ")";
  }
}
