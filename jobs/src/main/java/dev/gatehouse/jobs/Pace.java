package dev.gatehouse.jobs;

import java.time.Duration;

/// How many jobs a worker holds ahead of those that run: as many as it starts in a tenth of a
/// second.
///
/// Fast jobs come in hundreds, and a commit serves them all. Slow ones are claimed when a thread is
/// free for them, so that none waits here behind another while a second worker is idle. A fixed
/// number was refused: it is wrong for one of the two. Used by one thread.
final class Pace {
  private static final long REACH = Duration.ofMillis(100).toNanos();

  private final int most;
  private long since;
  private long startedThen;
  private int ahead;

  Pace(int most, long now) {
    this.most = most;
    this.since = now;
  }

  int ahead() {
    return ahead;
  }

  /// A batch was claimed.
  ///
  /// @param started how many jobs this worker has started so far
  void claimed(long started, long now) {
    long took = Math.max(1, now - since);
    ahead = (int) Math.min(most, (double) (started - startedThen) * REACH / took);
    since = now;
    startedThen = started;
  }
}
