package dev.gatehouse.edge.usage;

import dev.gatehouse.state.Database;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/// All SQL that answers a [Question] from what [UsageSql] keeps.
final class ReportSql {
  // One statement, so one snapshot: a request is in its minute or in its hour, and the sum over all
  // (the row whose `whole` is true) is that of the rows.
  private static final String READ_REQUESTS =
      """
      WITH patterns AS (
        SELECT * FROM unnest(CAST(:names AS text[]), CAST(:paths AS text[])) AS known (name, path)
      ), picked AS (
        SELECT CASE WHEN :byRoute THEN route ELSE '' END AS route,
          CASE WHEN :byPath THEN coalesce(path, '-') ELSE '' END AS path,
          CASE WHEN :byClient THEN client ELSE '' END AS client,
          CASE WHEN :byStatus THEN status ELSE 0 END AS status,
          requests, bytes_in, bytes_out, micros
        FROM usage_requests LEFT JOIN patterns ON name = route
        WHERE (NOT hourly AND at >= to_timestamp(:from)
            OR hourly AND at >= date_trunc('hour', to_timestamp(:from), 'UTC'))
          AND (cardinality(CAST(:routes AS text[])) = 0 OR route = ANY (CAST(:routes AS text[])))
          AND (cardinality(CAST(:clients AS text[])) = 0 OR client = ANY (CAST(:clients AS text[])))
          AND (cardinality(CAST(:statuses AS smallint[])) = 0
            OR status = ANY (CAST(:statuses AS smallint[])))
          AND (cardinality(CAST(:only AS text[])) = 0
            OR coalesce(path, '-') = ANY (CAST(:only AS text[])))
      )
      SELECT grouping(route) = 1 AS whole, route, path, client, status,
        CAST(sum(requests) AS bigint) AS requests, CAST(sum(bytes_in) AS bigint) AS bytes_in,
        CAST(sum(bytes_out) AS bigint) AS bytes_out, CAST(sum(micros) AS bigint) AS micros
      FROM picked
      GROUP BY GROUPING SETS ((route, path, client, status), ())
      ORDER BY 1 DESC, 6 DESC NULLS LAST, 2, 3, 4, 5
      LIMIT :rows
      """;

  // A statement of its own: what is added between the two is in the quantiles and not in the sums,
  // which no one can tell.
  private static final String READ_LATENCIES =
      """
      WITH patterns AS (
        SELECT * FROM unnest(CAST(:names AS text[]), CAST(:paths AS text[])) AS known (name, path)
      )
      SELECT CASE WHEN :byRoute THEN route ELSE '' END AS route,
        CASE WHEN :byPath THEN coalesce(path, '-') ELSE '' END AS path,
        CASE WHEN :byStatus THEN status ELSE 0 END AS status,
        bucket, CAST(sum(requests) AS bigint) AS requests
      FROM usage_latencies LEFT JOIN patterns ON name = route
      WHERE (NOT hourly AND at >= to_timestamp(:from)
          OR hourly AND at >= date_trunc('hour', to_timestamp(:from), 'UTC'))
        AND (cardinality(CAST(:routes AS text[])) = 0 OR route = ANY (CAST(:routes AS text[])))
        AND (cardinality(CAST(:statuses AS smallint[])) = 0
          OR status = ANY (CAST(:statuses AS smallint[])))
        AND (cardinality(CAST(:only AS text[])) = 0
          OR coalesce(path, '-') = ANY (CAST(:only AS text[])))
      GROUP BY 1, 2, 3, 4
      """;

  // One statement, so one snapshot.
  private static final String READ_LIMITS =
      """
      SELECT name, CAST(sum(allowed) AS bigint) AS allowed, CAST(sum(refused) AS bigint) AS refused
      FROM usage_limits
      WHERE (NOT hourly AND at >= to_timestamp(:from)
          OR hourly AND at >= date_trunc('hour', to_timestamp(:from), 'UTC'))
        AND (cardinality(CAST(:limits AS text[])) = 0 OR name = ANY (CAST(:limits AS text[])))
      GROUP BY name
      ORDER BY sum(allowed) + sum(refused) DESC, name
      LIMIT :rows
      """;

  private final Database database;

  ReportSql(Database database) {
    this.database = database;
  }

  /// One group of requests, or, where `whole`, all of them.
  record Row(
      boolean whole,
      String route,
      String path,
      String client,
      int status,
      long requests,
      long bytesIn,
      long bytesOut,
      long micros) {}

  /// The rows that ask most, after the one for the whole.
  ///
  /// @param paths path patterns by route
  List<Row> requests(Question question, Instant from, Map<String, String> paths) {
    return database.with(handle -> {
      var query = handle.createQuery(READ_REQUESTS);
      bind(query, question, from, paths);
      texts(query, "clients", question.clients());
      return query
          .bind("byClient", question.by().contains(Question.By.CLIENT))
          .bind("rows", question.top() + 2)
          .map((row, context) ->
              new Row(
                  row.getBoolean("whole"),
                  text(row.getString("route")),
                  text(row.getString("path")),
                  text(row.getString("client")),
                  row.getInt("status"),
                  row.getLong("requests"),
                  row.getLong("bytes_in"),
                  row.getLong("bytes_out"),
                  row.getLong("micros")))
          .list();
    });
  }

  /// What latencies are known of: a group without its client.
  record Group(String route, String path, int status) {}

  /// Counts by bucket, for each group.
  Map<Group, long[]> latencies(Question question, Instant from, Map<String, String> paths) {
    return database.with(handle -> {
      var query = handle.createQuery(READ_LATENCIES);
      bind(query, question, from, paths);
      return query.reduceRows(
          new HashMap<Group, long[]>(),
          (groups, row) -> {
            var group =
                new Group(
                    row.getColumn("route", String.class),
                    row.getColumn("path", String.class),
                    row.getColumn("status", Integer.class));
            var counts = groups.computeIfAbsent(group, fresh -> new long[Latency.BUCKETS]);
            counts[row.getColumn("bucket", Integer.class)] = row.getColumn("requests", Long.class);
            return groups;
          });
    });
  }

  record LimitRow(String name, long allowed, long refused) {}

  List<LimitRow> limits(Question question, Instant from) {
    return database.with(handle -> {
      var query = handle.createQuery(READ_LIMITS);
      texts(query, "limits", question.limits());
      return query
          .bind("from", from.getEpochSecond())
          .bind("rows", question.top() + 1)
          .map((row, context) ->
              new LimitRow(
                  text(row.getString("name")), row.getLong("allowed"), row.getLong("refused")))
          .list();
    });
  }

  private static void bind(
      SqlStatement<?> query, Question question, Instant from, Map<String, String> paths) {
    var names = List.copyOf(paths.keySet());
    texts(query, "names", names);
    texts(query, "paths", names.stream().map(name -> paths.getOrDefault(name, "-")).toList());
    texts(query, "routes", question.routes());
    texts(query, "only", question.paths());
    UsageSql.bind(query, "statuses", "smallint", question.statuses(), Integer::shortValue);
    query
        .bind("byRoute", question.by().contains(Question.By.ROUTE))
        .bind("byPath", question.by().contains(Question.By.PATH))
        .bind("byStatus", question.by().contains(Question.By.STATUS))
        .bind("from", from.getEpochSecond());
  }

  private static String text(@Nullable String column) {
    return column == null ? "" : column;
  }

  private static void texts(SqlStatement<?> statement, String name, List<String> values) {
    UsageSql.bind(statement, name, "text", values, value -> value);
  }
}
