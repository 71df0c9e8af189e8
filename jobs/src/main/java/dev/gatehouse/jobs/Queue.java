package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/// One named queue, seen from the side that puts jobs in and looks after them.
///
/// It can be made anywhere and as often as one likes: all its state is in the database.
public final class Queue {
  /// So many rows a statement, to keep its locks and memory small.
  private static final int BATCH = 1000;

  /// Of somebody who always ends between our two looks; nobody does that often.
  private static final int TRIES = 100;

  private final Database database;
  private final QueueSettings settings;
  private final WakeUp wakeUp;

  public Queue(Database database, QueueSettings settings) {
    this.database = database;
    this.settings = settings;
    this.wakeUp = new WakeUp(database, settings.name());
  }

  /// Puts a job in; when this returns, the job is committed and a sleeping worker is being woken.
  ///
  /// @return the job's id
  public long enqueue(String kind, String payload) {
    return enqueue(NewJob.of(kind, payload)).id();
  }

  /// Puts a job in, unless its unique key is taken; as above.
  public Enqueued enqueue(NewJob job) {
    return enqueueAll(List.of(job)).getFirst();
  }

  /// Puts a job in as part of the caller's transaction: it is there if and when that commits, and
  /// workers are woken then.
  ///
  /// One with a unique key waits for other transactions that put in the same.
  public Enqueued enqueue(Handle handle, NewJob job) {
    return enqueueAll(handle, List.of(job)).getFirst();
  }

  /// Puts in all or none.
  ///
  /// @return for each job, in its order, what became of it
  public List<Enqueued> enqueueAll(List<NewJob> jobs) {
    var enqueued =
        jobs.size() == 1
            ? database.with(handle -> insert(handle, jobs))
            : database.inTransaction(handle -> insert(handle, jobs));
    wakeUp.send();
    return enqueued;
  }

  /// Puts in all as part of the caller's transaction.
  public List<Enqueued> enqueueAll(Handle handle, List<NewJob> jobs) {
    var enqueued = insert(handle, jobs);
    if (handle.isInTransaction()) {
      handle.afterCommit(wakeUp::send);
    } else {
      wakeUp.send();
    }
    return enqueued;
  }

  public Optional<JobStatus> find(long id) {
    return database.with(handle -> QueueSql.find(handle, settings.name(), id));
  }

  /// A page of the queue, newest first.
  ///
  /// @param state only jobs in this state; empty: all
  /// @param after the id the page before ended with; empty: from the newest on
  public List<JobStatus> list(Optional<JobState> state, int limit, Optional<Long> after) {
    return database.with(handle ->
        QueueSql.list(handle, settings.name(), state, limit, after.orElse(Long.MAX_VALUE)));
  }

  /// How the queue stands.
  ///
  /// @param due jobs that could run now
  /// @param later jobs that wait for their time or for another of their key
  /// @param running jobs that a worker has
  /// @param dead jobs whose attempts are used up
  /// @param retried jobs among those that are not dead that have failed before
  /// @param attempts of the job that has had the most, dead ones aside
  /// @param oldest how long the first that could run has been waiting; zero where none does
  public record Figures(
      long due, long later, long running, long dead, long retried, int attempts, Duration oldest) {}

  /// Looks at no more than [QueueSql#COUNTED] jobs: a long queue shall not be made longer by being
  /// watched.
  public Figures figures() {
    return database.with(handle -> QueueSql.figures(handle, settings.name()));
  }

  /// Runs a dead job again, with all its attempts.
  public Retry retry(long id) {
    try {
      if (database.with(handle -> QueueSql.retry(handle, settings.name(), id))) {
        wakeUp.send();
        return Retry.WAITING;
      }
    } catch (UnableToExecuteStatementException e) {
      if (e.getCause() instanceof SQLException sql && "23505".equals(sql.getSQLState())) {
        return Retry.KEY_TAKEN;
      }
      throw e;
    }
    return find(id).isPresent() ? Retry.NOT_DEAD : Retry.UNKNOWN;
  }

  /// Runs all dead jobs again, but for those whose unique key is taken.
  ///
  /// @return how many
  public int retryAll() {
    int all = 0;
    int some;
    do {
      some = database.with(handle -> QueueSql.retryAll(handle, settings.name(), BATCH));
      all += some;
      wakeUp.send();
    } while (some == BATCH);
    return all;
  }

  /// Takes a job out, whether it waits, runs or is dead. A running one is interrupted within a
  /// quarter of its worker's lease, and its completion is refused at once, with its effect.
  public Cancel cancel(long id) {
    if (database.with(handle -> QueueSql.cancel(handle, settings.name(), id))) {
      // What it kept out by its key may come forward.
      wakeUp.send();
      return Cancel.CANCELLED;
    }
    return find(id).isPresent() ? Cancel.FINISHED : Cancel.UNKNOWN;
  }

  /// From now on no worker claims from this queue, until [#resume]; also after restarts. Jobs can
  /// be put in, and those that a worker has run on.
  public void pause() {
    database.with(handle -> {
      QueueSql.pause(handle, settings.name());
      return true;
    });
  }

  /// Ends [#pause].
  public void resume() {
    database.with(handle -> {
      QueueSql.resume(handle, settings.name());
      return true;
    });
    wakeUp.send();
  }

  public boolean isPaused() {
    return database.with(handle -> QueueSql.paused(handle, settings.name()));
  }

  private List<Enqueued> insert(Handle handle, List<NewJob> jobs) {
    var plain = jobs.stream().filter(job -> job.uniqueKey().isEmpty()).toList();
    var ids = new ArrayList<Long>();
    for (int from = 0; from < plain.size(); from += BATCH) {
      var some = plain.subList(from, Math.min(from + BATCH, plain.size()));
      ids.addAll(QueueSql.insert(handle, settings.name(), settings.maxAttempts(), some));
    }
    // In the order of their keys, so that two transactions wait for each other in one direction.
    var unique = new HashMap<NewJob, ArrayList<Enqueued>>();
    jobs.stream()
        .filter(job -> job.uniqueKey().isPresent())
        .sorted(Comparator.comparing(job -> job.uniqueKey().orElseThrow()))
        .forEach(job ->
            unique.computeIfAbsent(job, _ -> new ArrayList<>()).add(insertUnique(handle, job)));
    var plainIds = ids.iterator();
    return jobs.stream()
        .map(job ->
            job.uniqueKey().isEmpty()
                ? new Enqueued(plainIds.next(), true)
                : unique.getOrDefault(job, new ArrayList<>()).removeFirst())
        .toList();
  }

  private Enqueued insertUnique(Handle handle, NewJob job) {
    var key = job.uniqueKey().orElseThrow();
    for (int i = 0; i < TRIES; i++) {
      var id = QueueSql.insertUnique(handle, settings.name(), settings.maxAttempts(), job, key);
      if (id.isPresent()) {
        return new Enqueued(id.get(), true);
      }
      // It may have ended since; then the key is free.
      var holder = QueueSql.holder(handle, settings.name(), key);
      if (holder.isPresent()) {
        return new Enqueued(holder.get(), false);
      }
    }
    throw new IllegalStateException("the unique key " + key + " changes hands too fast");
  }
}
