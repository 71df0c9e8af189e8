package dev.gatehouse.edge.usage;

import dev.gatehouse.state.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.argument.Argument;
import org.jdbi.v3.core.statement.SqlStatement;

/// All SQL that keeps the usage statistics; [ReportSql] reads them.
final class UsageSql {
  /// How long minutes are kept as such.
  static final Duration MINUTES = Duration.ofDays(2);

  /// How long hours are kept.
  static final Duration HOURS = Duration.ofDays(366);

  /// Minutes that have just passed and may still have more clients than they should.
  private static final int RECENT = 5;

  /// Edges that write hold this lock together, the one that tidies up holds it alone: batches take
  /// their rows in one order, which a deletion does not.
  private static final long LOCK = 0x7573616765L;

  private static final String LOCK_TO_WRITE = "SELECT pg_advisory_xact_lock_shared(:lock)";

  // Does not wait: whoever holds it tidies up for everybody, and there is a next time.
  private static final String LOCK_TO_TIDY = "SELECT pg_try_advisory_xact_lock(:lock)";

  // No row when the batch was stored before. A second try waits here for the first one's
  // transaction, should the server still be at it.
  private static final String NOTE =
      """
      INSERT INTO usage_writers AS known (writer, batch) VALUES (:writer, :batch)
      ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, at = now()
      WHERE known.batch < excluded.batch
      """;

  // In the transaction of NOTE. Rows come sorted, so that edges do not deadlock.
  private static final String ADD_REQUESTS =
      """
      INSERT INTO usage_requests AS known
        (hourly, at, route, status, client, requests, bytes_in, bytes_out, micros)
      SELECT hourly, to_timestamp(at), route, status, client, requests, bytes_in, bytes_out, micros
      FROM unnest(CAST(:hourly AS boolean[]), CAST(:at AS bigint[]), CAST(:route AS text[]),
          CAST(:status AS smallint[]), CAST(:client AS text[]), CAST(:requests AS bigint[]),
          CAST(:bytesIn AS bigint[]), CAST(:bytesOut AS bigint[]), CAST(:micros AS bigint[]))
        AS more (hourly, at, route, status, client, requests, bytes_in, bytes_out, micros)
      ON CONFLICT (hourly, at, route, status, client) DO UPDATE SET
        requests = known.requests + excluded.requests,
        bytes_in = known.bytes_in + excluded.bytes_in,
        bytes_out = known.bytes_out + excluded.bytes_out,
        micros = known.micros + excluded.micros
      """;

  // As above.
  private static final String ADD_LATENCIES =
      """
      INSERT INTO usage_latencies AS known (hourly, at, route, status, bucket, requests)
      SELECT hourly, to_timestamp(at), route, status, bucket, requests
      FROM unnest(CAST(:hourly AS boolean[]), CAST(:at AS bigint[]), CAST(:route AS text[]),
          CAST(:status AS smallint[]), CAST(:bucket AS smallint[]), CAST(:requests AS bigint[]))
        AS more (hourly, at, route, status, bucket, requests)
      ON CONFLICT (hourly, at, route, status, bucket) DO UPDATE SET
        requests = known.requests + excluded.requests
      """;

  // As above.
  private static final String ADD_LIMITS =
      """
      INSERT INTO usage_limits AS known (hourly, at, name, allowed, refused)
      SELECT hourly, to_timestamp(at), name, allowed, refused
      FROM unnest(CAST(:hourly AS boolean[]), CAST(:at AS bigint[]), CAST(:name AS text[]),
          CAST(:allowed AS bigint[]), CAST(:refused AS bigint[]))
        AS more (hourly, at, name, allowed, refused)
      ON CONFLICT (hourly, at, name) DO UPDATE SET
        allowed = known.allowed + excluded.allowed,
        refused = known.refused + excluded.refused
      """;

  // Under LOCK alone, so nobody adds to the rows that go. Sums the clients of one minute or hour
  // that are not among those that asked most.
  private static final String SUM_THE_REST =
      """
      WITH rest AS (
        SELECT client FROM usage_requests
        WHERE hourly = :hourly AND at = to_timestamp(:at) AND client <> ''
        GROUP BY client
        ORDER BY sum(requests) DESC, client OFFSET :most
      ), gone AS (
        DELETE FROM usage_requests AS old USING rest
        WHERE old.hourly = :hourly AND old.at = to_timestamp(:at) AND old.client = rest.client
        RETURNING old.route, old.status, old.requests, old.bytes_in, old.bytes_out, old.micros
      )
      INSERT INTO usage_requests AS known
        (hourly, at, route, status, client, requests, bytes_in, bytes_out, micros)
      SELECT :hourly, to_timestamp(:at), route, status, '', sum(requests), sum(bytes_in),
        sum(bytes_out), sum(micros)
      FROM gone GROUP BY route, status
      ON CONFLICT (hourly, at, route, status, client) DO UPDATE SET
        requests = known.requests + excluded.requests,
        bytes_in = known.bytes_in + excluded.bytes_in,
        bytes_out = known.bytes_out + excluded.bytes_out,
        micros = known.micros + excluded.micros
      """;

