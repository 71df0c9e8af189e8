package dev.gatehouse.jobs;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.Line;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/// One transaction of a worker: settle what ended, then claim what is next.
///
/// Both in one, because a commit costs more than either. The completion comes first and locks its
/// rows, so an effect runs only for a job that is still ours and cannot be claimed before the
/// commit. The claim comes last, because nothing may be waited for behind it ([JobSql]).
///
/// @param refused the ids of ended runs that no longer had the say
record Round(Set<Long> refused, List<JobSql.Claimed> claimed, JobSql.Promoted promoted) {
  /// What to claim; a `limit` of 0 claims nothing.
  ///
  /// @param promote whether slots of keys may have become free, or wanted
  /// @param after the key to begin behind with that
  record Wish(
      String queue,
      Set<String> kinds,
      WorkerSettings settings,
      int limit,
      boolean promote,
      String after) {
    Wish nothing() {
      return new Wish(queue, kinds, settings, 0, false, "");
    }
  }

  static Round play(Line line, List<Ended> ended, Wish wish) {
    return line.inTransaction(handle -> {
      var refused = settle(handle, ended);
      if (wish.limit() == 0) {
        return new Round(refused, List.of(), JobSql.Promoted.NONE);
      }
      var promoted =
          wish.promote() && JobSql.hasParked(handle, wish.queue())
              ? JobSql.promote(handle, wish.queue(), wish.after())
              : JobSql.Promoted.NONE;
      return new Round(refused, claim(handle, wish, false), promoted);
    });
  }

  /// The round of a worker that was asleep: there is nothing to settle, so it claims in one round
  /// trip, and looks for free slots of keys once that has started what it found.
  static List<JobSql.Claimed> claim(Line line, Wish wish) {
    return line.with(handle -> claim(handle, wish, true));
  }

  /// Gives away free slots of keys, in a transaction of its own.
  static JobSql.Promoted promote(Line line, Wish wish) {
    return line.with(handle -> JobSql.hasParked(handle, wish.queue()))
        ? line.inTransaction(handle -> JobSql.promote(handle, wish.queue(), wish.after()))
        : JobSql.Promoted.NONE;
  }

  /// Whether the same round is to be played again: the database could not be asked at all, or it
  /// ended the transaction in favour of another (SQLSTATE 40).
  static boolean isWorthAnotherTry(RuntimeException e) {
    if (e instanceof Refusal refusal) {
      return refusal.problem().status() == 503;
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && String.valueOf(sql.getSQLState()).startsWith("40")) {
        return true;
      }
    }
    return false;
  }

  private static Set<Long> settle(Handle handle, List<Ended> ended) {
    var succeeded = new ArrayList<Ended.Succeeded>();
    var failed = new ArrayList<JobSql.Failed>();
    var returned = new ArrayList<JobSql.Hold>();
    for (var end : ended) {
      switch (end) {
        case Ended.Succeeded success -> succeeded.add(success);
        case Ended.Returned(var run) -> returned.add(run.hold());
        case Ended.Failed(var run, var error, var pause) ->
            failed.add(new JobSql.Failed(run.hold(), error, pause));
      }
    }
    var refused = new HashSet<Long>();
    if (!returned.isEmpty()) {
      JobSql.handBack(handle, returned);
    }
    if (!failed.isEmpty()) {
      refused.addAll(
          without(failed.stream().map(JobSql.Failed::hold).toList(), JobSql.fail(handle, failed)));
    }
    if (!succeeded.isEmpty()) {
      var holds = succeeded.stream().map(end -> end.run().hold()).toList();
      var done = JobSql.complete(handle, holds);
      refused.addAll(without(holds, done));
      for (var success : succeeded) {
        if (done.contains(success.run().job.id())) {
          success.completion().effect().accept(handle);
        }
      }
    }
    return refused;
  }

  private static Set<Long> without(Collection<JobSql.Hold> all, Set<Long> some) {
    var others = new HashSet<Long>();
    all.stream().map(JobSql.Hold::id).filter(id -> !some.contains(id)).forEach(others::add);
    return others;
  }

  private static List<JobSql.Claimed> claim(Handle handle, Wish wish, boolean alone) {
    return JobSql.claim(
        handle,
        wish.queue(),
        wish.kinds(),
        wish.settings().name(),
        wish.settings().lease(),
        wish.limit(),
        alone);
  }
}
