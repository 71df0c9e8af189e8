package dev.gatehouse.edge.auth;

import dev.gatehouse.state.Database;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;

/// All SQL of the API keys. Every statement is a transaction of its own.
final class ApiKeySql {
  /// What operators see of a key; the key itself is nowhere.
  record Row(
      UUID id,
      String name,
      Optional<String> plan,
      OffsetDateTime created,
      Optional<OffsetDateTime> used,
      Optional<OffsetDateTime> revoked) {}

  /// Whom a live key stands for.
  record Live(String name, Optional<String> plan) {}

  private final Database database;

  ApiKeySql(Database database) {
    this.database = database;
  }

  /// `hash` is of the whole key, in hex. Whether it was added: of two that add a live key of the
  /// same name at once, the unique index lets one in.
  boolean add(UUID id, String hash, String name, Optional<String> plan) {
    return database.with(handle ->
        handle
                .createUpdate(
                    """
                    INSERT INTO edge_api_keys (id, hash, name, plan)
                    VALUES (:id, :hash, :name, :plan)
                    ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
                    """)
                .bind("id", id)
                .bind("hash", hash)
                .bind("name", name)
                .bind("plan", plan)
                .execute()
            == 1);
  }

  /// Whether there is such a key. Its end is what counts from here on; the first one stays.
  Optional<String> revoke(UUID id) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                UPDATE edge_api_keys SET revoked_at = coalesce(revoked_at, now())
                WHERE id = :id RETURNING hash
                """)
            .bind("id", id)
            .mapTo(String.class)
            .findOne());
  }

  /// By name, live ones and others; reads one snapshot.
  List<Row> page(String after, int limit) {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT id, name, plan, created_at, used_at, revoked_at FROM edge_api_keys
                WHERE name || ' ' || id > :after
                ORDER BY name || ' ' || id LIMIT :limit
                """)
            .bind("after", after)
            .bind("limit", limit)
            .map((row, context) ->
                new Row(
                    row.getObject("id", UUID.class),
                    row.getString("name"),
                    Optional.ofNullable(row.getString("plan")),
                    row.getObject("created_at", OffsetDateTime.class),
                    Optional.ofNullable(row.getObject("used_at", OffsetDateTime.class)),
                    Optional.ofNullable(row.getObject("revoked_at", OffsetDateTime.class))))
            .list());
  }

  /// Those of the hashes that belong to live keys. What is revoked while this runs may still be
  /// among them: the caller counts the age of the answer from before it asked.
  Map<String, Live> live(Collection<String> hashes) {
    return database.with(handle -> {
      var found = new HashMap<String, Live>();
      handle
          .createQuery(
              """
              SELECT hash, name, plan FROM edge_api_keys
              WHERE hash = ANY(:hashes) AND revoked_at IS NULL
              """)
          .bindArray("hashes", String.class, hashes)
          .map((java.sql.ResultSet row, StatementContext context) ->
              found.put(
                  row.getString("hash"),
                  new Live(row.getString("name"), Optional.ofNullable(row.getString("plan")))))
          .list();
      return found;
    });
  }

  /// Notes that they were used. Edges that note the same keys lock them in the same order; a key
  /// that another edge is noting is left to it.
  int used(Collection<String> hashes) {
    return database.with(handle ->
        handle
            .createUpdate(
                """
                UPDATE edge_api_keys SET used_at = now() WHERE id = ANY(ARRAY(
                  SELECT id FROM edge_api_keys WHERE hash = ANY(:hashes)
                  ORDER BY id FOR UPDATE SKIP LOCKED))
                """)
            .bindArray("hashes", String.class, hashes)
            .execute());
  }
}