  // Under LOCK alone. The oldest hour that still has minutes and should not.
  private static final String OLDEST_HOUR =
      """
      SELECT CAST(extract(epoch FROM date_trunc('hour', min(at), 'UTC')) AS bigint)
      FROM (
        SELECT min(at) AS at FROM usage_requests WHERE NOT hourly
        UNION ALL SELECT min(at) FROM usage_latencies WHERE NOT hourly
        UNION ALL SELECT min(at) FROM usage_limits WHERE NOT hourly
      ) AS oldest
      WHERE at < to_timestamp(:before)
      """;

  // Under LOCK alone, one statement: a reader finds a request in its minute or in its hour.
  private static final String ROLL_UP_REQUESTS =
      """
      WITH gone AS (
        DELETE FROM usage_requests
        WHERE NOT hourly AND at >= to_timestamp(:hour) AND at < to_timestamp(:hour + 3600)
        RETURNING route, status, client, requests, bytes_in, bytes_out, micros
      )
      INSERT INTO usage_requests AS known
        (hourly, at, route, status, client, requests, bytes_in, bytes_out, micros)
      SELECT true, to_timestamp(:hour), route, status, client, sum(requests), sum(bytes_in),
        sum(bytes_out), sum(micros)
      FROM gone GROUP BY route, status, client
      ON CONFLICT (hourly, at, route, status, client) DO UPDATE SET
        requests = known.requests + excluded.requests,
        bytes_in = known.bytes_in + excluded.bytes_in,
        bytes_out = known.bytes_out + excluded.bytes_out,
        micros = known.micros + excluded.micros
      """;

  // As above.
  private static final String ROLL_UP_LATENCIES =
      """
      WITH gone AS (
        DELETE FROM usage_latencies
        WHERE NOT hourly AND at >= to_timestamp(:hour) AND at < to_timestamp(:hour + 3600)
        RETURNING route, status, bucket, requests
      )
      INSERT INTO usage_latencies AS known (hourly, at, route, status, bucket, requests)
      SELECT true, to_timestamp(:hour), route, status, bucket, sum(requests)
      FROM gone GROUP BY route, status, bucket
      ON CONFLICT (hourly, at, route, status, bucket) DO UPDATE SET
        requests = known.requests + excluded.requests
      """;

  // As above.
  private static final String ROLL_UP_LIMITS =
      """
      WITH gone AS (
        DELETE FROM usage_limits
        WHERE NOT hourly AND at >= to_timestamp(:hour) AND at < to_timestamp(:hour + 3600)
        RETURNING name, allowed, refused
      )
      INSERT INTO usage_limits AS known (hourly, at, name, allowed, refused)
      SELECT true, to_timestamp(:hour), name, sum(allowed), sum(refused)
      FROM gone GROUP BY name
      ON CONFLICT (hourly, at, name) DO UPDATE SET
        allowed = known.allowed + excluded.allowed,
        refused = known.refused + excluded.refused
      """;

  // Under LOCK alone.
  private static final List<String> FORGET =
      List.of(
          "DELETE FROM usage_requests WHERE hourly AND at < to_timestamp(:before)",
          "DELETE FROM usage_latencies WHERE hourly AND at < to_timestamp(:before)",
          "DELETE FROM usage_limits WHERE hourly AND at < to_timestamp(:before)");

  // A week is longer than an edge can live with a batch of unknown fate and not try it again.
  private static final String FORGET_WRITERS =
      "DELETE FROM usage_writers WHERE at < now() - interval '7 days'";

  private final Database database;
  private final UUID writer;

  /// @param writer names this run of the edge in the ledger; never used by another one
  UsageSql(Database database, UUID writer) {
    this.database = database;
    this.writer = writer;
  }

  /// Adds a batch, unless an earlier try has; safe to repeat after any failure.
  void add(Batch batch) {
    database.inTransaction(handle -> {
      handle.createQuery(LOCK_TO_WRITE).bind("lock", LOCK).mapToMap().one();
      int fresh =
          handle.createUpdate(NOTE).bind("writer", writer).bind("batch", batch.number()).execute();
      if (fresh == 1) {
        addRows(handle, batch);
      }
      return fresh;
    });
  }

