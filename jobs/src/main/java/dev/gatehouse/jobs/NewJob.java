package dev.gatehouse.jobs;

import dev.gatehouse.http.Json;
import java.time.Instant;
import java.util.Optional;

/// A job to be put in.
///
/// @param payload any text that Postgres can hold ([Json#isStorable])
/// @param startAt not before then, by the database's clock; empty: at once
/// @param uniqueKey while a job of the queue with this key waits or runs, no other is put in
/// @param limit at most so many jobs with this key run at once, over all workers
public record NewJob(
    String kind,
    String payload,
    Priority priority,
    Optional<Instant> startAt,
    Optional<String> uniqueKey,
    Optional<Limit> limit) {

  /// @param slots how many jobs with this key may run at once, from 1 to 1000; the oldest of those
  ///   that wait says it for all
  public record Limit(String key, int slots) {
    public Limit {
      requireKey(key);
      if (slots < 1 || slots > 1000) {
        throw new IllegalArgumentException("a key has 1 to 1000 slots");
      }
    }
  }

  private static final int LONGEST_KEY = 512;

  public NewJob {
    if (!Json.isStorable(kind) || !Json.isStorable(payload)) {
      throw new IllegalArgumentException(
          "kind and payload must not contain U+0000 or lone surrogates");
    }
    uniqueKey.ifPresent(NewJob::requireKey);
  }

  public static NewJob of(String kind, String payload) {
    return new NewJob(
        kind, payload, Priority.NORMAL, Optional.empty(), Optional.empty(), Optional.empty());
  }

  public NewJob withPriority(Priority other) {
    return new NewJob(kind, payload, other, startAt, uniqueKey, limit);
  }

  public NewJob startingAt(Instant time) {
    return new NewJob(kind, payload, priority, Optional.of(time), uniqueKey, limit);
  }

  public NewJob unique(String key) {
    return new NewJob(kind, payload, priority, startAt, Optional.of(key), limit);
  }

  public NewJob limited(String key, int slots) {
    return new NewJob(
        kind, payload, priority, startAt, uniqueKey, Optional.of(new Limit(key, slots)));
  }

  /// Both kinds of key stand in indexes, whose entries have a bound.
  private static void requireKey(String key) {
    if (!Json.isStorable(key) || key.isEmpty() || key.length() > LONGEST_KEY) {
      throw new IllegalArgumentException(
          "a key has 1 to " + LONGEST_KEY + " characters, and no U+0000 or lone surrogate");
    }
  }
}
