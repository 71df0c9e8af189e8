package dev.gatehouse.http;

import java.time.Duration;

/// The worst that was noted in the last 15 to 30 seconds.
///
/// Two spans, of which the older is forgotten: so a scraper that comes every 15 s misses nothing,
/// and several of them take nothing from each other, as they would if reading reset it. One thread
/// notes, any may read.
final class Lateness {
  private static final long SPAN = Duration.ofSeconds(15).toNanos();

  private long since;
  private volatile long before;
  private volatile long worst;

  Lateness(long now) {
    since = now;
  }

  void note(long late, long now) {
    if (now - since >= SPAN) {
      before = now - since < 2 * SPAN ? worst : 0;
      worst = 0;
      since = now;
    }
    if (late > worst) {
      worst = late;
    }
  }

  Duration worst() {
    return Duration.ofNanos(Math.max(before, worst));
  }
}
