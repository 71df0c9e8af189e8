package dev.gatehouse.storage;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.NearCache;
import dev.gatehouse.storage.Preconditions.Tags;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/// All SQL of the storage service.
///
/// Every statement stands alone in its own transaction (READ COMMITTED), so no lock outlives a
/// statement. A write notes its change (`state_note`) in the same statement, and so in the same
/// transaction. Sets of versions travel as text, `{1,2}`, because that needs no array types
/// registered. What a client may ask for all the time has numbered parameters and goes straight to
/// the driver ([Database#statement]).
final class StorageSql implements AutoCloseable {

  /// What came of a write.
  sealed interface Written {
    record Created(long version) implements Written {}

    record Replaced(long version) implements Written {}

    /// A precondition failed, and nothing was changed.
    record Refused() implements Written {}
  }

  /// What came of a deletion.
  enum Deleted {
    GONE,
    UNKNOWN,
    REFUSED
  }

  // One row by its key: a snapshot of its own.
  private static final String FIND =
      """
      SELECT body, version FROM storage_documents WHERE partition = ? AND id = ?
      """;

  // A skip scan: one index probe a partition, however many documents each has. What commits while
  // it runs is not seen, since it is one statement and so one snapshot.
  private static final String PARTITIONS =
      """
      WITH RECURSIVE found AS (
        (SELECT partition FROM storage_documents WHERE partition > :after
         ORDER BY partition LIMIT 1)
        UNION ALL
        SELECT (SELECT next.partition FROM storage_documents next
                WHERE next.partition > found.partition ORDER BY next.partition LIMIT 1)
        FROM found WHERE found.partition IS NOT NULL
      )
      SELECT partition FROM found WHERE partition IS NOT NULL LIMIT :rows
      """;

  private static final String IDENTIFIERS =
      """
      SELECT id FROM storage_documents WHERE partition = :partition AND id > :after
      ORDER BY id LIMIT :rows
      """;

  private static final String PARTITION_EXISTS =
      """
      SELECT EXISTS (SELECT FROM storage_documents WHERE partition = :partition)
      """;

  // At the end of what a write returns: the row is written before its change is noted; both are
  // seen or neither is.
  private static final String NOTED =
      """
        CASE WHEN ? THEN state_note('storage.documents', ?, version) ELSE 0 END AS noted
      """;

  // Concurrent puts of one key queue on its row; each draws its version while it holds the row, so
  // versions of one document grow in commit order. The WHERE is judged on the newest row, after
  // the wait: of two writers that exclude the same version only one is right. xmax is 0 only on a
  // row that this statement inserted.
  static final String PUT =
      """
      INSERT INTO storage_documents AS held (partition, id, version, body)
      VALUES (?, ?, nextval('storage_version'), ?)
      ON CONFLICT (partition, id) DO UPDATE
        SET version = nextval('storage_version'), body = excluded.body
        WHERE NOT held.version = ANY (CAST(? AS bigint[]))
      RETURNING version, xmax = 0 AS created,
      """
          + NOTED;

  // Of many that create one key the first to insert wins; the others wait for its commit and then
  // insert nothing.
  private static final String CREATE =
      """
      INSERT INTO storage_documents (partition, id, version, body)
      VALUES (?, ?, nextval('storage_version'), ?)
      ON CONFLICT (partition, id) DO NOTHING
      RETURNING version, true AS created,
      """
          + NOTED;

  // Waits for a writer that has the row, then judges the WHERE again on what that writer left: of
  // two with the same expected version exactly one finds it.
  private static final String REPLACE =
      """
      UPDATE storage_documents SET version = nextval('storage_version'), body = ?
      WHERE partition = ? AND id = ?
        AND (? OR version = ANY (CAST(? AS bigint[])))
        AND NOT version = ANY (CAST(? AS bigint[]))
      RETURNING version, false AS created,
      """
          + NOTED;

