package dev.gatehouse.jobs;

import dev.gatehouse.http.Json;
import dev.gatehouse.state.Database;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/// One named queue, seen from the side that puts jobs in and looks after them.
///
/// It can be made anywhere and as often as one likes: all its state is in the database.
public final class Queue {
  private final Database database;
  private final String name;
  private final int maxAttempts;
  private final WakeUp wakeUp;

  /// @param maxAttempts how often a job is tried before it is dead
  public Queue(Database database, String name, int maxAttempts) {
    if (maxAttempts < 1) {
      throw new IllegalArgumentException("a job is tried at least once");
    }
    this.database = database;
    this.name = name;
    this.maxAttempts = maxAttempts;
    this.wakeUp = new WakeUp(database, name);
  }

  /// Puts a job in; when this returns, the job is committed and a sleeping worker is being woken.
  ///
  /// @param payload any text that Postgres can hold ([Json#isStorable])
  /// @return the job's id
  public long enqueue(String kind, String payload) {
    requireStorable(kind, payload);
    long id = database.with(handle -> JobSql.insert(handle, name, kind, payload, maxAttempts));
    wakeUp.send();
    return id;
  }

  /// Puts a job in as part of the caller's transaction: it is there if and when that commits, and
  /// workers are woken then.
  public long enqueue(Handle handle, String kind, String payload) {
    requireStorable(kind, payload);
    long id = JobSql.insert(handle, name, kind, payload, maxAttempts);
    if (handle.isInTransaction()) {
      handle.afterCommit(wakeUp::send);
    } else {
      wakeUp.send();
    }
    return id;
  }

  public Optional<JobStatus> find(long id) {
    return database.with(handle -> JobSql.find(handle, name, id));
  }

  /// A page of the queue, newest first.
  ///
  /// @param state only jobs in this state; empty: all
  /// @param after the id the page before ended with; empty: from the newest on
  public List<JobStatus> list(Optional<JobState> state, int limit, Optional<Long> after) {
    return database.with(
        handle -> JobSql.list(handle, name, state, limit, after.orElse(Long.MAX_VALUE)));
  }

  /// Runs a dead job again, with all its attempts.
  public Retry retry(long id) {
    boolean waits = database.with(handle -> JobSql.retry(handle, name, id));
    if (waits) {
      wakeUp.send();
      return Retry.WAITING;
    }
    return find(id).isPresent() ? Retry.NOT_DEAD : Retry.UNKNOWN;
  }

  private static void requireStorable(String kind, String payload) {
    if (!Json.isStorable(kind) || !Json.isStorable(payload)) {
      throw new IllegalArgumentException(
          "kind and payload must not contain U+0000 or lone surrogates");
    }
  }
}
