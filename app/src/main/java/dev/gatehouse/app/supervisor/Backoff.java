package dev.gatehouse.app.supervisor;

import java.time.Duration;

/// How long to wait before a process that ended is started again: 100 ms, doubled with every end up
/// to 10 s, and from the beginning after a minute of steady running.
///
/// There is no jitter: one supervisor restarts a handful of processes on one machine, and equal
/// waits are easier to read in a log.
final class Backoff {
  static final Duration FIRST = Duration.ofMillis(100);
  static final Duration LONGEST = Duration.ofSeconds(10);
  static final Duration STEADY = Duration.ofMinutes(1);

  private Duration next = FIRST;

  /// The wait after a run that lasted so long.
  Duration afterRunOf(Duration lasted) {
    if (lasted.compareTo(STEADY) >= 0) {
      next = FIRST;
    }
    var wait = next;
    var doubled = next.multipliedBy(2);
    next = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
    return wait;
  }

  /// Starts over: somebody asked for the process by hand.
  void reset() {
    next = FIRST;
  }
}