  // As REPLACE. `known` is read in the statement's snapshot, so it tells apart a document that was
  // never there and one whose version is another. The deletion has a version of its own, so that
  // nobody takes its change for that of a document.
  private static final String DELETE =
      """
      WITH gone AS (
        DELETE FROM storage_documents
        WHERE partition = :partition AND id = :id
          AND (:any OR version = ANY (CAST(:expected AS bigint[])))
          AND NOT version = ANY (CAST(:excluded AS bigint[]))
        RETURNING nextval('storage_version') AS version
      )
      SELECT gone.version,
        CASE WHEN :noted AND gone.version IS NOT NULL
          THEN state_note('storage.documents', :key, gone.version) ELSE 0 END AS noted,
        EXISTS (SELECT FROM storage_documents WHERE partition = :partition AND id = :id) AS known
      FROM (VALUES (1)) AS always LEFT JOIN gone ON true
      """;

  // Appends; two at once are two rows, in the order of their identities.
  private static final String ADD_AGE =
      """
      WITH added AS (
        INSERT INTO storage_ages (name, age) VALUES (:name, :age) RETURNING id
      )
      SELECT CASE WHEN :noted THEN state_note('storage.ages', :name, 0) ELSE 0 END AS noted
      FROM added
      """;

  private static final String AGES =
      """
      SELECT age FROM storage_ages WHERE name = :name ORDER BY id
      """;

  private final Database database;
  private final boolean noted;
  private final Puts puts;

  /// @param noted whether writes are noted in the change log
  StorageSql(Database database, boolean noted) {
    this.database = database;
    this.noted = noted;
    this.puts = new Puts(database, noted);
  }

  /// What a document is known by in the change log. No two documents have the same.
  static String key(String partition, String id) {
    // As char_length counts.
    return partition.codePointCount(0, partition.length()) + ":" + partition + id;
  }

  Optional<Document> find(String partition, String id) {
    return database.statement(
        FIND,
        statement -> {
          statement.setString(1, partition);
          statement.setString(2, id);
          try (var row = statement.executeQuery()) {
            return row.next()
                ? Optional.of(new Document(row.getBytes("body"), row.getLong("version")))
                : Optional.empty();
          }
        });
  }

  /// The first `rows` partitions after `after`, in byte order; every name is after the empty one.
  List<String> partitions(String after, int rows) {
    return database.with(handle ->
        handle
            .createQuery(PARTITIONS)
            .bind("after", after)
            .bind("rows", rows)
            .mapTo(String.class)
            .list());
  }

  /// Empty when no such partition is there; a page past its end is an empty list.
  Optional<List<String>> identifiers(String partition, String after, int rows) {
    return database.with(handle -> {
      var page =
          handle
              .createQuery(IDENTIFIERS)
              .bind("partition", partition)
              .bind("after", after)
              .bind("rows", rows)
              .mapTo(String.class)
              .list();
      return page.isEmpty() && !exists(handle, partition) ? Optional.empty() : Optional.of(page);
    });
  }

  NearCache.Written<Written> put(
      String partition, String id, byte[] body, Preconditions conditions) {
    var key = key(partition, id);
    if (!(conditions.ifMatch() instanceof Tags.Absent)) {
      return conditions.ifNoneMatch() instanceof Tags.Any
          ? refused() // a document cannot be both there and not there
          : database.statement(
              REPLACE,
              statement -> {
                statement.setBytes(1, body);
                statement.setString(2, partition);
                statement.setString(3, id);
                statement.setBoolean(4, conditions.ifMatch() instanceof Tags.Any);
                statement.setString(5, array(conditions.ifMatch()));
                statement.setString(6, array(conditions.ifNoneMatch()));
                return written(statement, 7, key);
              });
    }
    if (conditions.ifNoneMatch() instanceof Tags.Absent && body.length <= Puts.LONGEST) {
      var together = puts.put(partition, id, body);
      if (together.isPresent()) {
        return together.get();
      }
    }
    return conditions.ifNoneMatch() instanceof Tags.Any
        ? database.statement(
            CREATE,
            statement -> {
              statement.setString(1, partition);
              statement.setString(2, id);
              statement.setBytes(3, body);
              return written(statement, 4, key);
            })
        : database.statement(
            PUT,
            statement -> {
              bindPut(statement, partition, id, body, array(conditions.ifNoneMatch()), noted);
              return written(statement);
            });
  }

