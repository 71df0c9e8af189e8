package dev.gatehouse.jobs;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.Database;
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
/// commit.
///
/// @param refused the ids of ended runs that no longer had the say
record Round(Set<Long> refused, List<Job> claimed) {

  /// What to claim; a `limit` of 0 claims nothing.
  ///
  /// @param mine jobs that run here: not to be claimed again, though their lease may have run out
  ///   while the database was away
  record Wish(
      String queue, Set<String> kinds, WorkerSettings settings, Collection<Long> mine, int limit) {
    Wish nothing() {
      return new Wish(queue, kinds, settings, mine, 0);
    }
  }

  static Round play(Database database, List<Ended> ended, Wish wish) {
    return database.inTransaction(handle ->
        new Round(settle(handle, ended), wish.limit() > 0 ? claim(handle, wish) : List.of()));
  }

  /// Whether the database could not be asked at all, so that the same round is to be played again.
  static boolean databaseIsAway(RuntimeException e) {
    return e instanceof Refusal refusal && refusal.problem().status() == 503;
  }

  private static Set<Long> settle(Handle handle, List<Ended> ended) {
    var succeeded = new ArrayList<Ended.Succeeded>();
    var cut = new ArrayList<JobSql.Hold>();
    var refused = new HashSet<Long>();
    for (var end : ended) {
      switch (end) {
        case Ended.Succeeded success -> succeeded.add(success);
        case Ended.Cut(var run) -> cut.add(run.hold());
        case Ended.Failed(var run, var error, var pause) -> {
          if (!JobSql.fail(handle, new JobSql.Failed(run.hold(), error, pause))) {
            refused.add(run.job().id());
          }
        }
      }
    }
    if (!cut.isEmpty()) {
      JobSql.handBack(handle, cut);
    }
    if (!succeeded.isEmpty()) {
      var done = JobSql.complete(handle, succeeded.stream().map(end -> end.run().hold()).toList());
      for (var success : succeeded) {
        if (done.contains(success.run().job().id())) {
          success.completion().effect().accept(handle);
        } else {
          refused.add(success.run().job().id());
        }
      }
    }
    return refused;
  }

  private static List<Job> claim(Handle handle, Wish wish) {
    return JobSql.claim(
        handle,
        wish.queue(),
        wish.kinds(),
        wish.settings().name(),
        wish.settings().lease(),
        wish.mine(),
        wish.limit());
  }
}
