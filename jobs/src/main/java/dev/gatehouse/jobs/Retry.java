package dev.gatehouse.jobs;

/// What became of the wish to run a dead job again.
public enum Retry {
  /// It waits, with all its attempts before it.
  WAITING,
  /// It is there and not dead.
  NOT_DEAD,
  /// Another job with its unique key waits or runs.
  KEY_TAKEN,
  /// This queue has no such job.
  UNKNOWN
}
