package dev.gatehouse.jobs;

/// What became of the wish to cancel a job.
public enum Cancel {
  /// It will not run (again), and if it runs now, that does not count.
  CANCELLED,
  /// It had been done or cancelled before.
  FINISHED,
  /// This queue has no such job.
  UNKNOWN
}
