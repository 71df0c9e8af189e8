package dev.gatehouse.app.config;

import dev.gatehouse.edge.limit.AddressBlock;
import dev.gatehouse.edge.limit.Limit;
import dev.gatehouse.edge.limit.Limit.KeyPart;
import dev.gatehouse.edge.limit.Wildcard;
import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.PathPattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// The part of the declaration that says how often who may come in. What the admin API takes is
/// read by the same keys.
final class LimitKeys {
  private static final Pattern RATE =
      Pattern.compile("(\\d{1,10})/(\\d{0,6})(s|sec|second|min|minute|m|h|hour|d|day)");
  private static final Duration LONGEST = Duration.ofDays(31);

  // ---- which requests

  private static final Key<List<Network>> CLIENT =
      Key.optional(
          "client",
          new OneOrMore<>(Texts.network()),
          "addresses or networks it comes from, such as 10.0.0.0/8");
  private static final Key<dev.gatehouse.app.config.PathPattern> PATH =
      Key.optional("path", Texts.pathPattern(), "/a/b, /a/** (and /a itself), or /a/{id}");
  private static final Key<String> HOST =
      Key.optional(
          "host",
          new Shape.Scalar<>("a host name", Checks::hostPattern, Map.of("type", "string")),
          "the host it asks for; *.example.com is every name below");
  private static final Key<List<String>> METHOD =
      Key.optional(
          "method",
          new OneOrMore<>(Texts.text("a method in capitals, such as GET", "[A-Z]{1,32}")),
          "its method, or a list of them; GET takes HEAD along");
  private static final Key<Map<String, String>> HEADER =
      Key.optional(
          "header",
          new Pairs<>(
              "header field",
              Texts::headerName,
              Texts.anyText("a value, \"*\" for any, or \"!\" for none")),
          "header fields it has: {X-Beta: \"1\"}; \"*\" is any value, \"!\" is without it");
  private static final Key<List<String>> USER_AGENT =
      Key.optional(
          "user-agent",
          new OneOrMore<>(Texts.anyText("a text, in which * is any other")),
          "its User-Agent, such as \"curl/*\"");
  private static final Key<List<String>> USER =
      Key.optional(
          "user",
          new OneOrMore<>(Texts.anyText("the id of a user").checked(LimitKeys::identity)),
          "who is signed in");
  private static final Key<List<String>> PLAN =
      Key.optional(
          "plan",
          new OneOrMore<>(Texts.anyText("the name of a plan").checked(LimitKeys::plan)),
          "the plan of who is signed in");
  private static final Key<List<String>> ROUTE =
      Key.optional(
          "route",
          new OneOrMore<>(Texts.anyText("the name of a route").checked(LimitKeys::route)),
          "the route that takes it");
  private static final Key<Limit.Match> MATCH =
      Key.section(
          "match",
          Shape.Section.of(
              List.of(CLIENT, PATH, HOST, METHOD, HEADER, USER_AGENT, USER, PLAN, ROUTE),
              LimitKeys::match),
          "which requests it concerns; all of them if absent");

  private static Limit.Match match(Values v) {
    var conditions = new ArrayList<Condition>();
    v.find(HEADER)
        .orElse(Map.of())
        .forEach(
            (name, text) -> conditions.add(Condition.parse(Condition.Source.HEADER, name, text)));
    return new Limit.Match(
        v.find(CLIENT).orElse(List.of()).stream()
            .map(network -> AddressBlock.of(network.base(), network.prefix()))
            .toList(),
        v.find(PATH).map(path -> PathPattern.parse(path.text())),
        v.find(HOST),
        v.find(METHOD).orElse(List.of()),
        conditions,
        v.find(USER_AGENT).orElse(List.of()).stream().map(Wildcard::new).toList(),
        v.find(USER).orElse(List.of()),
        v.find(PLAN).orElse(List.of()),
        v.find(ROUTE).orElse(List.of()));
  }

  // ---- what shares a bucket, and how many

