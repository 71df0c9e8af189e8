package dev.gatehouse.edge.route;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// One line of the route table: which requests, and what becomes of them.
///
/// @param name stands in logs, metrics and explanations
/// @param listener only requests that came in by this listener; empty for all
/// @param host an exact host, or `*.example.org` for all below it; empty for all; in lower case,
///   without a port
/// @param methods empty for all
/// @param retry when a failed try may be repeated
/// @param authenticate whether a session is needed, see [Authentication]
/// @param bodyLimit bytes a request may carry to an upstream; empty: any number
/// @param connectTimeout for a connection to an upstream
/// @param timeout from the end of the request to the head of the answer
/// @param cache empty: answers are never stored
public record Route(
    String name,
    Optional<String> listener,
    Optional<String> host,
    PathPattern path,
    Set<String> methods,
    Destination to,
    Retry retry,
    Authentication authenticate,
    OptionalLong bodyLimit,
    Duration connectTimeout,
    Duration timeout,
    Optional<Caching> cache) {
  /// When a try that failed may be repeated on another replica.
  public enum Retry {
    /// Only when nothing was sent.
    UNSENT,
    /// Also when something was sent and the method is idempotent (RFC 9110 section 9.2.2).
    IDEMPOTENT
  }

  /// Who may come in.
  public enum Authentication {
    NONE,
    SESSION
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

    /// A service in this process.
    record Local(String name) implements Destination {}

    /// A service with replicas of ours.
    record Replicated(String name) implements Destination {}

    /// An origin that is not ours.
    record External(String name) implements Destination {}
  }

  boolean takes(String method) {
    return methods.isEmpty()
        || methods.contains(method)
        || (method.equals("HEAD") && methods.contains("GET"));
  }
}
