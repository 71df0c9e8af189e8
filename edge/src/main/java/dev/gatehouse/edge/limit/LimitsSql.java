package dev.gatehouse.edge.limit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Every statement about limits.
final class LimitsSql {
  private LimitsSql() {}

  /// One round of an edge: says that it lives, what it let in and what it no longer tells of; hears
  /// how many edges live, which version the stored limits have, and what others let in lately.
  ///
  /// Concurrency: an edge writes only rows with its own number, so no two rounds wait for each
  /// other and none can deadlock. The reading part sees the others as they were when the statement
  /// began; what a concurrent round writes is seen by the next one, which looks further back than a
  /// round takes. Numbers only grow, so seeing one twice changes nothing.
  private static final String ROUND =
      """
      WITH me AS (
        INSERT INTO limits_edges (edge, seen_at) VALUES (:edge, now())
        ON CONFLICT (edge) DO UPDATE SET seen_at = excluded.seen_at
      ), told AS (
        INSERT INTO limits_usage (key, edge, rule, used, held, changed_at)
        SELECT t.key, :edge, t.rule, t.used, t.held, now()
        FROM unnest(:keys::bigint[], :rules::bigint[], :used::bigint[], :held::bigint[])
          AS t(key, rule, used, held)
        ON CONFLICT (key, edge) DO UPDATE
          SET used = excluded.used, held = excluded.held, changed_at = excluded.changed_at
      ), cooled AS (
        DELETE FROM limits_usage WHERE edge = :edge AND key = ANY(:cooled::bigint[])
      )
      SELECT (SELECT count(*) FROM limits_edges
              WHERE edge <> :edge AND seen_at > now() - interval '3 seconds') AS others,
             (SELECT version FROM limits_version) AS version,
             u.key, u.edge, u.rule, u.used, u.held
      FROM (VALUES (1)) AS one
      LEFT JOIN limits_usage u
        ON u.edge <> :edge AND u.changed_at > now() - :lookback * interval '1 millisecond'
      """;

  /// Forgets edges that ended without a word, with what they told.
  ///
  /// Concurrency: two edges may do so at once; rows that one has locked are skipped by the other.
  private static final String BURY =
      """
      WITH dead AS (
        DELETE FROM limits_edges WHERE edge = ANY(ARRAY(
          SELECT edge FROM limits_edges WHERE seen_at < now() - interval '1 minute'
          FOR UPDATE SKIP LOCKED))
      )
      DELETE FROM limits_usage WHERE ctid = ANY(ARRAY(
        SELECT u.ctid FROM limits_usage u
        WHERE NOT EXISTS (SELECT 1 FROM limits_edges e
                          WHERE e.edge = u.edge AND e.seen_at > now() - interval '1 minute')
        FOR UPDATE SKIP LOCKED))
      """;

  /// An edge ends in order. Concurrency: its own rows only.
  private static final String LEAVE =
      """
      WITH me AS (DELETE FROM limits_edges WHERE edge = :edge)
      DELETE FROM limits_usage WHERE edge = :edge
      """;

  /// Concurrency: one statement, so version and rows belong together.
  private static final String LOAD =
      """
      SELECT v.version, v.secret, s.name, s.definition, s.generation
      FROM limits_version v LEFT JOIN limits_stored s ON true
      ORDER BY s.name
      """;

  /// Concurrency: comes first in every transaction that changes a limit. The row lock lets changes
  /// in one at a time, so no reader finds a version whose rows it has not seen.
  private static final String NEXT_VERSION = "UPDATE limits_version SET version = version + 1";

  /// Concurrency: under the lock of the version.
  private static final String PUT =
      """
      INSERT INTO limits_stored (name, definition) VALUES (:name, :definition)
      ON CONFLICT (name) DO UPDATE SET definition = excluded.definition
      RETURNING generation
      """;

