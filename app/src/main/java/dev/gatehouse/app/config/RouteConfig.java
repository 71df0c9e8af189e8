package dev.gatehouse.app.config;

import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RoutePattern;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/// One route: what it matches and where that goes.
///
/// @param name unique, a closed set: metrics use it as a label. Where the file gives none it is the
///   match in words, such as `GET /data/**`
/// @param changes what is changed on the way
/// @param maintenance if given, the route is switched off
/// @param bodyLimit in bytes; empty: the destination decides
/// @param timeout instead of the upstream's
/// @param cache empty: answers are never stored
/// @param origin where it is written, `gatehouse.yaml:41`
public record RouteConfig(
    String name,
    Match match,
    Destination to,
    Route.Changes changes,
    Optional<Route.Maintenance> maintenance,
    Retry retry,
    AllDown allDown,
    Route.Authentication authenticate,
    OptionalLong bodyLimit,
    Optional<Duration> timeout,
    Optional<CacheConfig> cache,
    String origin) {

  /// What a request must be, all of it; the most specific match of all routes wins.
  ///
  /// @param listen the name of a listener
  /// @param host `example.com`, or `*.example.com` for every name below it; lower case, no port
  /// @param methods upper case; `GET` takes `HEAD` along; empty for all
  /// @param conditions header fields, parameters and cookies
  public record Match(
      Optional<String> listen,
      Optional<String> host,
      PathPattern path,
      Set<String> methods,
      List<Condition> conditions) {
    /// The same in the edge's own words, which know what is more specific.
    public RoutePattern pattern() {
      return new RoutePattern(
          listen,
          host,
          dev.gatehouse.edge.route.PathPattern.parse(path.text()),
          methods,
          conditions);
    }

    /// In words, such as `GET api.example.com/data/** on inner`.
    @Override
    public String toString() {
      return (methods.isEmpty() ? "" : String.join(",", methods) + " ")
          + host.orElse("")
          + path
          + conditions.stream().map(each -> " " + each).collect(Collectors.joining())
          + listen.map(name -> " on " + name).orElse("");
    }
  }

  /// Which failed requests may be sent to the next replica.
  public enum Retry {
    /// Those whose method is idempotent, and those of which nothing was sent.
    IDEMPOTENT,
    /// Only those of which nothing was sent.
    UNSENT,
    /// None.
    OFF
  }

  /// What becomes of a request while no replica is well.
  public enum AllDown {
    /// What the cache has, however old; without that 503.
    STALE,
    /// 503.
    FAIL_CLOSED,
    /// It is sent all the same.
    FAIL_OPEN
  }
}
