package dev.gatehouse.app.config;

import java.time.Duration;
import java.util.Optional;

/// Replicas that are found by DNS.
///
/// @param tls whether they speak HTTPS
/// @param every how often DNS is asked; empty: when the answer's time to live is over
public record DiscoverConfig(Question question, boolean tls, Optional<Duration> every) {
  /// What DNS is asked for.
  public sealed interface Question {
    /// Address records (A, AAAA); every address is a replica on this port.
    record Addresses(String host, int port) implements Question {}

    /// Service records (SRV), which name hosts and ports.
    record Services(String name) implements Question {}
  }
}
