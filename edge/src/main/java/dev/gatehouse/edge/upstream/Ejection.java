package dev.gatehouse.edge.upstream;

import java.time.Instant;

/// A replica is out because of what requests met there, apart from what its health check says.
///
/// When its time is over one request is let through to try; that moves `until` on, so there is one
/// try a second, whether or not the last one ever tells how it went.
///
/// @param times how often it was ejected lately, this time included
/// @param since on the scale of the nanosecond clock
/// @param until when the next request may try
record Ejection(int times, long since, long until, Instant at, String reason) {
  static final long TRY_NANOS = 1_000_000_000L;

  Ejection tried(long now) {
    return new Ejection(times, since, now + TRY_NANOS, at, reason);
  }
}
