package dev.gatehouse.jobs;

import java.time.Duration;

/// How one worker works.
///
/// @param name says in rows and log lines who has a job; unique among running workers
/// @param concurrency how many jobs run at once, each on a thread of its own
/// @param ahead how many more a worker may hold at most, so that fast jobs are claimed in large
///   batches; it holds what it starts in a tenth of a second ([Pace])
/// @param lease how long a crashed worker's jobs stay its own; renewed every quarter of it
/// @param pollEvery how often an idle worker looks by itself: the longest a job that was planned
///   for later waits beyond its time, or any job should a wake-up be lost
/// @param drain how long [Worker#close] waits for running jobs before it hands them back
public record WorkerSettings(
    String name, int concurrency, int ahead, Duration lease, Duration pollEvery, Duration drain) {

  public WorkerSettings {
    if (concurrency < 1 || ahead < 0) {
      throw new IllegalArgumentException("a worker runs at least one job at a time");
    }
    if (lease.toMillis() < 100 || pollEvery.toMillis() < 1) {
      throw new IllegalArgumentException("a lease is at least 100 ms, a poll interval positive");
    }
  }

  public static WorkerSettings named(String name) {
    return new WorkerSettings(
        name, 10, 500, Duration.ofSeconds(4), Duration.ofSeconds(1), Duration.ofSeconds(5));
  }

  public WorkerSettings withConcurrency(int jobs) {
    return new WorkerSettings(name, jobs, ahead, lease, pollEvery, drain);
  }

  public WorkerSettings withAhead(int jobs) {
    return new WorkerSettings(name, concurrency, jobs, lease, pollEvery, drain);
  }

  public WorkerSettings withLease(Duration longer) {
    return new WorkerSettings(name, concurrency, ahead, longer, pollEvery, drain);
  }

  public WorkerSettings withPollEvery(Duration interval) {
    return new WorkerSettings(name, concurrency, ahead, lease, interval, drain);
  }

  public WorkerSettings withDrain(Duration patience) {
    return new WorkerSettings(name, concurrency, ahead, lease, pollEvery, patience);
  }
}