  private static final Key<String> NAME =
      Key.required("name", name(), "what answers, metrics and the admin API call it");
  private static final Key<List<KeyPart>> KEY =
      Key.optional(
          "key",
          new OneOrMore<>(
              new Shape.Scalar<>(
                  "a part of a key such as client or header:X-Tenant",
                  LimitKeys::part,
                  Map.of("type", "string"))),
          "what requests of one bucket have in common: client, user, plan, route, host, path,"
              + " method, user-agent, header:NAME; one bucket for all if absent");
  private static final Key<Limit.Rate> RATE_KEY =
      Key.required(
          "rate",
          new Shape.Scalar<>(
              "a rate such as 10/s, 1000/min or 5/10s",
              (text, _) -> rate(text),
              Map.of("type", "string", "pattern", "^" + RATE + "$")),
          "how many may pass in any period of that length, such as 1000/min");
  private static final Key<Integer> BURST =
      Key.optional(
          "burst",
          Texts.number(1, Limit.MOST),
          "a token bucket of this size instead of a sliding window");
  private static final Key<Limit.MissingKey> MISSING_KEY =
      Key.with(
          "missing-key",
          Texts.oneOf(Limit.MissingKey.class),
          "skip",
          "what becomes of a request without a part of the key: skip is not limited here, share is"
              + " a bucket for all of them, refuse is 429");
  private static final Key<Integer> COST =
      Key.with("cost", Texts.number(1, 1_000_000), "1", "how many permits a request takes");
  private static final List<Key<?>> KEYS = List.of(MATCH, KEY, RATE_KEY, BURST, MISSING_KEY, COST);

  private static final Shape<Limit> LIMIT =
      Shape.Section.of(
              List.of(NAME, MATCH, KEY, RATE_KEY, BURST, MISSING_KEY, COST),
              v -> limit(v, v.get(NAME), Limit.Origin.FILE))
          .checked(LimitKeys::check);
  static final Key<List<Limit>> LIMITS =
      Key.optional(
          "limits",
          new Shape.Items<>(LIMIT, 0),
          "how often who may come in, such as [{name: each, key: client, rate: 100/s}]");

  private LimitKeys() {}

  static Shape.Scalar<String> name() {
    return Texts.text("a name of small letters, digits and '-'", "[a-z][a-z0-9-]{0,62}");
  }

  /// A limit whose name stands elsewhere, as the admin API has it.
  static Shape.Section<Limit> unnamed(String name) {
    return Shape.Section.of(KEYS, v -> limit(v, name, Limit.Origin.API)).checked(LimitKeys::check);
  }

  private static Limit limit(Values v, String name, Limit.Origin origin) {
    return new Limit(
        name,
        v.get(MATCH),
        v.find(KEY).orElse(List.of()),
        v.get(RATE_KEY),
        v.find(BURST).map(OptionalInt::of).orElse(OptionalInt.empty()),
        v.get(MISSING_KEY),
        v.get(COST),
        origin);
  }

  private static Limit.Rate rate(String text) throws Wrong {
    var parts = RATE.matcher(text);
    if (!parts.matches()) {
      throw new Wrong("'" + text + "' is not a rate such as 10/s, 1000/min or 5/10s");
    }
    long permits = Long.parseLong(parts.group(1));
    long count = parts.group(2).isEmpty() ? 1 : Long.parseLong(parts.group(2));
    long unit =
        switch (parts.group(3).charAt(0)) {
          case 's' -> 1;
          case 'm' -> 60;
          case 'h' -> 3600;
          default -> 86_400;
        };
    if (permits < 1 || permits > Limit.MOST) {
      throw new Wrong(
          "'" + text + "' is out of range; from 1 to " + Limit.MOST + " requests may pass");
    }
    if (count < 1 || count * unit > LONGEST.toSeconds()) {
      throw new Wrong("'" + text + "' is out of range; a period is from 1s to 31d");
    }
    return new Limit.Rate((int) permits, Duration.ofSeconds(count * unit));
  }

