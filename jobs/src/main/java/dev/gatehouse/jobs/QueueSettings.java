package dev.gatehouse.jobs;

import java.time.Duration;

/// What both sides of a queue agree on: who puts jobs in and who runs them.
///
/// @param name of the queue; queues do not see each other's jobs
/// @param maxAttempts how often a job is tried before it is dead
/// @param backoff how long a job that failed waits
/// @param timeout how long one try may take; then it is interrupted and has failed
public record QueueSettings(
    String name, int maxAttempts, Backoff backoff, Duration timeout, Retention retention) {

  public QueueSettings {
    if (maxAttempts < 1 || timeout.toMillis() < 1) {
      throw new IllegalArgumentException("a job is tried at least once, and for some time");
    }
  }

  /// Five attempts of at most a minute, from one second to ten minutes apart; what is done stays
  /// visible for a day.
  public static QueueSettings named(String name) {
    return new QueueSettings(
        name,
        5,
        new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(10)),
        Duration.ofMinutes(1),
        new Retention(Duration.ofDays(1), 100_000));
  }

  public QueueSettings withMaxAttempts(int attempts) {
    return new QueueSettings(name, attempts, backoff, timeout, retention);
  }

  public QueueSettings withBackoff(Backoff other) {
    return new QueueSettings(name, maxAttempts, other, timeout, retention);
  }

  public QueueSettings withTimeout(Duration longest) {
    return new QueueSettings(name, maxAttempts, backoff, longest, retention);
  }

  public QueueSettings withRetention(Retention other) {
    return new QueueSettings(name, maxAttempts, backoff, timeout, other);
  }
}
