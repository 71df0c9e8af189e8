package dev.gatehouse.jobs;

import dev.gatehouse.http.OnBehalf;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/// What workers say to the database; [QueueSql] has the statements of those who put jobs in. (All
/// SQL of the module is in these two: together they are longer than one likes to read.)
///
/// Every statement runs under READ COMMITTED. The clock is the database's: `now()` where an index
/// is to be used (it is stable within the statement), `clock_timestamp()` where a lease begins,
/// since the transaction may be old by then.
///
/// **Locks.** What picks rows by a condition picks them with SKIP LOCKED and never waits. What
/// names rows (complete, fail, hand back) changes only rows whose token it holds, so it can only
/// wait for somebody who is just taking such a row over, and that one waits for nothing any more:
/// in a round the claim comes last. Two workers that both were taken for dead, and complete each
/// other's jobs from snapshots of before, could still meet crosswise; Postgres ends one of them
/// (40P01) and its round is played again. Locking in the order of ids first was refused: it writes
/// every row twice.
///
/// **Plans.** A worker prepares its statements when the table may be empty, and Postgres keeps the
/// plan: with 200,000 jobs a sequential scan and a sort for each claim would follow. [#PLAN] takes
/// that choice away, for good on the connection that claims and settles.
final class JobSql {
  private JobSql() {}

  /// The hold a worker has on a job.
  ///
  /// @param attempt the number of this try, from 1
  /// @param counted whether the row has counted it already
  record Hold(long id, long token, int attempt, boolean counted) {}

  /// A try that failed. `pause` counts from now; a job without attempts left is dead instead.
  record Failed(Hold hold, String error, Duration pause) {}

  /// @param crashes how many workers were lost while they had it, since its last end
  /// @param keyed whether others may wait for it to end
  /// @param line of its priority
  record Claimed(Job job, int crashes, boolean keyed, int line, OnBehalf behalf) {
    private static final Comparator<Claimed> ORDER =
        Comparator.comparingInt(Claimed::line).thenComparingLong(claimed -> claimed.job().id());
  }

  /// @param last the greatest key that was looked at
  /// @param more whether there are keys behind it
  /// @param raised how many came forward
  record Promoted(String last, boolean more, int raised) {
    static final Promoted NONE = new Promoted("", false, 0);
  }

  private static final int KEYS_AT_ONCE = 1000;

  /// What a worker's connection begins with: its statements go by their indexes.
  static final String PLAN =
      """
      SET enable_seqscan = off;
      SET enable_bitmapscan = off;
      SET enable_hashjoin = off;
      SET enable_mergejoin = off
      """;

  /// Two claims at once never take the same row: each locks what it takes and skips what is locked.
  /// A row that was claimed between the snapshot and the lock is checked again after the lock, and
  /// its lease then has not run out.
  ///
  /// The lines of priority are walked one after the other, each only as far as rows are wanted.
  /// Rows under a lease are in the way, but there are never more than all workers together hold.
  /// After a start of the database nobody's lease has run out for as long as a lease lasts: it was
  /// away for its workers too, and they get the time to renew.
  ///
  /// A claim *alone*, with nothing to settle in its transaction, is not waited for on the disk. If
  /// the server then crashes before it is there, the job is as it was, and whoever claims it next
  /// must not get the same token: its low 16 bits are random. The first worker's completion is
  /// refused.
  private static final String CLAIM =
      """
      UPDATE jobs
      SET token = ((token >> 16) + 1 << 16) + floor(random() * 65536)::bigint,
          worker = :worker,
          leased_until = clock_timestamp() + :lease * INTERVAL '1 millisecond',
          crashes = crashes + CASE WHEN leased_until IS NULL THEN 0 ELSE 1 END
      WHERE id = ANY(ARRAY(
        SELECT due.id
        FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS line (priority)
        CROSS JOIN LATERAL (
          SELECT j.id
          FROM jobs j
          WHERE j.queue = :queue
            AND j.state = 'waiting'
            AND NOT j.parked
            AND j.priority = line.priority
            AND j.due_at <= now()
            AND (j.leased_until IS NULL
              OR (j.leased_until <= now()
                AND pg_postmaster_start_time() <= now() - :lease * INTERVAL '1 millisecond'))
            AND j.kind = ANY(:kinds)
          ORDER BY j.due_at, j.id
          LIMIT :limit
          FOR UPDATE SKIP LOCKED) AS due
        WHERE NOT EXISTS (SELECT FROM jobs_paused WHERE queue = :queue)
          AND (NOT :alone OR set_config('synchronous_commit', 'off', true) = 'off')
        LIMIT :limit))
      RETURNING id, kind, payload, attempts, max_attempts, token, enqueued_at, crashes, priority,
        limit_key IS NOT NULL AS keyed, on_behalf
      """;

