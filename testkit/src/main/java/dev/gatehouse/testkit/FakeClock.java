package dev.gatehouse.testkit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/// A wall clock that stands still until a test moves it; safe to use from any thread.
public final class FakeClock extends Clock {
  private volatile Instant now;

  public FakeClock(Instant start) {
    now = start;
  }

  /// A clock that shows 2026-01-01T00:00:00Z.
  public FakeClock() {
    this(Instant.parse("2026-01-01T00:00:00Z"));
  }

  public synchronized void advance(Duration by) {
    now = now.plus(by);
  }

  @Override
  public Instant instant() {
    return now;
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("the fake clock knows UTC only");
  }
}
