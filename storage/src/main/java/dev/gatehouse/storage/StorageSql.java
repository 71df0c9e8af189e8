package dev.gatehouse.storage;

import dev.gatehouse.state.Database;
import dev.gatehouse.storage.Preconditions.Tags;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;

/// All SQL of the storage service.
///
/// Every statement stands alone in its own transaction (READ COMMITTED), so no lock outlives a
/// statement. Sets of versions travel as text, `{1,2}`, because that needs no array types
/// registered.
final class StorageSql {

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

  private static final RowMapper<Document> DOCUMENT =
      (row, context) -> new Document(row.getBytes("body"), row.getLong("version"));

  // One row by its key: a snapshot of its own.
  private static final String FIND =
      """
      SELECT body, version FROM storage_documents WHERE partition = :partition AND id = :id
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

  // Concurrent puts of one key queue on its row; each draws its version while it holds the row, so
  // versions of one document grow in commit order. The WHERE is judged on the newest row, after
  // the wait: of two writers that exclude the same version only one is right. xmax is 0 only on a
  // row that this statement inserted.
  private static final String PUT =
      """
      INSERT INTO storage_documents AS held (partition, id, version, body)
      VALUES (:partition, :id, nextval('storage_version'), :body)
      ON CONFLICT (partition, id) DO UPDATE
        SET version = nextval('storage_version'), body = excluded.body
        WHERE NOT held.version = ANY (CAST(:excluded AS bigint[]))
      RETURNING version, xmax = 0 AS created
      """;

  // Of many that create one key the first to insert wins; the others wait for its commit and then
  // insert nothing.
  private static final String CREATE =
      """
      INSERT INTO storage_documents (partition, id, version, body)
      VALUES (:partition, :id, nextval('storage_version'), :body)
      ON CONFLICT (partition, id) DO NOTHING
      RETURNING version
      """;

  // Waits for a writer that has the row, then judges the WHERE again on what that writer left: of
  // two with the same expected version exactly one finds it.
  private static final String REPLACE =
      """
      UPDATE storage_documents SET version = nextval('storage_version'), body = :body
      WHERE partition = :partition AND id = :id
        AND (:any OR version = ANY (CAST(:expected AS bigint[])))
        AND NOT version = ANY (CAST(:excluded AS bigint[]))
      RETURNING version
      """;

  // As REPLACE. `known` is read in the statement's snapshot, so it tells apart a document that was
  // never there and one whose version is another.
  private static final String DELETE =
      """
      WITH gone AS (
        DELETE FROM storage_documents
        WHERE partition = :partition AND id = :id
          AND (:any OR version = ANY (CAST(:expected AS bigint[])))
          AND NOT version = ANY (CAST(:excluded AS bigint[]))
        RETURNING 1
      )
      SELECT EXISTS (SELECT FROM gone) AS gone,
        EXISTS (SELECT FROM storage_documents WHERE partition = :partition AND id = :id) AS known
      """;

  // Appends; two at once are two rows, in the order of their identities.
  private static final String ADD_AGE =
      """
      INSERT INTO storage_ages (name, age) VALUES (:name, :age)
      """;

  private static final String AGES =
      """
      SELECT age FROM storage_ages WHERE name = :name ORDER BY id
      """;

  private final Database database;

  StorageSql(Database database) {
    this.database = database;
  }

  Optional<Document> find(String partition, String id) {
    return database.with(handle ->
        handle
            .createQuery(FIND)
            .bind("partition", partition)
            .bind("id", id)
            .map(DOCUMENT)
            .findOne());
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

  Written put(String partition, String id, byte[] body, Preconditions conditions) {
    return database.with(handle -> {
      if (!(conditions.ifMatch() instanceof Tags.Absent)) {
        return replace(handle, partition, id, body, conditions);
      }
      if (conditions.ifNoneMatch() instanceof Tags.Any) {
        return create(handle, partition, id, body);
      }
      return handle
          .createQuery(PUT)
          .bind("partition", partition)
          .bind("id", id)
          .bind("body", body)
          .bind("excluded", array(conditions.ifNoneMatch()))
          .<Written>map((row, context) ->
              row.getBoolean("created")
                  ? new Written.Created(row.getLong("version"))
                  : new Written.Replaced(row.getLong("version")))
          .findOne()
          .orElseGet(Written.Refused::new);
    });
  }

  Deleted delete(String partition, String id, Preconditions conditions) {
    boolean guarded =
        !(conditions.ifMatch() instanceof Tags.Absent)
            || !(conditions.ifNoneMatch() instanceof Tags.Absent);
    if (conditions.ifNoneMatch() instanceof Tags.Any) {
      return find(partition, id).isPresent() ? Deleted.REFUSED : Deleted.UNKNOWN;
    }
    return database.with(handle ->
        handle
            .createQuery(DELETE)
            .bind("partition", partition)
            .bind("id", id)
            .bind("any", !(conditions.ifMatch() instanceof Tags.OneOf))
            .bind("expected", array(conditions.ifMatch()))
            .bind("excluded", array(conditions.ifNoneMatch()))
            .map((row, context) -> {
              if (row.getBoolean("gone")) {
                return Deleted.GONE;
              }
              return guarded && row.getBoolean("known") ? Deleted.REFUSED : Deleted.UNKNOWN;
            })
            .one());
  }

  void addAge(String name, int age) {
    database.with(
        handle -> handle.createUpdate(ADD_AGE).bind("name", name).bind("age", age).execute());
  }

  /// Oldest first.
  List<Integer> ages(String name) {
    return database.with(
        handle -> handle.createQuery(AGES).bind("name", name).mapTo(Integer.class).list());
  }

  private static Written replace(
      Handle handle, String partition, String id, byte[] body, Preconditions conditions) {
    if (conditions.ifNoneMatch() instanceof Tags.Any) {
      return new Written.Refused(); // a document cannot be both there and not there
    }
    return handle
        .createQuery(REPLACE)
        .bind("partition", partition)
        .bind("id", id)
        .bind("body", body)
        .bind("any", conditions.ifMatch() instanceof Tags.Any)
        .bind("expected", array(conditions.ifMatch()))
        .bind("excluded", array(conditions.ifNoneMatch()))
        .mapTo(Long.class)
        .findOne()
        .<Written>map(Written.Replaced::new)
        .orElseGet(Written.Refused::new);
  }

  private static Written create(Handle handle, String partition, String id, byte[] body) {
    return handle
        .createQuery(CREATE)
        .bind("partition", partition)
        .bind("id", id)
        .bind("body", body)
        .mapTo(Long.class)
        .findOne()
        .<Written>map(Written.Created::new)
        .orElseGet(Written.Refused::new);
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