  /// Counts a try before it starts; fenced. One row.
  private static final String START =
      """
      UPDATE jobs SET attempts = attempts + 1
      WHERE id = :id AND token = :token AND state = 'waiting'
      """;

  /// Rows that another worker completes or claims at this moment are skipped: the first need no
  /// lease any more, the second are lost anyway.
  private static final String RENEW =
      """
      UPDATE jobs
      SET leased_until = clock_timestamp() + :lease * INTERVAL '1 millisecond'
      WHERE id = ANY(ARRAY(
        SELECT j.id
        FROM unnest(:ids, :tokens) AS held (id, token)
        JOIN jobs j ON j.id = held.id
        WHERE j.token = held.token AND j.state = 'waiting' AND j.leased_until IS NOT NULL
        FOR UPDATE OF j SKIP LOCKED))
      """;

  /// Reads only. A job is lost when somebody claimed it since, or when it is gone.
  private static final String LOST =
      """
      SELECT held.id
      FROM unnest(:ids, :tokens) AS held (id, token)
      LEFT JOIN jobs j ON j.id = held.id
      WHERE j.token IS DISTINCT FROM held.token
      """;

  /// From here to the commit the rows are locked, so no worker can claim what is being completed. A
  /// row claimed by another worker has a newer token and is left alone.
  private static final String COMPLETE =
      """
      WITH gone AS (
        DELETE FROM jobs j
        USING unnest(:ids, :tokens, :attempts) AS held (id, token, attempt)
        WHERE j.id = held.id AND j.token = held.token AND j.state = 'waiting'
        RETURNING j.id, j.queue, j.kind, held.attempt, j.max_attempts, j.enqueued_at, j.worker)
      INSERT INTO jobs_finished
        (id, queue, kind, state, attempts, max_attempts, enqueued_at, finished_at, worker)
      SELECT id, queue, kind, 'done', attempt, max_attempts, enqueued_at, clock_timestamp(), worker
      FROM gone
      RETURNING id
      """;

  /// Fenced by the token like a completion. A job with a key gives its slot to the next.
  private static final String FAIL =
      """
      UPDATE jobs j
      SET state = CASE WHEN held.attempt >= j.max_attempts THEN 'dead' ELSE 'waiting' END,
          attempts = least(held.attempt, j.max_attempts),
          due_at = clock_timestamp() + held.pause * INTERVAL '1 millisecond',
          finished_at = CASE WHEN held.attempt >= j.max_attempts THEN clock_timestamp() END,
          last_error = held.error,
          leased_until = NULL,
          crashes = 0,
          parked = j.limit_key IS NOT NULL
      FROM unnest(:ids, :tokens, :attempts, :pauses, :errors)
        AS held (id, token, attempt, pause, error)
      WHERE j.id = held.id AND j.token = held.token AND j.state = 'waiting'
      RETURNING j.id
      """;

  /// Fenced by the token. What did not start, or was cut short by a closing worker, does not count;
  /// what is known of crashes stays.
  private static final String HAND_BACK =
      """
      UPDATE jobs j
      SET leased_until = NULL, attempts = held.attempt
      FROM unnest(:ids, :tokens, :attempts) AS held (id, token, attempt)
      WHERE j.id = held.id AND j.token = held.token AND j.state = 'waiting'
      """;

  /// Reads one index entry where there is none, a few where there are some.
  private static final String PARKED =
      """
      SELECT EXISTS (
        SELECT FROM jobs
        WHERE queue = :queue AND limit_key IS NOT NULL AND state = 'waiting' AND parked)
      """;

