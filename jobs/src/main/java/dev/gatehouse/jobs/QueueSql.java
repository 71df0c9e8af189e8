package dev.gatehouse.jobs;

import dev.gatehouse.http.OnBehalf;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// What those who put jobs in and look after a queue say to the database; [JobSql] has what workers
/// say, and the same holds here: READ COMMITTED, and the database's clock.
final class QueueSql {
  private QueueSql() {}

  /// No lock but that of its new rows. `unnest` yields in the order of the arrays, and the ids come
  /// back in that order. What has a key to be limited by starts parked: a claim counts no keys.
  private static final String INSERT =
      """
      INSERT INTO jobs
        (queue, kind, payload, max_attempts, priority, due_at, limit_key, key_slots, parked,
         on_behalf)
      SELECT :queue, kind, payload, :maxAttempts, priority,
        coalesce(to_timestamp(start_at / 1000.0), now()), limit_key, slots, limit_key IS NOT NULL,
        :behalf
      FROM unnest(:kinds, :payloads, :priorities, :starts, :limits, :slots)
        AS new (kind, payload, priority, start_at, limit_key, slots)
      RETURNING id
      """;

  /// Of two at once with one key, the second waits for the first to commit or roll back.
  private static final String INSERT_UNIQUE =
      """
      INSERT INTO jobs
        (queue, kind, payload, max_attempts, priority, due_at, limit_key, key_slots, parked,
         unique_key, on_behalf)
      VALUES (:queue, :kind, :payload, :maxAttempts, :priority,
        coalesce(to_timestamp(:start::bigint / 1000.0), now()), :limit, :slots,
        :limit::text IS NOT NULL, :unique, :behalf)
      ON CONFLICT (queue, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL DO NOTHING
      RETURNING id
      """;

  /// Reads one row, without a lock: it may end in the next moment.
  private static final String HOLDER =
      """
      SELECT id FROM jobs WHERE queue = :queue AND unique_key = :unique AND state = 'waiting'
      """;

  /// Fenced by the state: of two retries at once, the second finds the job waiting. It fails when
  /// another job holds its unique key.
  private static final String RETRY =
      """
      UPDATE jobs
      SET state = 'waiting', attempts = 0, due_at = clock_timestamp(), finished_at = NULL,
        parked = limit_key IS NOT NULL
      WHERE id = :id AND queue = :queue AND state = 'dead'
      """;

  /// As above, for the oldest so many; those whose unique key is taken, or that are not the first
  /// of their key, stay dead.
  private static final String RETRY_ALL =
      """
      UPDATE jobs
      SET state = 'waiting', attempts = 0, due_at = clock_timestamp(), finished_at = NULL,
        parked = limit_key IS NOT NULL
      WHERE id = ANY(ARRAY(
        SELECT j.id FROM jobs j
        WHERE j.queue = :queue AND j.state = 'dead'
          AND (j.unique_key IS NULL OR NOT EXISTS (
            SELECT FROM jobs other
            WHERE other.queue = :queue AND other.unique_key = j.unique_key
              AND (other.state = 'waiting' OR (other.state = 'dead' AND other.id < j.id))))
        ORDER BY j.id
        LIMIT :limit
        FOR UPDATE OF j SKIP LOCKED))
      """;

  /// Waits for a round that completes or claims the job; a running one is cancelled too: its
  /// worker's completion finds no row.
  private static final String CANCEL =
      """
      WITH gone AS (
        DELETE FROM jobs WHERE id = :id AND queue = :queue
        RETURNING id, queue, kind, attempts, max_attempts, enqueued_at, worker)
      INSERT INTO jobs_finished
        (id, queue, kind, state, attempts, max_attempts, enqueued_at, finished_at, worker)
      SELECT id, queue, kind, 'cancelled', attempts, max_attempts, enqueued_at, clock_timestamp(),
        worker
      FROM gone
      """;

  private static final String PAUSE =
      "INSERT INTO jobs_paused (queue) VALUES (:queue) ON CONFLICT DO NOTHING";

