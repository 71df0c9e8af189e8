package dev.gatehouse.jobs;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.argument.Argument;
import org.jspecify.annotations.Nullable;

/// All SQL of the queue.
///
/// Every statement runs under READ COMMITTED. The clock is the database's: `now()` where an index
/// is to be used (it is stable within the statement), `clock_timestamp()` where a lease begins,
/// since the transaction may be old by then. Lists of ids come in by `id = ANY(ARRAY(SELECT ...))`,
/// which is evaluated once; `IN (SELECT ...)` planned a sequential scan at 100 ids.
///
/// Locks are taken in the order of ids, or with SKIP LOCKED, which never waits: so no two of these
/// statements can deadlock.
final class JobSql {
  private JobSql() {}

  /// The hold a worker has on a job.
  record Hold(long id, long token) {}

  /// A try that failed. `pause` counts from now; a job without attempts left is dead instead.
  record Failed(Hold hold, String error, Duration pause) {}

  private static final String INSERT =
      """
      INSERT INTO jobs (queue, kind, payload, max_attempts)
      VALUES (:queue, :kind, :payload, :maxAttempts)
      RETURNING id
      """;

  /// Two claims at once never take the same row: each locks what it takes and skips what is locked.
  /// A row that was claimed between the snapshot and the lock is checked again after the lock, and
  /// its `due_at` then lies in the future. A later priority or limit per key goes into the inner
  /// SELECT's order and conditions.
  private static final String CLAIM =
      """
      UPDATE jobs
      SET state = 'running',
          attempts = attempts + 1,
          token = token + 1,
          worker = :worker,
          due_at = clock_timestamp() + :lease * INTERVAL '1 millisecond'
      WHERE id = ANY(ARRAY(
        SELECT id FROM jobs
        WHERE queue = :queue
          AND state IN ('waiting', 'running')
          AND due_at <= now()
          AND attempts < max_attempts
          AND kind = ANY(:kinds)
          AND id <> ALL(:mine)
        ORDER BY due_at, id
        LIMIT :limit
        FOR UPDATE SKIP LOCKED))
      RETURNING id, kind, payload, attempts, max_attempts, token, enqueued_at
      """;