  /// Whoever counts what is out of a key must be alone, or two would give away the last slot. Held
  /// for a promotion, the claim behind it and the commit, which wait for nobody; so waiting for it
  /// is short and cannot deadlock.
  private static final String PROMOTE_ALONE =
      """
      SELECT pg_advisory_xact_lock(hashtextextended('gatehouse.jobs.' || :queue, 0)) IS NULL
      """;

  /// Under [#PROMOTE_ALONE], with a snapshot taken after it was granted: gives the free slots of
  /// each key to its oldest jobs that are due. It skips from key to key in the index, so that a key
  /// with 100,000 waiting costs no more than one with two.
  private static final String PROMOTE =
      """
      WITH RECURSIVE walk (key, n) AS (
        (SELECT limit_key, 1 FROM jobs
         WHERE queue = :queue AND state = 'waiting' AND limit_key > :after
         ORDER BY limit_key LIMIT 1)
        UNION ALL
        SELECT (SELECT j.limit_key FROM jobs j
                WHERE j.queue = :queue AND j.state = 'waiting' AND j.limit_key > walk.key
                ORDER BY j.limit_key LIMIT 1), n + 1
        FROM walk
        WHERE walk.key IS NOT NULL AND n < :keys
      ), raised AS (
        UPDATE jobs SET parked = false
        WHERE id = ANY(ARRAY(
          SELECT next.id
          FROM walk
          CROSS JOIN LATERAL (
            SELECT j.key_slots - (
              SELECT count(*) FROM jobs out
              WHERE out.queue = :queue AND out.state = 'waiting' AND NOT out.parked
                AND out.limit_key = walk.key) AS slots
            FROM jobs j
            WHERE j.queue = :queue AND j.state = 'waiting' AND j.parked AND j.limit_key = walk.key
            ORDER BY j.due_at, j.id
            LIMIT 1) AS free
          CROSS JOIN LATERAL (
            SELECT j.id FROM jobs j
            WHERE j.queue = :queue AND j.state = 'waiting' AND j.parked AND j.limit_key = walk.key
              AND j.due_at <= now()
            ORDER BY j.due_at, j.id
            LIMIT greatest(free.slots, 0)
            FOR UPDATE SKIP LOCKED) AS next
          WHERE walk.key IS NOT NULL))
        RETURNING id
      )
      SELECT coalesce(max(key), '') AS last, count(*) >= :keys AS more, (SELECT count(*) FROM raised) AS raised
      FROM walk
      """;

  /// What finished up to then is over its retention: by age, or since enough have finished later.
  /// It walks over all that stay, so a sweep asks once. A count that is off by what finishes
  /// meanwhile does no harm.
  private static final String SWEPT_UP_TO =
      """
      SELECT greatest(
        now() - :age * INTERVAL '1 millisecond',
        (SELECT finished_at FROM jobs_finished
         WHERE queue = :queue
         ORDER BY finished_at DESC
         OFFSET :keep LIMIT 1))
      """;

  /// Nobody changes a finished job, so workers that sweep at the same time only skip each other's
  /// rows.
  private static final String SWEEP =
      """
      DELETE FROM jobs_finished
      WHERE queue = :queue AND id = ANY(ARRAY(
        SELECT id FROM jobs_finished
        WHERE queue = :queue AND finished_at <= :upTo
        ORDER BY finished_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED))
      """;

  /// @param alone whether the transaction has nothing else
  /// @return what was claimed, in the order to start it in
  static List<Claimed> claim(
      Handle handle,
      String queue,
      Collection<String> kinds,
      String worker,
      Duration lease,
      int limit,
      boolean alone) {
    return handle
        .createQuery(CLAIM)
        .bind("alone", alone)
        .bind("queue", queue)
        .bind("kinds", Sql.texts(kinds))
        .bind("worker", worker)
        .bind("lease", lease.toMillis())
        .bind("limit", limit)
        .map((row, context) ->
            new Claimed(
                new Job(
                    row.getLong("id"),
                    row.getString("kind"),
                    row.getString("payload"),
                    row.getInt("attempts") + 1,
                    row.getInt("max_attempts"),
                    row.getLong("token"),
                    row.getObject("enqueued_at", OffsetDateTime.class).toInstant()),
                row.getInt("crashes"),
                row.getBoolean("keyed"),
                row.getInt("priority"),
                OnBehalf.of(row.getString("on_behalf"))))
        .stream()
        .sorted(Claimed.ORDER)
        .toList();
  }

