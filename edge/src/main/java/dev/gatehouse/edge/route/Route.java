package dev.gatehouse.edge.route;

import dev.gatehouse.http.Response;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// One line of the route table: which requests, and what becomes of them.
///
/// @param name stands in logs, metrics and explanations
/// @param match which requests
/// @param changes what is changed on the way
/// @param maintenance if given, the route is switched off
/// @param retry when a failed try may be repeated
/// @param allDown what happens while no replica is well
/// @param authenticate whether a session is needed, see [Authentication]
/// @param bodyLimit bytes a request may carry to an upstream; empty: any number
/// @param connectTimeout for a connection to an upstream
/// @param timeout from the end of the request to the head of the answer
/// @param cache empty: answers are never stored
public record Route(
    String name,
    RoutePattern match,
    Destination to,
    Changes changes,
    Optional<Maintenance> maintenance,
    Retry retry,
    AllDown allDown,
    Authentication authenticate,
    OptionalLong bodyLimit,
    Duration connectTimeout,
    Duration timeout,
    Optional<Caching> cache) {
  /// When a try that failed may be repeated on another replica.
  public enum Retry {
    /// Never.
    OFF,
    /// Only when nothing was sent.
    UNSENT,
    /// Also when something was sent and the method is idempotent (RFC 9110 section 9.2.2).
    IDEMPOTENT
  }

  /// What becomes of a request while no replica is well.
  public enum AllDown {
    /// What a cache has, however old; without that 503.
    STALE,
    /// 503, whatever a cache has.
    FAIL_CLOSED,
    /// It is sent to one of them all the same.
    FAIL_OPEN
  }

  /// Who may come in, and as whom.
  ///
  /// @param schemes the ways that count here, in the order they are looked for; the first that a
  ///   request presents decides. None: everybody may come in, as nobody
  /// @param anonymous whether a request that presents none of them may come in, as nobody
  /// @param pass whether a destination that is not ours gets the credential and the user's name
  public record Authentication(List<Identity.Scheme> schemes, boolean anonymous, boolean pass) {
    public static final Authentication NONE = new Authentication(List.of(), true, false);
    public static final Authentication SESSION =
        new Authentication(List.of(Identity.Scheme.SESSION), false, false);

    public Authentication {
      schemes = List.copyOf(schemes);
    }
  }

  /// What is kept of the answers.
  ///
  /// @param staleOnly a stored answer is used only when nobody else can answer
  /// @param ttl how long an answer is fresh, whatever the origin says; empty: what the origin says
  /// @param staleIfError how long after that it may stand in for a failing origin, unless the
  ///   origin says so itself
  /// @param staleWhileRevalidate how long after that it is given while a new one is fetched, unless
  ///   the origin says so itself
  /// @param maxObject bytes of the largest body that is kept
  public record Caching(
      boolean staleOnly,
      Optional<Duration> ttl,
      Duration staleIfError,
      Duration staleWhileRevalidate,
      long maxObject) {}

  /// Where requests go.
  public sealed interface Destination {
    String name();

    /// Whether some requests go to a service of ours.
    default boolean ours() {
      return true;
    }

    /// A service in this process.
    record Local(String name) implements Destination {}

    /// A service with replicas of ours.
    record Replicated(String name) implements Destination {}

    /// An origin that is not ours.
    record External(String name) implements Destination {
      @Override
      public boolean ours() {
        return false;
      }
    }

    /// Several, each for its share of the requests.
    record Shared(Split split) implements Destination {
      @Override
      public String name() {
        return split.toString();
      }

      @Override
      public boolean ours() {
        return split.shares().stream().anyMatch(share -> share.to().ours());
      }
    }

    /// Somewhere else: the client is told to go there.
    record Elsewhere(Redirect redirect) implements Destination {
      @Override
      public String name() {
        return redirect.toString();
      }

      @Override
      public boolean ours() {
        return false;
      }
    }

    /// Nowhere: every request gets this answer.
    record Fixed(Response response) implements Destination {
      @Override
      public String name() {
        return "respond " + response.status();
      }

      @Override
      public boolean ours() {
        return false;
      }
    }
  }

  /// What is changed on the way; see [HeaderEdits] for what cannot be.
  public record Changes(Optional<Rewrite> rewrite, HeaderEdits request, HeaderEdits response) {
    public static final Changes NONE =
        new Changes(Optional.empty(), HeaderEdits.NONE, HeaderEdits.NONE);
  }

  /// A route that is switched off answers 503.
  ///
  /// @param retryAfter when clients should come back
  /// @param message the sentence they get
  public record Maintenance(Duration retryAfter, String message) {}

  public PathPattern path() {
    return match.path();
  }
}
