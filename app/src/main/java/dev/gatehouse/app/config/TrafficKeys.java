package dev.gatehouse.app.config;

import dev.gatehouse.edge.upstream.Balance;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.edge.upstream.UpstreamSettings.Crowd;
import dev.gatehouse.edge.upstream.UpstreamSettings.Eject;
import dev.gatehouse.edge.upstream.UpstreamSettings.Retries;
import dev.gatehouse.edge.upstream.UpstreamSettings.Trip;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The part of the declaration that upstreams and replicated services share: how the edge spreads
/// requests over replicas, watches them, and repeats what failed.
///
/// Some defaults differ between servers that are not ours and replicas that are, so each kind has
/// keys of its own.
final class TrafficKeys {
  enum Policy {
    ROUND_ROBIN,
    WEIGHTED,
    LEAST_REQUESTS,
    PEAK_EWMA,
    CONSISTENT_HASH,
    STICKY
  }

  enum Switch {
    ON,
    OFF
  }

  private static final Duration MS = Duration.ofMillis(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final String TOKEN = "[A-Za-z0-9_.-]{1,64}";

  // ---- balance

  static final Key<Policy> POLICY =
      Key.with(
          "policy",
          Texts.oneOf(Policy.class),
          "round-robin",
          "round-robin: in turn; weighted: in turn by 'weight'; least-requests: the less busy of"
              + " two; peak-ewma: the faster of two; consistent-hash: equal requests to the same;"
              + " sticky: by a cookie");
  static final Key<Balance.By> BY =
      Key.optional("by", by(), "what consistent-hash looks at, the client's address if absent");
  static final Key<String> STICKY_COOKIE =
      Key.optional(
          "cookie",
          Texts.text("the name of a cookie", TOKEN),
          "the cookie that names a client's replica, 'replica' if absent");
  private final Key<Balance> balance =
      Key.section(
          "balance",
          Shape.Section.of(List.of(POLICY, BY, STICKY_COOKIE), TrafficKeys::balance)
              .orJust(POLICY)
              .checked(TrafficKeys::balanced),
          "how replicas share the requests");
  private final Key<Duration> slowStart =
      Key.with(
          "slow-start",
          Texts.duration(Duration.ZERO, HOUR),
          "0s",
          "how long a new replica takes to get its full share; 0s: none");

  // ---- the crowd

  private final Key<Integer> maxRequests =
      Key.with(
          "max-requests",
          Texts.number(0, 1_000_000),
          "0",
          "one replica's at a time; 0: any number");
  private final Key<Integer> queue =
      Key.with(
          "queue",
          Texts.number(0, 1_000_000),
          "100",
          "requests that may wait while every replica has its 'max-requests', else 503");
  private final Key<Duration> patience =
      Key.with("queue-timeout", Texts.duration(MS, MINUTE), "1s", "how long each waits, then 503");

  // ---- retries

  private final Key<Optional<Duration>> perTry;
  private final Key<Integer> tries =
      Key.with("tries", Texts.number(1, 10), "3", "how often one request is sent at most");
  private final Key<Boolean> idempotencyKey;
  private final Key<List<Integer>> retryStatuses =
      Key.optional(
          "retry-statuses",
          statuses(),
          "answers for which another replica is tried, [502, 503, 504] if absent");
  private static final Key<Integer> BUDGET_SHARE =
      Key.with("share", Texts.percent(), "20%", "of the last 10 s's requests");
  private static final Key<Integer> BUDGET_FLOOR =
      Key.with("per-second", Texts.number(0, 100_000), "10", "that are always allowed");
  private final Key<Retries> budget =
      Key.section(
          "retry-budget",
          Shape.Section.of(
              List.of(BUDGET_SHARE, BUDGET_FLOOR),
              v ->
                  new Retries(
                      1,
                      v.get(BUDGET_SHARE),
                      v.get(BUDGET_FLOOR),
                      Set.of(),
                      false,
                      Optional.empty())),
          "how many requests may be repeated of which something was sent");

  // ---- health

  private static final Key<String> HEALTH_PATH =
      Key.with("path", Texts.text("a path such as /health", "/\\S*"), "/", "what is asked for");
  private static final Key<Duration> HEALTH_EVERY =
      Key.with("every", Texts.duration(MS, HOUR), "2s", "between two checks of one server");
  private static final Key<Duration> HEALTH_TIMEOUT =
      Key.with("timeout", Texts.duration(MS, HOUR), "1s", "for one check");
  private static final Key<List<Integer>> HEALTH_STATUSES =
      Key.optional(
          "statuses",
          new Shape.Items<>(Texts.number(200, 599), 1),
          "the answers that are good, [200] if absent");
  private static final Key<Integer> HEALTH_RISE =
      Key.with("rise", Texts.number(1, 100), "1", "good answers in a row that bring a server back");
  private static final Key<Integer> HEALTH_FALL =
      Key.with("fall", Texts.number(1, 100), "3", "bad answers in a row that take it out");
  private final Key<Upstream.Check> health =
      Key.optional(
          "health",
          Shape.Section.of(
              List.of(
                  HEALTH_PATH,
                  HEALTH_EVERY,
                  HEALTH_TIMEOUT,
                  HEALTH_STATUSES,
                  HEALTH_RISE,
                  HEALTH_FALL),
              v ->
                  new Upstream.Check(
                      v.get(HEALTH_PATH),
                      v.get(HEALTH_EVERY),
                      v.get(HEALTH_TIMEOUT),
                      v.find(HEALTH_STATUSES).map(Set::copyOf).orElse(Set.of(200)),
                      v.get(HEALTH_RISE),
                      v.get(HEALTH_FALL))),
          "checks of every server, besides what real requests tell");

  private static final Key<Switch> EJECT_MODE =
      Key.with("mode", Texts.oneOf(Switch.class), "on", "off: only refused connections tell");
  private static final Key<Integer> EJECT_CONSECUTIVE =
      Key.with("consecutive", Texts.number(1, 1000), "5", "errors in a row that take one out");
  private static final Key<Integer> EJECT_RATE =
      Key.with("rate", Texts.percent(), "50%", "errors among the window's requests that do");
  private static final Key<Integer> EJECT_VOLUME =
      Key.with("volume", Texts.number(1, 100_000), "20", "requests below which no rate is judged");
  private static final Key<Duration> EJECT_WINDOW =
      Key.with("window", Texts.duration(MS.multipliedBy(100), HOUR), "10s", "the rate's");
  private static final Key<Duration> EJECT_BASE =
      Key.with("base", Texts.duration(MS, HOUR), "1s", "how long the first time; longer each time");
  private static final Key<Duration> EJECT_LONGEST =
      Key.with("longest", Texts.duration(MS, HOUR), "8s", "how long at most");
  private static final Key<Integer> EJECT_MOST =
      Key.with("most", Texts.percent(), "50%", "of the replicas at once, rounded down");
  private static final Key<List<Integer>> EJECT_STATUSES =
      Key.optional(
          "statuses", statuses(), "answers that are errors, [500, 502, 503, 504] if absent");
  private final Key<Optional<Eject>> eject =
      Key.section(
          "eject",
          Shape.Section.of(
                  List.of(
                      EJECT_MODE,
                      EJECT_CONSECUTIVE,
                      EJECT_RATE,
                      EJECT_VOLUME,
                      EJECT_WINDOW,
                      EJECT_BASE,
                      EJECT_LONGEST,
                      EJECT_MOST,
                      EJECT_STATUSES),
                  TrafficKeys::eject)
              .orJust(EJECT_MODE),
          "when a replica's own answers take it out for a while");

  private static final Key<Integer> TRIP_RATE =
      Key.with("rate", Texts.percent(), "50%", "failed tries among the window's that open it");
  private static final Key<Integer> TRIP_VOLUME =
      Key.with("volume", Texts.number(1, 100_000), "20", "tries below which no rate is judged");
  private static final Key<Duration> TRIP_WINDOW =
      Key.with("window", Texts.duration(MS.multipliedBy(100), HOUR), "10s", "the rate's");
  private static final Key<Duration> TRIP_OPEN =
      Key.with("open", Texts.duration(MS, HOUR), "2s", "how long nothing is sent");
  private static final Key<List<Integer>> TRIP_STATUSES =
      Key.optional("statuses", statuses(), "answers that are failures too, none if absent");
  private final Key<Switch> tripMode;
  private final Key<Optional<Trip>> breaker;

  private final boolean own;

  private TrafficKeys(boolean own, boolean keyed, String perTry) {
    this.own = own;
    this.perTry =
        Key.with(
            "per-try-timeout",
            Texts.durationOrOff(MS, HOUR),
            perTry,
            "after which another replica is tried, where that is safe");
    this.idempotencyKey =
        Key.with(
            "idempotency-key",
            Texts.flag(),
            Boolean.toString(keyed),
            "true: a POST with an Idempotency-Key may be repeated");
    this.tripMode =
        Key.with(
            "mode",
            Texts.oneOf(Switch.class),
            own ? "off" : "on",
            "off: requests are sent whatever became of the last ones");
    this.breaker =
        Key.section(
            "breaker",
            Shape.Section.of(
                    List.of(
                        tripMode, TRIP_RATE, TRIP_VOLUME, TRIP_WINDOW, TRIP_OPEN, TRIP_STATUSES),
                    this::trip)
                .orJust(tripMode),
            "when all of it is left alone for a while: 503 at once");
  }

  /// For replicas of our own.
  ///
  /// @param keyed whether the service honours `Idempotency-Key`
  static TrafficKeys own(boolean keyed) {
    return new TrafficKeys(true, keyed, "1s");
  }

  /// For servers that are not ours.
  static TrafficKeys external() {
    return new TrafficKeys(false, false, "off");
  }

  /// These keys, behind the section's others.
  List<Key<?>> after(Key<?>... others) {
    var all = new ArrayList<Key<?>>(List.of(others));
    if (!own) {
      all.add(health);
    }
    all.addAll(
        List.of(
            balance,
            slowStart,
            maxRequests,
            queue,
            patience,
            perTry,
            tries,
            idempotencyKey,
            retryStatuses,
            budget,
            eject,
            breaker));
    return List.copyOf(all);
  }

  UpstreamSettings settings(Values v) {
    return new UpstreamSettings(
        v.get(balance),
        own ? Optional.of(Upstream.Check.OWN) : v.find(health),
        v.get(eject),
        v.get(breaker),
        new Retries(
            v.get(tries),
            v.get(budget).percent(),
            v.get(budget).perSecond(),
            v.find(retryStatuses).map(Set::copyOf).orElse(Retries.DEFAULT.statuses()),
            v.get(idempotencyKey),
            v.get(perTry)),
        new Crowd(v.get(maxRequests), v.get(queue), v.get(patience)),
        v.get(slowStart));
  }

  /// Answers that say that something is wrong.
  private static Shape<List<Integer>> statuses() {
    return new Shape.Items<>(Texts.number(400, 599), 0);
  }

  private static Shape<Balance.By> by() {
    var expects = "path, client, header:NAME or cookie:NAME";
    var pattern = "path|client|(header|cookie):" + TOKEN;
    return new Shape.Scalar<>(
        expects,
        (text, _) -> {
          if (!text.matches(pattern)) {
            throw new Wrong("'" + text + "' is not " + expects);
          }
          var name = text.substring(text.indexOf(':') + 1);
          return switch (text.charAt(0)) {
            case 'p' -> new Balance.By.Path();
            case 'h' -> new Balance.By.Header(name);
            default ->
                text.equals("client") ? new Balance.By.Client() : new Balance.By.Cookie(name);
          };
        },
        java.util.Map.of("type", "string", "pattern", "^(" + pattern + ")$"));
  }

  private static Balance balance(Values v) {
    return switch (v.get(POLICY)) {
      case ROUND_ROBIN -> new Balance.RoundRobin();
      case WEIGHTED -> new Balance.Weighted();
      case LEAST_REQUESTS -> new Balance.LeastRequests();
      case PEAK_EWMA -> new Balance.Fastest();
      case CONSISTENT_HASH -> new Balance.Hash(v.find(BY).orElse(new Balance.By.Client()));
      case STICKY -> new Balance.Sticky(v.find(STICKY_COOKIE).orElse("replica"));
    };
  }

  private static void balanced(Values v) {
    var policy = v.find(POLICY);
    if (policy.isPresent() && policy.get() != Policy.CONSISTENT_HASH && v.find(BY).isPresent()) {
      v.wrong(BY, v.path() + ".by: only 'policy: consistent-hash' looks at this");
    }
    if (policy.isPresent() && policy.get() != Policy.STICKY && v.find(STICKY_COOKIE).isPresent()) {
      v.wrong(STICKY_COOKIE, v.path() + ".cookie: only 'policy: sticky' sets one");
    }
  }

  private static Optional<Eject> eject(Values v) {
    return v.get(EJECT_MODE) == Switch.OFF
        ? Optional.empty()
        : Optional.of(
            new Eject(
                v.get(EJECT_CONSECUTIVE),
                v.get(EJECT_RATE),
                v.get(EJECT_VOLUME),
                v.get(EJECT_WINDOW),
                v.get(EJECT_BASE),
                v.get(EJECT_LONGEST),
                v.get(EJECT_MOST),
                v.find(EJECT_STATUSES).map(Set::copyOf).orElse(Eject.DEFAULT.statuses())));
  }

  /// A section that is written at all means on, unless it says off.
  private Optional<Trip> trip(Values v) {
    var names = v.reading().names(v.path());
    boolean on =
        v.get(tripMode) == Switch.ON || (!names.isEmpty() && !names.contains(tripMode.name()));
    return on
        ? Optional.of(
            new Trip(
                v.get(TRIP_RATE),
                v.get(TRIP_VOLUME),
                v.get(TRIP_WINDOW),
                v.get(TRIP_OPEN),
                v.find(TRIP_STATUSES).map(Set::copyOf).orElse(Trip.DEFAULT.statuses())))
        : Optional.empty();
  }
}
