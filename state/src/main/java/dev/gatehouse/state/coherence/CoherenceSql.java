package dev.gatehouse.state.coherence;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;

/// All SQL of leases and the change log, but for `state_note`, which a service calls in its own
/// statements.
///
/// Plain JDBC: these statements run a few times a second in every process, and with every group of
/// writes. Each is a transaction of its own at READ COMMITTED, one round trip.
final class CoherenceSql {
  /// More changes than this in one renewal: it is cheaper to forget everything.
  static final int MOST_CHANGES = 10_000;

  // Nobody else changes this row while its replica lives. A crash of the server may forget the last
  // renewals, but they are not worth a flush each: whoever hears of another run starts anew.
  //
  // The log is empty when its statements are planned, long a minute later, and its statistics are
  // of
  // some moment in between. Left to itself the planner reads the whole of it for each renewal and
  // each pruning (a quarter of a second each instead of some milliseconds, at 6,000 writes/s); so
  // it
  // is told to use the index.
  static final String PREPARE =
      """
      SET synchronous_commit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off
      """;

  // Of many that find none one begins it. The start of the postmaster would not do: it outlives the
  // crash of a server process, and that, too, may undo the last renewals.
  private static final String BEGIN_RUN =
      """
      INSERT INTO state_run DEFAULT VALUES ON CONFLICT DO NOTHING
      """;

  // The row may be there, with a counter that others have seen; it only grows. `seen` is what was
  // visible when the replica held nothing, so it is true of an empty memory.
  private static final String JOIN =
      """
      INSERT INTO state_leases (replica, name, address, lasts_ms, counter, seen)
      VALUES (?, ?, ?, ?, 1, pg_current_snapshot())
      ON CONFLICT (replica) DO UPDATE
        SET counter = state_leases.counter + 1, seen = excluded.seen, address = excluded.address
      RETURNING counter, seen::text AS seen, (SELECT id FROM state_run)::text AS run
      """;

  // One statement, so one snapshot: the changes read are exactly those that `snapshot` sees and the
  // one before did not, in whatever order they committed. Finds its own row only if nobody changed
  // or deleted it since the last renewal. Whether a writer's listing saw this renewal does not
  // matter to the proof (see Coherence), so no lock but the row's own is taken. One row is the
  // renewal's, the others are changes; what they have in common is sent once, and the snapshot is
  // read once, since there is a row for every write of anybody.
  private static final String RENEW =
      """
      WITH renewed AS (
        UPDATE state_leases SET counter = counter + 1, seen = CAST(? AS pg_snapshot)
        WHERE replica = ? AND counter = ?
        RETURNING counter
      )
      SELECT (SELECT counter FROM renewed) AS counter, pg_current_snapshot()::text AS seen,
        (SELECT id FROM state_run)::text AS run, NULL AS space, NULL AS key, NULL AS version
      UNION ALL
      (SELECT NULL, NULL, NULL, space, key, version FROM state_changes
       WHERE xid >= (SELECT pg_snapshot_xmin(CAST(? AS pg_snapshot)))
         AND NOT pg_visible_in_snapshot(xid, (SELECT CAST(? AS pg_snapshot)))
       LIMIT ?)
      """;

  // A plain snapshot, no locks: a renewal under way is not seen, and need not be.
  private static final String LIST =
      """
      SELECT run.id::text AS run, extract(epoch FROM clock_timestamp() - run.began)::bigint AS lasting,
        replica, name, address, lasts_ms, counter, state_leases.seen::text AS seen
      FROM state_run AS run LEFT JOIN state_leases ON true
      """;

  private static final String LEAVE =
      """
      DELETE FROM state_leases WHERE replica = ?
      """;

  // Only a lease that was not renewed since it was judged.
  private static final String BURY =
      """
      DELETE FROM state_leases WHERE replica = ? AND counter = ?
      """;

  // What every lease has seen nobody needs; one who joins later starts from a snapshot that sees it
  // too, or loads after it. Several may prune at once: each deletes what it finds.
  private static final String PRUNE =
      """
      DELETE FROM state_changes WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM state_changes
        WHERE xid < (SELECT coalesce(min(pg_snapshot_xmin(seen)::text::bigint),
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::text::xid8 FROM state_leases)
        ORDER BY xid LIMIT ?
        FOR UPDATE SKIP LOCKED))
      """;