  private static final String RESUME = "DELETE FROM jobs_paused WHERE queue = :queue";

  private static final String PAUSED =
      "SELECT EXISTS (SELECT FROM jobs_paused WHERE queue = :queue)";

  private static final String OPEN =
      """
      SELECT id, kind,
        CASE WHEN state = 'dead' THEN state WHEN leased_until > now() THEN 'running'
          ELSE 'waiting' END AS state,
        attempts, max_attempts, enqueued_at,
        CASE WHEN state = 'waiting' AND leased_until > now() THEN leased_until ELSE due_at END
          AS due_at,
        finished_at, worker, last_error
      FROM jobs
      WHERE queue = :queue
      """;

  private static final String FINISHED =
      """
      SELECT id, kind, state, attempts, max_attempts, enqueued_at, finished_at AS due_at,
        finished_at, worker, NULL AS last_error
      FROM jobs_finished
      WHERE queue = :queue
      """;

  /// Reads only, in one snapshot: a job that ends meanwhile is in one of the two tables.
  private static final String FIND = OPEN + " AND id = :id UNION ALL " + FINISHED + " AND id = :id";

  /// Reads only; newest first, from either table no more than the page needs.
  private static final String PAGE = "(%s AND id < :before %s ORDER BY id DESC LIMIT :limit)";

  /// How many jobs are counted, at most.
  static final int COUNTED = 100_000;

  /// Reads only. The limit stands inside, so that a queue of millions costs no more than this.
  private static final String FIGURES =
      """
      WITH looked AS MATERIALIZED (
        SELECT state, attempts, due_at,
          state = 'waiting' AND coalesce(leased_until > now(), false) AS leased,
          state = 'waiting' AND NOT parked AND due_at <= now()
            AND NOT coalesce(leased_until > now(), false) AS due
        FROM jobs WHERE queue = :queue LIMIT :counted)
      SELECT count(*) FILTER (WHERE due) AS due,
        count(*) FILTER (WHERE state = 'waiting' AND NOT due AND NOT leased) AS later,
        count(*) FILTER (WHERE leased) AS running,
        count(*) FILTER (WHERE state = 'dead') AS dead,
        count(*) FILTER (WHERE state = 'waiting' AND attempts > 0) AS retried,
        coalesce(max(attempts) FILTER (WHERE state = 'waiting'), 0) AS attempts,
        coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due)), 0)::float8 AS oldest
      FROM looked
      """;

  static Queue.Figures figures(Handle handle, String queue) {
    return handle
        .createQuery(FIGURES)
        .bind("queue", queue)
        .bind("counted", COUNTED)
        .map((row, context) ->
            new Queue.Figures(
                row.getLong("due"),
                row.getLong("later"),
                row.getLong("running"),
                row.getLong("dead"),
                row.getLong("retried"),
                row.getInt("attempts"),
                Duration.ofNanos((long) (row.getDouble("oldest") * 1e9))))
        .one();
  }

  static List<Long> insert(Handle handle, String queue, int maxAttempts, List<NewJob> jobs) {
    return handle
        .createQuery(INSERT)
        .bind("queue", queue)
        .bind("maxAttempts", maxAttempts)
        .bind("kinds", Sql.texts(jobs.stream().map(NewJob::kind).toList()))
        .bind("payloads", Sql.texts(jobs.stream().map(NewJob::payload).toList()))
        .bind("priorities", Sql.ints(jobs, job -> job.priority().line))
        .bind("starts", Sql.array(jobs.stream().map(QueueSql::start).toArray(Long[]::new)))
        .bind("limits", Sql.array(jobs.stream().map(QueueSql::limitKey).toArray(String[]::new)))
        .bind("slots", Sql.ints(jobs, QueueSql::slots))
        .bind("behalf", behalf())
        .mapTo(Long.class)
        .list();
  }

  /// On whose behalf this thread puts jobs in.
  private static @Nullable String behalf() {
    var current = OnBehalf.current();
    return current.equals(OnBehalf.NOBODY) ? null : current.text();
  }