  private static void addRows(Handle handle, Batch batch) {
    var requests = batch.requests();
    if (!requests.isEmpty()) {
      var update = handle.createUpdate(ADD_REQUESTS);
      bind(update, "hourly", "boolean", requests, row -> row.slot().hourly());
      bind(update, "at", "bigint", requests, row -> row.slot().at());
      bind(update, "route", "text", requests, Batch.Requests::route);
      bind(update, "status", "smallint", requests, row -> (short) row.status());
      bind(update, "client", "text", requests, Batch.Requests::client);
      bind(update, "requests", "bigint", requests, row -> row.figures().requests);
      bind(update, "bytesIn", "bigint", requests, row -> row.figures().bytesIn);
      bind(update, "bytesOut", "bigint", requests, row -> row.figures().bytesOut);
      bind(update, "micros", "bigint", requests, row -> row.figures().micros);
      update.execute();
    }
    var latencies = batch.latencies();
    if (!latencies.isEmpty()) {
      var update = handle.createUpdate(ADD_LATENCIES);
      bind(update, "hourly", "boolean", latencies, row -> row.slot().hourly());
      bind(update, "at", "bigint", latencies, row -> row.slot().at());
      bind(update, "route", "text", latencies, Batch.Latencies::route);
      bind(update, "status", "smallint", latencies, row -> (short) row.status());
      bind(update, "bucket", "smallint", latencies, row -> (short) row.bucket());
      bind(update, "requests", "bigint", latencies, Batch.Latencies::requests);
      update.execute();
    }
    var limits = batch.limits();
    if (!limits.isEmpty()) {
      var update = handle.createUpdate(ADD_LIMITS);
      bind(update, "hourly", "boolean", limits, row -> row.slot().hourly());
      bind(update, "at", "bigint", limits, row -> row.slot().at());
      bind(update, "name", "text", limits, Batch.Limits::name);
      bind(update, "allowed", "bigint", limits, Batch.Limits::allowed);
      bind(update, "refused", "bigint", limits, Batch.Limits::refused);
      update.execute();
    }
  }

  /// Sums small clients of the minutes that have just passed, moves old minutes into hours, forgets
  /// old hours. One edge at a time does it, for all.
  void tidy(Instant now) {
    long minute = Batch.Slot.minute(now.getEpochSecond()).at();
    alone(handle -> {
      for (int i = 1; i <= RECENT; i++) {
        sumTheRest(handle, false, minute - 60L * i);
      }
      return true;
    });
    long kept = Batch.Slot.minute(now.minus(MINUTES).getEpochSecond()).hour().at();
    boolean more = true;
    while (more) {
      more = alone(handle -> rollUp(handle, kept));
    }
    alone(handle -> {
      for (var statement : FORGET) {
        handle.createUpdate(statement).bind("before", now.minus(HOURS).getEpochSecond()).execute();
      }
      return handle.execute(FORGET_WRITERS) > 0;
    });
  }

  private boolean alone(Function<Handle, Boolean> work) {
    return database.inTransaction(handle -> {
      boolean ours = handle.createQuery(LOCK_TO_TIDY).bind("lock", LOCK).mapTo(Boolean.class).one();
      return ours && work.apply(handle);
    });
  }

  private static void sumTheRest(Handle handle, boolean hourly, long at) {
    handle
        .createUpdate(SUM_THE_REST)
        .bind("hourly", hourly)
        .bind("at", at)
        .bind("most", Pending.CLIENTS)
        .execute();
  }

  /// Whether there was an hour before `kept` that had minutes.
  private static boolean rollUp(Handle handle, long kept) {
    var hour =
        handle
            .createQuery(OLDEST_HOUR)
            .bind("before", kept)
            .map((row, context) -> row.getObject(1, Long.class))
            .stream()
            .filter(Objects::nonNull)
            .findFirst();
    hour.ifPresent(at -> {
      for (var statement : List.of(ROLL_UP_REQUESTS, ROLL_UP_LATENCIES, ROLL_UP_LIMITS)) {
        handle.createUpdate(statement).bind("hour", at).execute();
      }
      sumTheRest(handle, true, at);
    });
    return hour.isPresent();
  }

  /// Binds one column of `rows` as an array.
  static <T> void bind(
      SqlStatement<?> statement, String name, String type, List<T> rows, Function<T, Object> of) {
    var values = new ArrayList<Object>(rows.size());
    rows.forEach(row -> values.add(of.apply(row)));
    Argument argument =
        (position, prepared, context) ->
            prepared.setArray(
                position, prepared.getConnection().createArrayOf(type, values.toArray()));
    statement.bind(name, argument);
  }
}
