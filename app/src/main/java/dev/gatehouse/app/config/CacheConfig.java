package dev.gatehouse.app.config;

import java.time.Duration;
import java.util.Optional;

/// What the edge keeps of the answers of one route.
///
/// @param ttl how long an answer is fresh, whatever the origin says; empty: what the origin says
/// @param staleIfError how long after that it may stand in for a failing origin; empty: an hour, or
///   a day where answers are kept for nothing else
/// @param staleWhileRevalidate how long after that it is given while a new one is fetched
/// @param maxObject bytes of the largest body that is kept
public record CacheConfig(
    Mode mode,
    Optional<Duration> ttl,
    Optional<Duration> staleIfError,
    Duration staleWhileRevalidate,
    long maxObject) {

  /// When a stored answer is used.
  public enum Mode {
    /// As RFC 9111 says.
    ON,
    /// Only when nobody else can answer.
    STALE_ONLY,
    OFF
  }
}
