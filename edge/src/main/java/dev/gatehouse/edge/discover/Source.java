package dev.gatehouse.edge.discover;

import java.time.Duration;
import java.util.Optional;

/// Where the replicas of an upstream are found.
///
/// @param tls whether they speak HTTPS
/// @param every how often DNS is asked; empty: as the answers' time to live says
public record Source(Question question, boolean tls, Optional<Duration> every) {
  /// What DNS is asked for.
  public sealed interface Question {
    /// As logs call it.
    String inWords();

    /// Every address of `host` (A; AAAA where it has none) is a replica on `port`.
    record Addresses(String host, int port) implements Question {
      @Override
      public String inWords() {
        return host + ":" + port;
      }
    }

    /// Every SRV record of `name` is a host and a port (RFC 2782).
    record Services(String name) implements Question {
      @Override
      public String inWords() {
        return "SRV " + name;
      }
    }
  }
}