  static void bindPut(
      PreparedStatement statement,
      String partition,
      String id,
      byte[] body,
      String excluded,
      boolean noted)
      throws SQLException {
    statement.setString(1, partition);
    statement.setString(2, id);
    statement.setBytes(3, body);
    statement.setString(4, excluded);
    statement.setBoolean(5, noted);
    statement.setString(6, key(partition, id));
  }

  NearCache.Written<Deleted> delete(String partition, String id, Preconditions conditions) {
    boolean guarded =
        !(conditions.ifMatch() instanceof Tags.Absent)
            || !(conditions.ifNoneMatch() instanceof Tags.Absent);
    if (conditions.ifNoneMatch() instanceof Tags.Any) {
      return NearCache.Written.nothing(
          find(partition, id).isPresent() ? Deleted.REFUSED : Deleted.UNKNOWN);
    }
    return database.with(handle ->
        handle
            .createQuery(DELETE)
            .bind("partition", partition)
            .bind("id", id)
            .bind("key", key(partition, id))
            .bind("noted", noted)
            .bind("any", !(conditions.ifMatch() instanceof Tags.OneOf))
            .bind("expected", array(conditions.ifMatch()))
            .bind("excluded", array(conditions.ifNoneMatch()))
            .map((row, context) -> {
              long version = row.getLong("version");
              if (!row.wasNull()) {
                return new NearCache.Written<>(Deleted.GONE, row.getLong("noted"), version);
              }
              return NearCache.Written.nothing(
                  guarded && row.getBoolean("known") ? Deleted.REFUSED : Deleted.UNKNOWN);
            })
            .one());
  }

  NearCache.Written<Boolean> addAge(String name, int age) {
    return database.with(handle ->
        handle
            .createQuery(ADD_AGE)
            .bind("name", name)
            .bind("age", age)
            .bind("noted", noted)
            .map((row, context) -> new NearCache.Written<>(true, row.getLong("noted"), 0))
            .one());
  }

  /// Oldest first.
  List<Integer> ages(String name) {
    return database.with(
        handle -> handle.createQuery(AGES).bind("name", name).mapTo(Integer.class).list());
  }

  /// @param from the number of the first parameter of [#NOTED]
  private NearCache.Written<Written> written(PreparedStatement statement, int from, String key)
      throws SQLException {
    statement.setBoolean(from, noted);
    statement.setString(from + 1, key);
    return written(statement);
  }

  private static NearCache.Written<Written> written(PreparedStatement statement)
      throws SQLException {
    try (var row = statement.executeQuery()) {
      return row.next() ? written(row) : refused();
    }
  }

  static NearCache.Written<Written> written(ResultSet row) throws SQLException {
    long version = row.getLong("version");
    var outcome =
        row.getBoolean("created") ? new Written.Created(version) : new Written.Replaced(version);
    return new NearCache.Written<>(outcome, row.getLong("noted"), version);
  }

  @Override
  public void close() {
    puts.close();
  }

  private static NearCache.Written<Written> refused() {
    return NearCache.Written.nothing(new Written.Refused());
  }

  private static boolean exists(Handle handle, String partition) {
    return handle
        .createQuery(PARTITION_EXISTS)
        .bind("partition", partition)
        .mapTo(Boolean.class)
        .one();
  }

  private static String array(Tags tags) {
    Set<Long> versions = tags instanceof Tags.OneOf(var listed) ? listed : Set.of();
    return versions.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
  }
}
