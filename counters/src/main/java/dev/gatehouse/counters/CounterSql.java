package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Window.Chunk;
import dev.gatehouse.http.Problem;
import dev.gatehouse.state.Database;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.argument.Argument;

/// All SQL of the counter service.
final class CounterSql {
  /// One snapshot of the totals in a range.
  ///
  /// @param mark the last chunk of this journal that is in it
  record Snapshot(TreeMap<String, BigInteger> totals, Mark mark) {}

  /// What became of a chunk.
  ///
  /// @param moved whether it is in the totals now; else the mark was not where it was thought to be
  /// @param repeated requests in it that had been counted before
  /// @param differing those of them, as far as is known, that had another body
  record Added(boolean moved, int repeated, int differing) {}

  // One statement, so one transaction: the mark moves and the sums are added, or neither. The row
  // of the mark is locked first, so a second try of a chunk waits for the first one's transaction,
  // should the server still be at it, and then finds the mark moved. It moves only from the chunk
  // before: after a failover that lost some, nothing is added out of order. Keys come sorted, so
  // that flushes of several replicas take their rows in the same order and cannot deadlock.
  private static final String ADD =
      """
      WITH moved AS (
        UPDATE counters_marks
        SET window_no = :window, chunk_no = :chunk, moved_at = now()
        WHERE journal = :journal AND window_no = :atWindow AND chunk_no = :atChunk
        RETURNING 1
      ), added AS (
        INSERT INTO counters_totals AS total (key, value)
        SELECT chunk.key, chunk.delta
        FROM unnest(CAST(:keys AS text[]), CAST(CAST(:deltas AS text[]) AS numeric[]))
          AS chunk (key, delta)
        WHERE EXISTS (SELECT FROM moved)
        ON CONFLICT (key) DO UPDATE SET value = total.value + excluded.value
        RETURNING key, value
      ), large AS (
        INSERT INTO counters_large (key)
        SELECT key FROM added WHERE abs(value) > 4611686018427387904
        ON CONFLICT DO NOTHING
      )
      SELECT (SELECT count(*) FROM moved) AS moved, 0 AS repeated, 0 AS differing
      """;

  // As ADD, for requests that count once. Ids are inserted before any total is touched, and in
  // their order: a replica with the same id waits here for the other one's transaction, holding
  // nothing that the other could want. Who finds the id there counts nothing of its request.
  private static final String ADD_ONCE =
      """
      WITH moved AS (
        UPDATE counters_marks
        SET window_no = :window, chunk_no = :chunk, moved_at = now()
        WHERE journal = :journal AND window_no = :atWindow AND chunk_no = :atChunk
        RETURNING 1
      ), asked AS (
        SELECT id, body FROM unnest(CAST(:ids AS text[]), CAST(:bodies AS text[]))
          AS asked (id, body)
      ), fresh AS (
        INSERT INTO counters_requests (id, body)
        SELECT id, body FROM asked WHERE EXISTS (SELECT FROM moved)
        ON CONFLICT DO NOTHING
        RETURNING id
      ), parts AS (
        SELECT item.key, item.delta
        FROM unnest(
            CAST(:owners AS text[]), CAST(:itemKeys AS text[]),
            CAST(CAST(:itemDeltas AS text[]) AS numeric[])) AS item (owner, key, delta)
          JOIN fresh ON fresh.id = item.owner COLLATE "C"
        UNION ALL
        SELECT chunk.key, chunk.delta
        FROM unnest(CAST(:keys AS text[]), CAST(CAST(:deltas AS text[]) AS numeric[]))
          AS chunk (key, delta)
        WHERE EXISTS (SELECT FROM moved)
      ), added AS (
        INSERT INTO counters_totals AS total (key, value)
        SELECT key COLLATE "C", sum(delta) FROM parts
        GROUP BY key COLLATE "C" ORDER BY key COLLATE "C"
        ON CONFLICT (key) DO UPDATE SET value = total.value + excluded.value
        RETURNING key, value
      ), large AS (
        INSERT INTO counters_large (key)
        SELECT key FROM added WHERE abs(value) > 4611686018427387904
        ON CONFLICT DO NOTHING
      )
      SELECT (SELECT count(*) FROM moved) AS moved,
        (SELECT count(*) FROM asked) - (SELECT count(*) FROM fresh) AS repeated,
        (SELECT count(*) FROM asked JOIN counters_requests AS known
           ON known.id = asked.id COLLATE "C" WHERE known.body <> asked.body) AS differing
      """;

