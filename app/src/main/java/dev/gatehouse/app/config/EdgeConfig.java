package dev.gatehouse.app.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The edge: where it listens and how much of a request it reads.
///
/// @param listen at least one, in the file's order
/// @param threads event loops; 0 for one per core
/// @param trustedProxies whose `X-Forwarded-*` and `Forwarded` fields and PROXY headers are
///   believed
/// @param cacheSize bytes that stored answers of all routes may take
/// @param resolver the DNS server to ask; empty: those of the system
public record EdgeConfig(
    List<ListenConfig> listen,
    int threads,
    List<Network> trustedProxies,
    RequestLimits request,
    long cacheSize,
    LimitSettings limits,
    Optional<Address> resolver) {

  /// What a request may be, in bytes and lines; more is 414 or 431.
  ///
  /// @param line the request line
  /// @param headers all header lines together
  /// @param headerLines how many of them
  public record RequestLimits(int line, int headers, int headerLines) {}

  /// @param keys how many are counted at once
  /// @param every how often edges tell each other
  /// @param edges how many there are, for as long as the database has not said
  public record LimitSettings(int keys, Duration every, int edges) {}
}