  /// What a replica's row says about it.
  record Identity(UUID replica, String name, String address, Duration lasts) {}

  /// The answer to a renewal or a joining.
  ///
  /// @param counter 0 when the row was not as we left it
  /// @param run of the server; empty when the one before is over and none has begun
  /// @param complete whether these are all changes
  record Answer(long counter, Snapshot seen, String run, List<Change> changes, boolean complete) {}

  private CoherenceSql() {}

  private static void beginRun(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(BEGIN_RUN)) {
      statement.executeUpdate();
    }
  }

  static Answer join(Connection connection, Identity who) throws SQLException {
    beginRun(connection);
    try (var statement = connection.prepareStatement(JOIN)) {
      statement.setObject(1, who.replica());
      statement.setString(2, who.name());
      statement.setString(3, who.address());
      statement.setInt(4, Math.toIntExact(who.lasts().toMillis()));
      try (var row = statement.executeQuery()) {
        row.next();
        return new Answer(
            row.getLong("counter"),
            Snapshot.parse(row.getString("seen")),
            run(row),
            List.of(),
            true);
      }
    }
  }

  /// @param applied what was seen by the last answer, all of which has been applied
  static Answer renew(Connection connection, UUID replica, long counter, Snapshot applied)
      throws SQLException {
    try (var statement = connection.prepareStatement(RENEW)) {
      statement.setString(1, applied.text());
      statement.setObject(2, replica);
      statement.setLong(3, counter);
      statement.setString(4, applied.text());
      statement.setString(5, applied.text());
      statement.setInt(6, MOST_CHANGES + 1);
      try (var row = statement.executeQuery()) {
        long now = 0;
        var seen = Optional.<Snapshot>empty();
        var run = "";
        var changes = new ArrayList<Change>();
        while (row.next()) {
          String space = row.getString("space");
          if (space != null) {
            changes.add(new Change(space, row.getString("key"), row.getLong("version")));
          } else {
            now = row.getLong("counter");
            seen = Optional.of(Snapshot.parse(row.getString("seen")));
            run = run(row);
          }
        }
        return new Answer(now, seen.orElseThrow(), run, changes, changes.size() <= MOST_CHANGES);
      }
    }
  }

  private static String run(ResultSet row) throws SQLException {
    return Optional.ofNullable(row.getString("run")).orElse("");
  }

  static Listing list(Connection connection, LongSupplier nanos) throws SQLException {
    var listing = listed(connection, nanos);
    while (listing.isEmpty()) {
      beginRun(connection);
      listing = listed(connection, nanos);
    }
    return listing.get();
  }

  private static Optional<Listing> listed(Connection connection, LongSupplier nanos)
      throws SQLException {
    long sentAt = nanos.getAsLong();
    try (PreparedStatement statement = connection.prepareStatement(LIST);
        ResultSet row = statement.executeQuery()) {
      var rows = new ArrayList<Row>();
      if (!row.next()) {
        return Optional.empty();
      }
      var run = run(row);
      var lasting = Duration.ofSeconds(row.getLong("lasting"));
      do {
        var replica = row.getObject("replica", UUID.class);
        if (replica != null) {
          rows.add(
              new Row(
                  replica,
                  row.getString("name"),
                  row.getString("address"),
                  Duration.ofMillis(row.getLong("lasts_ms")),
                  row.getLong("counter"),
                  Snapshot.parse(row.getString("seen"))));
        }
      } while (row.next());
      return Optional.of(new Listing(sentAt, nanos.getAsLong(), run, lasting, List.copyOf(rows)));
    }
  }

  static void leave(Connection connection, UUID replica) throws SQLException {
    try (var statement = connection.prepareStatement(LEAVE)) {
      statement.setObject(1, replica);
      statement.executeUpdate();
    }
  }

  static void bury(Connection connection, UUID replica, long counter) throws SQLException {
    try (var statement = connection.prepareStatement(BURY)) {
      statement.setObject(1, replica);
      statement.setLong(2, counter);
      statement.executeUpdate();
    }
  }

  static int prune(Connection connection, int most) throws SQLException {
    try (var statement = connection.prepareStatement(PRUNE)) {
      statement.setInt(1, most);
      return statement.executeUpdate();
    }
  }
}