  private static KeyPart part(String text, Reading reading) throws Wrong {
    if (text.regionMatches(true, 0, "header:", 0, 7)) {
      return new KeyPart(
          KeyPart.Source.HEADER, Texts.headerName(text.substring(7).trim(), reading));
    }
    var known = new ArrayList<String>();
    for (var source : KeyPart.Source.values()) {
      var word = KeyPart.of(source).toString();
      if (source != KeyPart.Source.HEADER && word.equals(text)) {
        if (source == KeyPart.Source.USER) {
          identity(text, reading);
        } else if (source == KeyPart.Source.PLAN) {
          plan(text, reading);
        }
        return KeyPart.of(source);
      }
      known.add(source == KeyPart.Source.HEADER ? "header:NAME" : word);
    }
    throw new Wrong("'" + text + "' is no part of a key" + Suggest.among(text, known));
  }

  // ---- what must be so

  private static void identity(String text, Reading reading) throws Wrong {
    if (noRoute(reading, schemes -> !schemes.isEmpty())) {
      throw new Wrong("no request has a user here: no route has 'authenticate'");
    }
  }

  private static void plan(String text, Reading reading) throws Wrong {
    if (noRoute(
        reading,
        schemes ->
            schemes.contains(Identity.Scheme.API_KEY) || schemes.contains(Identity.Scheme.JWT))) {
      throw new Wrong("no request has a plan here: no route has 'authenticate: api-key' or jwt");
    }
  }

  /// Whether no route asks for such ways to say who one is; one with a mistake of its own might.
  private static boolean noRoute(Reading reading, Predicate<List<Identity.Scheme>> asks) {
    return reading.names("routes").stream()
        .map(index -> reading.built("routes[" + index + "]"))
        .allMatch(route ->
            route
                .filter(built -> !asks.test(((RouteConfig) built).authenticate().schemes()))
                .isPresent());
  }

  private static void route(String text, Reading reading) throws Wrong {
    var names = new ArrayList<String>();
    for (var index : reading.names("routes")) {
      reading
          .built("routes[" + index + "]")
          .ifPresent(route -> names.add(((RouteConfig) route).name()));
    }
    if (!names.contains(text)) {
      throw new Wrong("there is no route '" + text + "'" + Suggest.among(text, names));
    }
  }

  private static void check(Values values) {
    var rate = values.find(RATE_KEY);
    var burst = values.find(BURST);
    var cost = values.find(COST);
    rate.ifPresent(pace -> {
      int most = burst.orElse(pace.permits());
      if (cost.isPresent() && cost.get() > most) {
        values.wrong(
            COST, at(values, "cost") + ": no request could ever pass: at most " + most + " do");
      }
      double refill = (double) most / pace.permits() * pace.per().toSeconds();
      if (burst.isPresent() && refill > Duration.ofDays(366).toSeconds()) {
        values.wrong(BURST, at(values, "burst") + ": it would take over a year to fill");
      }
    });
    var key = values.find(KEY).orElse(List.of());
    if (Set.copyOf(key).size() < key.size()) {
      wrongKey(values, "a part of the key is given twice");
    }
    if (key.isEmpty()
        && values.reading().names(values.path()).contains("missing-key")
        && values.find(KEY).isEmpty()) {
      values.wrong(
          MISSING_KEY, at(values, "missing-key") + ": this has no meaning without a 'key'");
    }
  }

  private static String at(Values values, String key) {
    return values.path().isEmpty() ? key : values.path() + "." + key;
  }

  private static void wrongKey(Values values, String why) {
    var path = at(values, "key");
    values.reading().mistake(values.reading().placeOf(path), path + ": " + why);
  }

  /// Two limits of one name.
  static void names(Reading reading) {
    var seen = new HashMap<String, Place>();
    for (var index : reading.names("limits")) {
      reading
          .found("limits[" + index + "].name")
          .ifPresent(found -> {
            var earlier = seen.putIfAbsent((String) found.value(), found.place());
            if (earlier != null) {
              reading.mistake(
                  found.place(),
                  "the name '" + found.value() + "' is already taken" + Checks.line(earlier));
            }
          });
    }
  }
}