  /// Rows that another worker completes or claims at this moment are skipped: the first need no
  /// lease any more, the second are lost anyway.
  private static final String RENEW =
      """
      UPDATE jobs
      SET due_at = clock_timestamp() + :lease * INTERVAL '1 millisecond'
      WHERE id = ANY(ARRAY(
        SELECT j.id
        FROM unnest(:ids, :tokens) AS held (id, token)
        JOIN jobs j ON j.id = held.id
        WHERE j.token = held.token AND j.state = 'running'
        ORDER BY j.id
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

  /// Waits for a row that somebody else is changing, then looks again: a row claimed by another
  /// worker has a newer token by then and is left alone. From here to the commit the rows are
  /// locked, so no worker can claim what is being completed.
  private static final String COMPLETE =
      """
      UPDATE jobs
      SET state = 'done', finished_at = clock_timestamp(), last_error = NULL
      WHERE id = ANY(ARRAY(
        SELECT j.id
        FROM unnest(:ids, :tokens) AS held (id, token)
        JOIN jobs j ON j.id = held.id
        WHERE j.token = held.token AND j.state = 'running'
        ORDER BY j.id
        FOR UPDATE OF j))
      RETURNING id
      """;

  /// Fenced by the token like a completion. One row, so no order of locks.
  private static final String FAIL =
      """
      UPDATE jobs
      SET state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'waiting' END,
          due_at = clock_timestamp() + :pause * INTERVAL '1 millisecond',
          finished_at = CASE WHEN attempts >= max_attempts THEN clock_timestamp() END,
          last_error = :error
      WHERE id = :id AND token = :token AND state = 'running'
      """;

  /// Fenced by the token. The attempt that a closing worker cut short does not count.
  private static final String HAND_BACK =
      """
      UPDATE jobs
      SET state = 'waiting', due_at = clock_timestamp(), attempts = attempts - 1
      WHERE id = ANY(ARRAY(
        SELECT j.id
        FROM unnest(:ids, :tokens) AS held (id, token)
        JOIN jobs j ON j.id = held.id
        WHERE j.token = held.token AND j.state = 'running'
        ORDER BY j.id
        FOR UPDATE OF j))
      """;

  /// Jobs whose worker was lost in their last attempt; the claim passes them by. The new token
  /// shuts out a worker that was only slow.
  private static final String BURY =
      """
      UPDATE jobs
      SET state = 'dead',
          token = token + 1,
          finished_at = clock_timestamp(),
          last_error = 'the worker ' || coalesce(worker, '?') || ' was lost while it ran this job'
      WHERE id = ANY(ARRAY(
        SELECT id FROM jobs
        WHERE queue = :queue
          AND state = 'running'
          AND due_at <= now()
          AND attempts >= max_attempts
        ORDER BY id
        LIMIT 1000
        FOR UPDATE SKIP LOCKED))
      RETURNING id
      """;

  /// Nobody changes a done job, so workers that sweep at the same time only skip each other's rows.
  private static final String SWEEP_OLD =
      """
      DELETE FROM jobs
      WHERE id = ANY(ARRAY(
        SELECT id FROM jobs
        WHERE queue = :queue
          AND state = 'done'
          AND finished_at < now() - :age * INTERVAL '1 millisecond'
        ORDER BY finished_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED))
      """;

  /// As above; the newest `keep` stay. A count that is off by what finishes meanwhile does no harm.
  private static final String SWEEP_MANY =
      """
      DELETE FROM jobs
      WHERE id = ANY(ARRAY(
        SELECT id FROM jobs
        WHERE queue = :queue
          AND state = 'done'
          AND finished_at <= (
            SELECT finished_at FROM jobs
            WHERE queue = :queue AND state = 'done'
            ORDER BY finished_at DESC
            OFFSET :keep LIMIT 1)
        ORDER BY finished_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED))
      """;

  /// Fenced by the state: of two retries at once, the second finds the job waiting.
  private static final String RETRY =
      """
      UPDATE jobs
      SET state = 'waiting', attempts = 0, due_at = clock_timestamp(), finished_at = NULL
      WHERE id = :id AND queue = :queue AND state = 'dead'
      """;

  private static final String STATUS =
      """
      SELECT id, kind, state, attempts, max_attempts, enqueued_at, due_at, finished_at, worker,
        last_error
      FROM jobs
      """;

  /// Reads only; newest first. The states as literals, so that the partial indexes serve.
  private static final String LIST =
      STATUS
          + """
          WHERE queue = :queue AND id < :before %s
          ORDER BY id DESC
          LIMIT :limit
          """;

  static long insert(Handle handle, String queue, String kind, String payload, int maxAttempts) {
    return handle
        .createQuery(INSERT)
        .bind("queue", queue)
        .bind("kind", kind)
        .bind("payload", payload)
        .bind("maxAttempts", maxAttempts)
        .mapTo(Long.class)
        .one();
  }

  static List<Job> claim(
      Handle handle,
      String queue,
      Set<String> kinds,
      String worker,
      Duration lease,
      Collection<Long> mine,
      int limit) {
    return handle
        .createQuery(CLAIM)
        .bind("queue", queue)
        .bind("kinds", array(kinds.toArray(String[]::new)))
        .bind("worker", worker)
        .bind("lease", lease.toMillis())
        .bind("mine", array(mine.stream().mapToLong(Long::longValue).toArray()))
        .bind("limit", limit)
        .map((row, context) ->
            new Job(
                row.getLong("id"),
                row.getString("kind"),
                row.getString("payload"),
                row.getInt("attempts"),
                row.getInt("max_attempts"),
                row.getLong("token"),
                instant(row, "enqueued_at")))
        .list();
  }

  /// @return how many are still ours and not being completed
  static int renew(Handle handle, Collection<Hold> held, Duration lease) {
    return handle
        .createUpdate(RENEW)
        .bind("ids", ids(held))
        .bind("tokens", tokens(held))
        .bind("lease", lease.toMillis())
        .execute();
  }

  static Set<Long> lost(Handle handle, Collection<Hold> held) {
    return new HashSet<>(
        handle
            .createQuery(LOST)
            .bind("ids", ids(held))
            .bind("tokens", tokens(held))
            .mapTo(Long.class)
            .list());
  }

  /// @return the ids whose completion counts
  static Set<Long> complete(Handle handle, Collection<Hold> held) {
    return new HashSet<>(
        handle
            .createQuery(COMPLETE)
            .bind("ids", ids(held))
            .bind("tokens", tokens(held))
            .mapTo(Long.class)
            .list());
  }

  /// @return whether this worker still had the say
  static boolean fail(Handle handle, Failed failed) {
    return handle
            .createUpdate(FAIL)
            .bind("id", failed.hold().id())
            .bind("token", failed.hold().token())
            .bind("pause", failed.pause().toMillis())
            .bind("error", failed.error())
            .execute()
        > 0;
  }

  static int handBack(Handle handle, Collection<Hold> held) {
    return handle
        .createUpdate(HAND_BACK)
        .bind("ids", ids(held))
        .bind("tokens", tokens(held))
        .execute();
  }

  static List<Long> bury(Handle handle, String queue) {
    return handle.createQuery(BURY).bind("queue", queue).mapTo(Long.class).list();
  }

  /// @return how many rows went; `limit` or more means that there may be others
  static int sweep(Handle handle, String queue, Retention retention, int limit) {
    int old =
        handle
            .createUpdate(SWEEP_OLD)
            .bind("queue", queue)
            .bind("age", retention.age().toMillis())
            .bind("limit", limit)
            .execute();
    int many =
        handle
            .createUpdate(SWEEP_MANY)
            .bind("queue", queue)
            .bind("keep", retention.count())
            .bind("limit", limit)
            .execute();
    return Math.max(old, many);
  }

  static boolean retry(Handle handle, String queue, long id) {
    return handle.createUpdate(RETRY).bind("id", id).bind("queue", queue).execute() > 0;
  }

  static Optional<JobStatus> find(Handle handle, String queue, long id) {
    return handle
        .createQuery(STATUS + "WHERE id = :id AND queue = :queue")
        .bind("id", id)
        .bind("queue", queue)
        .map((row, context) -> status(row))
        .findOne();
  }

  static List<JobStatus> list(
      Handle handle, String queue, Optional<JobState> state, int limit, long before) {
    var only = state.map(wanted -> "AND state = '" + wanted.word() + "'").orElse("");
    return handle
        .createQuery(LIST.formatted(only))
        .bind("queue", queue)
        .bind("before", before)
        .bind("limit", limit)
        .map((row, context) -> status(row))
        .list();
  }

  /// In a transaction of its own, never in the one that wrote: a NOTIFY there takes a lock on the
  /// whole cluster at commit and ends group commit.
  static boolean notify(Handle handle, String queue) {
    return handle
        .createQuery("SELECT pg_notify('gatehouse_jobs', :queue) IS NOT NULL")
        .bind("queue", queue)
        .mapTo(Boolean.class)
        .one();
  }

  static void listen(Handle handle) {
    handle.execute("LISTEN gatehouse_jobs");
  }

  static void unlisten(Handle handle) {
    handle.execute("UNLISTEN gatehouse_jobs");
  }

  private static JobStatus status(ResultSet row) throws SQLException {
    return new JobStatus(
        row.getLong("id"),
        row.getString("kind"),
        JobState.of(row.getString("state")),
        row.getInt("attempts"),
        row.getInt("max_attempts"),
        instant(row, "enqueued_at"),
        instant(row, "due_at"),
        Optional.ofNullable(row.getObject("finished_at", OffsetDateTime.class))
            .map(OffsetDateTime::toInstant),
        text(row.getString("worker")),
        text(row.getString("last_error")));
  }

  private static Optional<String> text(@Nullable String value) {
    return Optional.ofNullable(value);
  }

  private static Instant instant(ResultSet row, String column) throws SQLException {
    return row.getObject(column, OffsetDateTime.class).toInstant();
  }

  private static Argument ids(Collection<Hold> held) {
    return array(held.stream().mapToLong(Hold::id).toArray());
  }

  private static Argument tokens(Collection<Hold> held) {
    return array(held.stream().mapToLong(Hold::token).toArray());
  }

  /// pgjdbc sends `long[]` and `String[]` as arrays by itself.
  private static Argument array(Object values) {
    return (position, statement, context) -> statement.setObject(position, values);
  }
}
