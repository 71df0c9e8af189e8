package dev.gatehouse.jobs;

import java.time.Duration;

/// How a worker works.
///
/// @param name says in rows and log lines who has a job; unique among running workers
/// @param batch how many jobs one claim takes at most
/// @param concurrency how many jobs run at once; a claim never takes more than are free to start,
///   so that an attempt is counted when its job starts
/// @param lease how long a crashed worker's jobs stay its own; renewed every quarter of it
/// @param pollEvery how often an idle worker looks by itself, should a wake-up be lost
/// @param drain how long [Worker#close] waits for running jobs before it hands them back
public record WorkerSettings(
    String name,
    int batch,
    int concurrency,
    Duration lease,
    Duration pollEvery,
    Duration drain,
    Backoff backoff,
    Retention retention) {

  public WorkerSettings {
    if (batch < 1 || concurrency < 1) {
      throw new IllegalArgumentException("a worker runs at least one job at a time");
    }
    if (lease.toMillis() < 100 || pollEvery.toMillis() < 1) {
      throw new IllegalArgumentException("a lease is at least 100 ms, a poll interval positive");
    }
  }

  public static WorkerSettings named(String name) {
    return new WorkerSettings(
        name,
        20,
        20,
        Duration.ofSeconds(4),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(10)),
        new Retention(Duration.ofDays(1), 100_000));
  }

  public WorkerSettings withConcurrency(int jobs) {
    return new WorkerSettings(name, batch, jobs, lease, pollEvery, drain, backoff, retention);
  }

  public WorkerSettings withLease(Duration longer) {
    return new WorkerSettings(
        name, batch, concurrency, longer, pollEvery, drain, backoff, retention);
  }

  public WorkerSettings withPollEvery(Duration interval) {
    return new WorkerSettings(name, batch, concurrency, lease, interval, drain, backoff, retention);
  }

  public WorkerSettings withDrain(Duration patience) {
    return new WorkerSettings(
        name, batch, concurrency, lease, pollEvery, patience, backoff, retention);
  }

  public WorkerSettings withBackoff(Backoff other) {
    return new WorkerSettings(name, batch, concurrency, lease, pollEvery, drain, other, retention);
  }

  public WorkerSettings withRetention(Retention other) {
    return new WorkerSettings(name, batch, concurrency, lease, pollEvery, drain, backoff, other);
  }
}
