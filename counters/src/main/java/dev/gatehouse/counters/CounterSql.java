package dev.gatehouse.counters;

import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.counters.Window.Flushed;
import dev.gatehouse.state.Database;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jdbi.v3.core.argument.Argument;

/// All SQL of the counter service.
final class CounterSql {
  /// One snapshot of the totals in a range.
  ///
  /// @param flushed the last chunk of this process that is in it
  record Snapshot(TreeMap<String, BigInteger> totals, Flushed flushed) {}

  // One statement, so one transaction: the chunk's row in the ledger and its sums are there
  // together or not at all. A second try of the same chunk waits for the first one's transaction,
  // should the server still be at it, then finds the row and adds nothing. Keys come sorted, so
  // that flushes of several replicas take their rows in the same order and cannot deadlock.
  private static final String ADD =
      """
      WITH fresh AS (
        INSERT INTO counters_flushed (process, window_no, chunk_no)
        VALUES (:process, :window, :chunk)
        ON CONFLICT DO NOTHING
        RETURNING 1
      )
      INSERT INTO counters_totals AS total (key, value)
      SELECT chunk.key, chunk.delta
      FROM unnest(CAST(:keys AS text[]), CAST(CAST(:deltas AS text[]) AS numeric[]))
        AS chunk (key, delta)
      WHERE EXISTS (SELECT FROM fresh)
      ON CONFLICT (key) DO UPDATE SET value = total.value + excluded.value
      """;

  // One statement, so one snapshot: the totals hold exactly the chunks up to the one it names.
  private static final String READ =
      """
      WITH flushed AS (
        SELECT window_no, chunk_no FROM counters_flushed
        WHERE process = :process
        ORDER BY window_no DESC, chunk_no DESC LIMIT 1
      ), page AS (
        SELECT key, value FROM counters_totals
        WHERE key >= :from AND key < :to
        ORDER BY key LIMIT :rows
      )
      SELECT coalesce((SELECT window_no FROM flushed), 0) AS window_no,
        coalesce((SELECT chunk_no FROM flushed), 0) AS chunk_no,
        page.key, page.value
      FROM (SELECT 1) AS always LEFT JOIN page ON true
      """;

  // Only rows before this process' newest: readers need that one. The caller has nothing in
  // flight, so none of the older ones can be asked for again.
  private static final String PRUNE =
      """
      DELETE FROM counters_flushed
      WHERE process = :process AND (window_no, chunk_no) < (:window, :chunk)
        AND flushed_at < now() - interval '1 hour'
      """;

  // Processes that have ended leave their last hour. A week is longer than a live one can be cut
  // off with a chunk of unknown fate without being looked after.
  private static final String PRUNE_ENDED =
      """
      DELETE FROM counters_flushed
      WHERE process <> :process AND flushed_at < now() - interval '7 days'
      """;

  private final Database database;
  private final UUID process;

  /// @param process names this run of the process in the ledger; never used by another one
  CounterSql(Database database, UUID process) {
    this.database = database;
    this.process = process;
  }

  /// Adds a chunk to the totals, unless an earlier try has; safe to repeat after any failure.
  void add(Chunk chunk) {
    var deltas = chunk.deltas().stream().map(BigInteger::toString).toList();
    database.with(handle ->
        handle
            .createUpdate(ADD)
            .bind("process", process)
            .bind("window", chunk.window())
            .bind("chunk", chunk.number())
            .bind("keys", texts(chunk.keys()))
            .bind("deltas", texts(deltas))
            .execute());
  }

  /// The first `rows` totals of a range.
  Snapshot read(Range range, int rows) {
    return database.with(handle -> {
      var totals = new TreeMap<String, BigInteger>(Keys.ORDER);
      var flushed =
          handle
              .createQuery(READ)
              .bind("process", process)
              .bind("from", range.from())
              .bind("to", range.to())
              .bind("rows", rows)
              .reduceRows(
                  Flushed.NOTHING,
                  (last, row) -> {
                    var key = row.getColumn("key", String.class);
                    if (key != null) {
                      totals.put(key, row.getColumn("value", BigDecimal.class).toBigIntegerExact());
                    }
                    return new Flushed(
                        row.getColumn("window_no", Long.class),
                        row.getColumn("chunk_no", Integer.class));
                  });
      return new Snapshot(totals, flushed);
    });
  }

  /// Removes ledger rows that nobody can ask for again.
  ///
  /// @param last the last chunk that is in the totals, when none is in flight
  void prune(Flushed last) {
    database.with(handle ->
        handle
                .createUpdate(PRUNE)
                .bindMap(Map.of("process", process, "window", last.window(), "chunk", last.chunk()))
                .execute()
            + handle.createUpdate(PRUNE_ENDED).bind("process", process).execute());
  }

  private static Argument texts(List<String> values) {
    return (position, statement, context) ->
        statement.setArray(
            position,
            statement.getConnection().createArrayOf("text", values.toArray(String[]::new)));
  }
}
