package dev.gatehouse.jobs;

import java.time.Duration;

/// How long jobs that are done or cancelled stay visible: at most this long, and at most this many.
/// Dead jobs stay until somebody retries or cancels them.
public record Retention(Duration age, int count) {
  public Retention {
    if (age.isNegative() || count < 0) {
      throw new IllegalArgumentException("retention cannot be negative");
    }
  }
}
