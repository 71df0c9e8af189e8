package dev.gatehouse.state;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// Waiting for what only other processes can tell by a file or a socket: the one place of this
/// module that asks again and again, and that reads the clock.
final class Waiting {
  private Waiting() {}

  /// Whether `condition` came true within `patience`; asked at once, then after every `pause`.
  static boolean until(Duration patience, Duration pause, BooleanSupplier condition) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
        return false;
      }
      LockSupport.parkNanos(pause.toNanos());
    }
    return true;
  }
}