  /// Concurrency: under the lock of the version. The generation stays, or a limit that is set again
  /// would find its old buckets.
  private static final String DELETE =
      """
      UPDATE limits_stored SET definition = NULL, generation = generation + 1
      WHERE name = :name AND definition IS NOT NULL
      """;

  /// Concurrency: under the lock of the version.
  private static final String RESET =
      """
      INSERT INTO limits_stored (name, generation) VALUES (:name, 1)
      ON CONFLICT (name) DO UPDATE SET generation = limits_stored.generation + 1
      """;

  /// Concurrency: under the lock of the version.
  private static final String DEFINITION =
      "SELECT definition FROM limits_stored WHERE name = :name AND definition IS NOT NULL";

  /// What an edge tells of one key.
  record Told(long key, long rule, long used, long held) {}

  /// What another edge told of one key.
  record Heard(long key, long edge, long rule, long used, long held) {}

  /// @param others edges that live, without this one
  record Answer(int others, long version, List<Heard> heard) {}

  static Answer round(
      Handle handle, long edge, List<Told> told, List<Long> cooled, long lookbackMillis) {
    var answer = new Answer[] {new Answer(0, 0, List.of())};
    var heard = new ArrayList<Heard>();
    handle
        .createQuery(ROUND)
        .bind("edge", edge)
        .bind("keys", told.stream().mapToLong(Told::key).toArray())
        .bind("rules", told.stream().mapToLong(Told::rule).toArray())
        .bind("used", told.stream().mapToLong(Told::used).toArray())
        .bind("held", told.stream().mapToLong(Told::held).toArray())
        .bind("cooled", cooled.stream().mapToLong(Long::longValue).toArray())
        .bind("lookback", lookbackMillis)
        .map((row, _) -> {
          answer[0] = new Answer(row.getInt("others"), row.getLong("version"), heard);
          long rule = row.getLong("rule");
          if (!row.wasNull()) {
            heard.add(
                new Heard(
                    row.getLong("key"),
                    row.getLong("edge"),
                    rule,
                    row.getLong("used"),
                    row.getLong("held")));
          }
          return 1;
        })
        .list();
    return answer[0];
  }

  static void bury(Handle handle) {
    handle.execute(BURY);
  }

  static void leave(Handle handle, long edge) {
    handle.createUpdate(LEAVE).bind("edge", edge).execute();
  }

  /// What is stored, definitions as they were written.
  record Rows(
      long version,
      KeyHash.Secret secret,
      Map<String, String> definitions,
      Map<String, Long> generations) {}

  static Rows load(Handle handle) {
    var definitions = new HashMap<String, String>();
    var generations = new HashMap<String, Long>();
    var head = new Rows[1];
    handle
        .createQuery(LOAD)
        .map((row, _) -> {
          var secret = row.getObject("secret", UUID.class);
          head[0] =
              new Rows(
                  row.getLong("version"),
                  new KeyHash.Secret(
                      secret.getMostSignificantBits(), secret.getLeastSignificantBits()),
                  definitions,
                  generations);
          var name = row.getString("name");
          if (name != null) {
            generations.put(name, row.getLong("generation"));
            var definition = row.getString("definition");
            if (definition != null) {
              definitions.put(name, definition);
            }
          }
          return 1;
        })
        .list();
    return head[0];
  }

  static void nextVersion(Handle handle) {
    handle.execute(NEXT_VERSION);
  }

  static void put(Handle handle, String name, String definition) {
    handle
        .createQuery(PUT)
        .bind("name", name)
        .bind("definition", definition)
        .mapTo(Long.class)
        .one();
  }

  static boolean delete(Handle handle, String name) {
    return handle.createUpdate(DELETE).bind("name", name).execute() == 1;
  }

  static void reset(Handle handle, String name) {
    handle.createUpdate(RESET).bind("name", name).execute();
  }

  static java.util.Optional<String> definition(Handle handle, String name) {
    return handle.createQuery(DEFINITION).bind("name", name).mapTo(String.class).findOne();
  }
}