  /// @return whether the job is still ours
  static boolean start(Handle handle, Hold hold) {
    return handle.createUpdate(START).bind("id", hold.id()).bind("token", hold.token()).execute()
        > 0;
  }

  /// @return how many are still ours and not being completed
  static int renew(Handle handle, Collection<Hold> held, Duration lease) {
    return handle
        .createUpdate(RENEW)
        .bind("ids", Sql.longs(held, Hold::id))
        .bind("tokens", Sql.longs(held, Hold::token))
        .bind("lease", lease.toMillis())
        .execute();
  }

  static Set<Long> lost(Handle handle, Collection<Hold> held) {
    return new HashSet<>(
        handle
            .createQuery(LOST)
            .bind("ids", Sql.longs(held, Hold::id))
            .bind("tokens", Sql.longs(held, Hold::token))
            .mapTo(Long.class)
            .list());
  }

  /// @return the ids whose completion counts
  static Set<Long> complete(Handle handle, Collection<Hold> held) {
    return new HashSet<>(
        handle
            .createQuery(COMPLETE)
            .bind("ids", Sql.longs(held, Hold::id))
            .bind("tokens", Sql.longs(held, Hold::token))
            .bind("attempts", Sql.ints(held, Hold::attempt))
            .mapTo(Long.class)
            .list());
  }

  /// @return the ids of those this worker still had the say over
  static Set<Long> fail(Handle handle, Collection<Failed> failed) {
    return new HashSet<>(
        handle
            .createQuery(FAIL)
            .bind("ids", Sql.longs(failed, one -> one.hold().id()))
            .bind("tokens", Sql.longs(failed, one -> one.hold().token()))
            .bind("attempts", Sql.ints(failed, one -> one.hold().attempt()))
            .bind("pauses", Sql.longs(failed, one -> one.pause().toMillis()))
            .bind("errors", Sql.texts(failed.stream().map(Failed::error).toList()))
            .mapTo(Long.class)
            .list());
  }

  static int handBack(Handle handle, Collection<Hold> held) {
    return handle
        .createUpdate(HAND_BACK)
        .bind("ids", Sql.longs(held, Hold::id))
        .bind("tokens", Sql.longs(held, Hold::token))
        .bind("attempts", Sql.ints(held, hold -> hold.attempt() - 1))
        .execute();
  }

  /// Whether jobs wait for slots of their keys.
  static boolean hasParked(Handle handle, String queue) {
    return handle.createQuery(PARKED).bind("queue", queue).mapTo(Boolean.class).one();
  }

  /// Lets as many jobs of each key come forward as it has free slots.
  ///
  /// @param after the key to begin behind; empty: with the first
  static Promoted promote(Handle handle, String queue, String after) {
    handle.createQuery(PROMOTE_ALONE).bind("queue", queue).mapTo(Boolean.class).one();
    return handle
        .createQuery(PROMOTE)
        .bind("queue", queue)
        .bind("after", after)
        .bind("keys", KEYS_AT_ONCE)
        .map((row, context) ->
            new Promoted(row.getString("last"), row.getBoolean("more"), row.getInt("raised")))
        .one();
  }

  /// @return the end of what is over its retention
  static OffsetDateTime sweptUpTo(Handle handle, String queue, Retention retention) {
    return handle
        .createQuery(SWEPT_UP_TO)
        .bind("queue", queue)
        .bind("age", retention.age().toMillis())
        .bind("keep", retention.count())
        .mapTo(OffsetDateTime.class)
        .one();
  }

  /// @return how many rows went; `limit` means that there may be others
  static int sweep(Handle handle, String queue, OffsetDateTime upTo, int limit) {
    return handle
        .createUpdate(SWEEP)
        .bind("queue", queue)
        .bind("upTo", upTo)
        .bind("limit", limit)
        .execute();
  }
}
