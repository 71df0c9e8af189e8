package dev.gatehouse.http;

import java.time.Duration;

/// What a server takes from a client before it says no.
///
/// @param line bytes of the request line; over it: 414
/// @param headers bytes of all header lines; over it: 431
/// @param headerLines over it: 431
/// @param headTimeout from a request's first byte to the end of its head; over it: 408
/// @param idleTimeout how long a kept-alive connection may rest between requests
/// @param stallTimeout how long a body may make no progress in either direction before the
///   connection is cut
public record HttpLimits(
    int line,
    int headers,
    int headerLines,
    Duration headTimeout,
    Duration idleTimeout,
    Duration stallTimeout) {
  public static final HttpLimits DEFAULT =
      new HttpLimits(
          8 * 1024,
          16 * 1024,
          100,
          Duration.ofSeconds(10),
          Duration.ofSeconds(75),
          Duration.ofSeconds(60));
}