  // The row of a journal's mark is made by whoever has the journal's lock, so by one.
  private static final String BEGIN =
      """
      INSERT INTO counters_marks (journal, window_no, chunk_no)
      VALUES (:journal, 0, 2147483647)
      ON CONFLICT DO NOTHING
      """;

  private static final String MARK =
      """
      SELECT window_no, chunk_no FROM counters_marks WHERE journal = :journal
      """;

  // One statement, so one snapshot: the totals hold exactly the chunks up to the one it names.
  private static final String READ =
      """
      WITH mark AS (
        SELECT window_no, chunk_no FROM counters_marks WHERE journal = :journal
      ), page AS (
        SELECT key, value FROM counters_totals
        WHERE key >= :from AND key < :to
        ORDER BY key LIMIT :rows
      )
      SELECT coalesce((SELECT window_no FROM mark), 0) AS window_no,
        coalesce((SELECT chunk_no FROM mark), 2147483647) AS chunk_no,
        page.key, page.value
      FROM (SELECT 1) AS always LEFT JOIN page ON true
      """;

  // As READ, for some keys.
  private static final String READ_SOME =
      """
      WITH mark AS (
        SELECT window_no, chunk_no FROM counters_marks WHERE journal = :journal
      ), page AS (
        SELECT key, value FROM counters_totals WHERE key = ANY(CAST(:keys AS text[]))
      )
      SELECT coalesce((SELECT window_no FROM mark), 0) AS window_no,
        coalesce((SELECT chunk_no FROM mark), 2147483647) AS chunk_no,
        page.key, page.value
      FROM (SELECT 1) AS always LEFT JOIN page ON true
      """;

  // Normally no row. The mark is known to the caller, who has nothing in flight.
  private static final String LARGE =
      """
      SELECT total.key, total.value FROM counters_large JOIN counters_totals AS total USING (key)
      """;

  // Requests that are in the totals. One that is being flushed just now is not seen; the flush
  // itself decides about it.
  private static final String KNOWN =
      """
      SELECT id, body FROM counters_requests
      WHERE id = ANY(CAST(:ids AS text[])) AND taken_at > now() - interval '24 hours'
      """;

  // By the database's clock, which is the same for all replicas. A row that a flush waits for is
  // new, so none of these.
  private static final String FORGET =
      """
      DELETE FROM counters_requests WHERE taken_at < now() - interval '24 hours'
      """;

  private final Database database;
  private final Supplier<Optional<String>> schema;

  /// Whether the tables are known to be there.
  private volatile boolean prepared;

  /// @param schema see [Counters.Means]
  CounterSql(Database database, Supplier<Optional<String>> schema) {
    this.database = database;
    this.schema = schema;
  }

  /// Sees to the schema, until that has been done once; before that everything else here is a 503.
  ///
  /// @return why it cannot be done now; empty when it is done
  Optional<String> prepare() {
    if (prepared) {
      return Optional.empty();
    }
    var why = schema.get();
    prepared = why.isEmpty();
    return why;
  }

  private <T> T with(Function<Handle, T> work) {
    if (!prepared) {
      throw Problem.unavailable("The database has not answered since this replica started.", 1)
          .hint("Try again in a moment; increments are taken meanwhile.")
          .refusal();
    }
    return database.with(work);
  }

