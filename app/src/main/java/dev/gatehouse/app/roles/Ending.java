package dev.gatehouse.app.roles;

import java.time.Duration;

/// How much time the end of a process has.
///
/// @param quiet so long must no request come before it stops listening; probes do not count
/// @param newcomers at most so long it waits for that
/// @param inFlight what it still carries then may take so long
public record Ending(Duration quiet, Duration newcomers, Duration inFlight) {
  /// The supervisor is gone, and promised that everything below it is gone five seconds later.
  public static final Ending HURRIED =
      new Ending(Duration.ZERO, Duration.ZERO, Duration.ofMillis(1200));

  private static final Duration NEWCOMERS = Duration.ofSeconds(20);
  private static final Duration IN_FLIGHT = Duration.ofSeconds(5);

  /// SIGTERM: whoever sends requests learns of the end by the readiness that fails, and that takes
  /// a load balancer or Kubernetes a moment. All of it is less than the 30 s Kubernetes gives.
  public static final Ending ALONE = new Ending(Duration.ofSeconds(2), NEWCOMERS, IN_FLIGHT);

  /// What role code does after the server is closed: flush, and close the database.
  private static final Duration REST = Duration.ofMillis(2300);

  /// The supervisor's order; it knows who still sends requests, and so how long to listen for one.
  public static Ending ordered(Duration quiet) {
    return new Ending(quiet, quiet.isZero() ? Duration.ZERO : NEWCOMERS, IN_FLIGHT);
  }

  /// After which the process is ended whatever it does.
  Duration longest() {
    return newcomers.plus(inFlight).plus(REST);
  }
}
