package dev.gatehouse.jobs;

import java.time.Duration;
import java.util.random.RandomGenerator;

/// How long a failed job waits: `first`, doubled with each attempt, at most `longest`.
///
/// Half of it is jitter ("equal jitter"), so that jobs that failed together do not come back
/// together, and none comes back at once.
public record Backoff(Duration first, Duration longest) {
  public Backoff {
    if (first.toMillis() < 1 || longest.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "a backoff is positive, and its longest not below its first");
    }
  }

  /// @param attempt the one that failed, from 1
  Duration after(int attempt, RandomGenerator random) {
    long whole = longest.toMillis();
    int doublings = attempt - 1;
    if (doublings < Long.numberOfLeadingZeros(first.toMillis()) - 1) {
      whole = Math.min(whole, first.toMillis() << doublings);
    }
    return Duration.ofMillis(whole - random.nextLong(whole / 2 + 1));
  }
}