  /// Adds a chunk to the totals if the journal's mark is at `at`; safe to repeat after any failure.
  Added add(UUID journal, Mark at, Chunk chunk) {
    return with(handle -> {
      var update = handle.createQuery(chunk.requests().isEmpty() ? ADD : ADD_ONCE);
      update
          .bind("journal", journal)
          .bind("window", chunk.window())
          .bind("chunk", chunk.number())
          .bind("atWindow", at.window())
          .bind("atChunk", at.chunk())
          .bind("keys", texts(chunk.sums().stream().map(Delta::key).toList()))
          .bind("deltas", texts(chunk.sums().stream().map(Delta::toString).toList()));
      if (!chunk.requests().isEmpty()) {
        var owners = new ArrayList<String>();
        var keys = new ArrayList<String>();
        var deltas = new ArrayList<String>();
        for (var request : chunk.requests()) {
          for (var item : request.items()) {
            owners.add(request.once().id());
            keys.add(item.key());
            deltas.add(Long.toString(item.value()));
          }
        }
        var onces = chunk.requests().stream().map(Window.Request::once).toList();
        update
            .bind("ids", texts(onces.stream().map(Once::id).toList()))
            .bind("bodies", texts(onces.stream().map(Once::body).toList()))
            .bind("owners", texts(owners))
            .bind("itemKeys", texts(keys))
            .bind("itemDeltas", texts(deltas));
      }
      return update
          .map((row, context) ->
              new Added(row.getInt("moved") > 0, row.getInt("repeated"), row.getInt("differing")))
          .one();
    });
  }

  /// How far a journal is; makes its row if it has none.
  Mark mark(UUID journal) {
    return with(handle -> {
      handle.createUpdate(BEGIN).bind("journal", journal).execute();
      return handle
          .createQuery(MARK)
          .bind("journal", journal)
          .map((row, context) -> new Mark(row.getLong("window_no"), row.getInt("chunk_no")))
          .one();
    });
  }

  /// The first `rows` totals of a range.
  Snapshot read(UUID journal, Range range, int rows) {
    return with(handle ->
        snapshot(
            handle
                .createQuery(READ)
                .bind("journal", journal)
                .bind("from", range.from())
                .bind("to", range.to())
                .bind("rows", rows)));
  }

  /// The totals of these keys, as far as they have any.
  Snapshot read(UUID journal, Collection<String> keys) {
    return with(handle ->
        snapshot(
            handle
                .createQuery(READ_SOME)
                .bind("journal", journal)
                .bind("keys", texts(List.copyOf(keys)))));
  }

  private static Snapshot snapshot(org.jdbi.v3.core.statement.Query query) {
    var totals = new TreeMap<String, BigInteger>(Keys.ORDER);
    var mark =
        query.reduceRows(
            Mark.NOTHING,
            (last, row) -> {
              var key = row.getColumn("key", String.class);
              if (key != null) {
                totals.put(key, row.getColumn("value", BigDecimal.class).toBigIntegerExact());
              }
              return new Mark(
                  row.getColumn("window_no", Long.class), row.getColumn("chunk_no", Integer.class));
            });
    return new Snapshot(totals, mark);
  }

  /// The totals that are, or once were, near the end of 64 bits.
  Map<String, BigInteger> large() {
    return with(handle ->
        handle
            .createQuery(LARGE)
            .reduceRows(
                new HashMap<String, BigInteger>(),
                (large, row) -> {
                  large.put(
                      row.getColumn("key", String.class),
                      row.getColumn("value", BigDecimal.class).toBigIntegerExact());
                  return large;
                }));
  }

  /// Which of these requests are in the totals, with their bodies' digests.
  Map<String, String> known(Collection<String> ids) {
    return with(handle ->
        handle
            .createQuery(KNOWN)
            .bind("ids", texts(List.copyOf(ids)))
            .reduceRows(
                new HashMap<String, String>(),
                (known, row) -> {
                  known.put(row.getColumn("id", String.class), row.getColumn("body", String.class));
                  return known;
                }));
  }

  /// Forgets the requests of more than 24 hours ago.
  void forget() {
    with(handle -> handle.createUpdate(FORGET).execute());
  }

  private static Argument texts(List<String> values) {
    return (position, statement, context) ->
        statement.setArray(
            position,
            statement.getConnection().createArrayOf("text", values.toArray(String[]::new)));
  }
}