  /// @return empty when its key is taken
  static Optional<Long> insertUnique(
      Handle handle, String queue, int maxAttempts, NewJob job, String key) {
    return handle
        .createQuery(INSERT_UNIQUE)
        .bind("queue", queue)
        .bind("kind", job.kind())
        .bind("payload", job.payload())
        .bind("maxAttempts", maxAttempts)
        .bind("priority", job.priority().line)
        .bind("start", start(job))
        .bind("limit", limitKey(job))
        .bind("slots", slots(job))
        .bind("behalf", behalf())
        .bind("unique", key)
        .mapTo(Long.class)
        .findOne();
  }

  static Optional<Long> holder(Handle handle, String queue, String key) {
    return handle
        .createQuery(HOLDER)
        .bind("queue", queue)
        .bind("unique", key)
        .mapTo(Long.class)
        .findOne();
  }

  static boolean retry(Handle handle, String queue, long id) {
    return handle.createUpdate(RETRY).bind("id", id).bind("queue", queue).execute() > 0;
  }

  static int retryAll(Handle handle, String queue, int limit) {
    return handle.createUpdate(RETRY_ALL).bind("queue", queue).bind("limit", limit).execute();
  }

  static boolean cancel(Handle handle, String queue, long id) {
    return handle.createUpdate(CANCEL).bind("id", id).bind("queue", queue).execute() > 0;
  }

  static void pause(Handle handle, String queue) {
    handle.createUpdate(PAUSE).bind("queue", queue).execute();
  }

  static void resume(Handle handle, String queue) {
    handle.createUpdate(RESUME).bind("queue", queue).execute();
  }

  static boolean paused(Handle handle, String queue) {
    return handle.createQuery(PAUSED).bind("queue", queue).mapTo(Boolean.class).one();
  }

  static Optional<JobStatus> find(Handle handle, String queue, long id) {
    return handle
        .createQuery(FIND)
        .bind("id", id)
        .bind("queue", queue)
        .map((row, context) -> status(row))
        .findOne();
  }

  static List<JobStatus> list(
      Handle handle, String queue, Optional<JobState> state, int limit, long before) {
    var open =
        switch (state.orElse(JobState.RUNNING)) {
          case WAITING -> "AND state = 'waiting' AND leased_until > now() IS NOT TRUE";
          case RUNNING -> state.isEmpty() ? "" : "AND state = 'waiting' AND leased_until > now()";
          case DEAD -> "AND state = 'dead'";
          case DONE, CANCELLED -> "AND false";
        };
    var finished =
        switch (state.orElse(JobState.DONE)) {
          case DONE -> state.isEmpty() ? "" : "AND state = 'done'";
          case CANCELLED -> "AND state = 'cancelled'";
          case WAITING, RUNNING, DEAD -> "AND false";
        };
    return handle
        .createQuery(
            PAGE.formatted(OPEN, open)
                + " UNION ALL "
                + PAGE.formatted(FINISHED, finished)
                + " ORDER BY id DESC LIMIT :limit")
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

  private static JobStatus status(ResultSet row) throws SQLException {
    return new JobStatus(
        row.getLong("id"),
        row.getString("kind"),
        JobState.of(row.getString("state")),
        row.getInt("attempts"),
        row.getInt("max_attempts"),
        row.getObject("enqueued_at", OffsetDateTime.class).toInstant(),
        row.getObject("due_at", OffsetDateTime.class).toInstant(),
        Optional.ofNullable(row.getObject("finished_at", OffsetDateTime.class))
            .map(OffsetDateTime::toInstant),
        text(row.getString("worker")),
        text(row.getString("last_error")));
  }

  private static Optional<String> text(@Nullable String value) {
    return Optional.ofNullable(value);
  }

  private static @Nullable Long start(NewJob job) {
    return job.startAt().map(Instant::toEpochMilli).orElse(null);
  }

  private static @Nullable String limitKey(NewJob job) {
    return job.limit().map(NewJob.Limit::key).orElse(null);
  }

  private static int slots(NewJob job) {
    return job.limit().map(NewJob.Limit::slots).orElse(1);
  }
}
