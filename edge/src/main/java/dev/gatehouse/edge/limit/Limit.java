package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.PathPattern;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/// A limit as somebody wrote it down: which requests, what shares a bucket, how many.
///
/// Two that are equal but for their origin are the same limit, on every edge: what was counted goes
/// on counting when a configuration is read again.
///
/// @param name of small letters, digits and `-`; stands in answers, metrics and the admin API
/// @param match which requests it concerns
/// @param key what requests of one bucket have in common; empty: there is one bucket
/// @param burst empty: a sliding window; otherwise a token bucket of this size
/// @param missingKey what becomes of a request that has not all parts of the key
/// @param cost how many permits a request takes
public record Limit(
    String name,
    Match match,
    List<KeyPart> key,
    Rate rate,
    OptionalInt burst,
    MissingKey missingKey,
    int cost,
    Origin origin) {
  /// The most permits a rate or a burst can have.
  public static final int MOST = 1_000_000_000;

  /// So many in any period of this length.
  ///
  /// @param per whole seconds
  public record Rate(int permits, Duration per) {
    /// `1000/min`, `5/10s`.
    @Override
    public String toString() {
      long seconds = per.toSeconds();
      var unit =
          seconds % 86_400 == 0 ? "d" : seconds % 3600 == 0 ? "h" : seconds % 60 == 0 ? "min" : "s";
      long count =
          switch (unit) {
            case "d" -> seconds / 86_400;
            case "h" -> seconds / 3600;
            case "min" -> seconds / 60;
            default -> seconds;
          };
      return permits + "/" + (count == 1 ? "" : Long.toString(count)) + unit;
    }
  }

  /// What a request must be: all of what is given. An empty list asks for nothing.
  ///
  /// @param clients it comes from one of these
  /// @param host in lower case, without a port; `*.example.org` is all below it
  /// @param userAgents one of these fits, where `*` is any text
  /// @param routes the names of routes, one of which takes it
  public record Match(
      List<AddressBlock> clients,
      Optional<PathPattern> path,
      Optional<String> host,
      List<String> methods,
      List<Condition> headers,
      List<Wildcard> userAgents,
      List<String> users,
      List<String> plans,
      List<String> routes) {
    public static final Match ALL =
        new Match(
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of());

    public Match {
      clients = List.copyOf(clients);
      methods = List.copyOf(methods);
      headers = List.copyOf(headers);
      userAgents = List.copyOf(userAgents);
      users = List.copyOf(users);
      plans = List.copyOf(plans);
      routes = List.copyOf(routes);
    }
  }

  /// One thing that requests of a bucket have in common.
  ///
  /// @param header the name of a header field in lower case; empty unless `source` is `HEADER`
  public record KeyPart(Source source, String header) {
    public enum Source {
      /// The address; of an IPv6 address the first 64 bits, which is what one customer has.
      CLIENT,
      USER,
      PLAN,
      ROUTE,
      HOST,
      /// The decoded path, without the query.
      PATH,
      METHOD,
      USER_AGENT,
      HEADER
    }

    public static KeyPart of(Source source) {
      return new KeyPart(source, "");
    }

    boolean identity() {
      return source == Source.USER || source == Source.PLAN;
    }

    @Override
    public String toString() {
      return source == Source.HEADER
          ? "header:" + header
          : source.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /// What becomes of a request that has not all parts of the key.
  public enum MissingKey {
    /// The limit does not concern it.
    SKIP,
    /// All such requests share a bucket.
    SHARE,
    /// None passes.
    REFUSE
  }

  /// Who set it.
  public enum Origin {
    FILE,
    API
  }

  public Limit {
    key = List.copyOf(key);
  }

  /// What shares a bucket, in words.
  public String scope() {
    return key.isEmpty()
        ? "all"
        : key.stream().map(KeyPart::toString).collect(Collectors.joining(", "));
  }

  /// Whether it can only be judged once it is known who the user is.
  boolean needsIdentity() {
    return !match.users.isEmpty()
        || !match.plans.isEmpty()
        || key.stream().anyMatch(KeyPart::identity);
  }

  /// The largest number that can pass at once.
  public int most() {
    return burst.orElse(rate.permits);
  }

  /// All that makes it what it is, but not who set it.
  String definition() {
    return new Limit(name, match, key, rate, burst, missingKey, cost, Origin.FILE).toString();
  }
}
