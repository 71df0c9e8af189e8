package dev.gatehouse.jobs;

import dev.gatehouse.http.OnBehalf;

/// One claimed job in this process, from its claim until its end is settled in the database.
///
/// All fields but `job` are guarded by the lock of [Crew]; `hold` may also be read by the loop,
/// which alone changes it.
final class Run {
  /// Where it stands here.
  enum Stage {
    WAITS,
    RUNS,
    ENDED
  }

  final Job job;

  /// Whether others may wait for a slot of its key.
  final boolean keyed;

  /// Of whoever put it in.
  final OnBehalf behalf;

  /// When this process claimed it, and when it started it.
  final long claimedAt;

  long startedAt;
  Stage stage = Stage.WAITS;

  /// Whether another worker has the job by now, or nobody any more.
  boolean lost;

  /// Whether it was interrupted because it took too long.
  boolean late;

  private volatile JobSql.Hold hold;

  Run(JobSql.Claimed claimed, long now) {
    this.job = claimed.job();
    this.keyed = claimed.keyed();
    this.behalf = claimed.behalf();
    this.claimedAt = now;
    this.hold = new JobSql.Hold(job.id(), job.token(), job.attempt(), false);
  }

  JobSql.Hold hold() {
    return hold;
  }

  /// This worker claimed the job once more, since its own lease had run out.
  void claimedAgain(long token) {
    hold = new JobSql.Hold(job.id(), token, job.attempt(), hold.counted());
  }

  /// The row has counted this try.
  void counted() {
    hold = new JobSql.Hold(job.id(), hold.token(), job.attempt(), true);
  }
}
