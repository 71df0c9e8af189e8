package dev.gatehouse.state;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;

/// What [Migrations] asks Postgres.
final class MigrationsSql {
  private MigrationsSql() {}

  /// Version and checksum of what was applied with success; empty where there is no history.
  ///
  /// Concurrency: one statement, so it sees all of a finished migration or nothing of it.
  static Map<Long, Integer> applied(Connection connection) throws SQLException {
    var applied = new TreeMap<Long, Integer>();
    try (var statement = connection.createStatement()) {
      try (var exists =
          statement.executeQuery(
              """
              SELECT to_regclass('flyway_schema_history') IS NOT NULL
              """)) {
        if (!exists.next() || !exists.getBoolean(1)) {
          return applied;
        }
      }
      try (var rows =
          statement.executeQuery(
              """
              SELECT version, checksum
                FROM flyway_schema_history
               WHERE version ~ '^[0-9]+$' AND success AND type = 'SQL'
              """)) {
        while (rows.next()) {
          applied.put(Long.parseLong(rows.getString(1)), rows.getInt(2));
        }
      }
    }
    return applied;
  }

  /// Waits until no other process migrates. The lock belongs to the session and ends with it, so a
  /// process that dies while it migrates blocks nobody; and no transaction stays open meanwhile,
  /// which would hold up `CREATE INDEX CONCURRENTLY`.
  static void lock(Connection connection, long lock) throws SQLException {
    try (var statement = connection.prepareStatement("SELECT pg_advisory_lock(?)")) {
      statement.setLong(1, lock);
      statement.execute();
    }
  }
}
