package dev.gatehouse.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.storage.Preconditions.Tags;
import dev.gatehouse.testkit.TestPostgres;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PutsTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Preconditions NONE = new Preconditions(new Tags.Absent(), new Tags.Absent());

  private Database database;
  private StorageSql sql;

  @BeforeEach
  void start() {
    database = TestPostgres.database();
    sql = new StorageSql(database, true);
  }

  @AfterEach
  void stop() {
    sql.close();
    database.close();
  }

  @Test
  void puts_that_come_at_the_same_time_are_written_together_and_each_is_noted() {
    long rounds = 20;
    var writers =
        IntStream.range(0, 32)
            .mapToObj(writer ->
                soon(() -> {
                  for (int i = 0; i < rounds; i++) {
                    var body = Integer.toString(i);
                    var written = put("p\uD83D\uDE00", "own " + writer, body);
                    var found = sql.find("p\uD83D\uDE00", "own " + writer).orElseThrow();
                    assertThat(new String(found.body(), StandardCharsets.UTF_8)).isEqualTo(body);
                    assertThat(found.version()).isEqualTo(version(written));
                    put("p\uD83D\uDE00", "shared", body);
                  }
                }))
            .toList();
    writers.forEach(CompletableFuture::join);
    assertThat(number("SELECT count(*) FROM state_changes")).isEqualTo(32 * rounds * 2);
    assertThat(number("SELECT count(DISTINCT xid) FROM state_changes")).isLessThan(32 * rounds * 2);
    assertThat(noted("own 7")).isEqualTo(rounds);
    assertThat(noted("shared")).isEqualTo(32 * rounds);
  }

  private long noted(String id) {
    return database.with(handle ->
        handle
            .createQuery("SELECT count(*) FROM state_changes WHERE key = :key")
            .bind("key", StorageSql.key("p\uD83D\uDE00", id))
            .mapTo(Long.class)
            .one());
  }

  @Test
  void a_row_that_somebody_holds_holds_up_no_other() {
    put("p", "held", "0");
    var held =
        database.inTransaction(handle -> {
          handle.execute("SELECT FROM storage_documents WHERE id = 'held' FOR UPDATE");
          var waits = soon(() -> put("p", "held", "1"));
          await().atMost(SOON).until(() -> number(WAITING) == 1);
          var others =
              IntStream.range(0, 8).mapToObj(i -> soon(() -> put("p", "free " + i, "1"))).toList();
          await().atMost(SOON).until(() -> others.stream().allMatch(CompletableFuture::isDone));
          others.forEach(CompletableFuture::join);
          assertThat(waits).isNotDone();
          return waits;
        });
    held.join();
    assertThat(new String(sql.find("p", "held").orElseThrow().body(), StandardCharsets.UTF_8))
        .isEqualTo("1");
  }

  private static final String WAITING =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

  @Test
  void a_statement_that_hangs_holds_up_the_others_no_longer_than_a_full_pool_would() {
    database.with(handle ->
        handle.execute(
            """
            CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              WHILE NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.01); END LOOP;
              RETURN new;
            END $$;
            CREATE TRIGGER hangs BEFORE INSERT ON storage_documents
              FOR EACH ROW WHEN (new.id = 'hangs') EXECUTE FUNCTION hang()
            """));
    var hanging =
        database.inTransaction(handle -> {
          handle.execute("SELECT pg_advisory_xact_lock(1)");
          var hangs = soon(() -> put("p", "hangs", "1"));
          await().atMost(SOON).until(() -> number(HANGING) == 1);
          var others =
              IntStream.range(0, 8).mapToObj(i -> soon(() -> put("p", "other " + i, "1"))).toList();
          others.forEach(CompletableFuture::join);
          assertThat(hangs).isNotDone();
          return hangs;
        });
    hanging.join();
    assertThat(sql.find("p", "hangs")).isPresent();
  }

  private static final String HANGING =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";

  @Test
  void a_put_that_the_server_refuses_fails_alone() {
    database.with(
        handle -> handle.execute("ALTER TABLE storage_documents ADD CHECK (id <> 'refused')"));
    var refused =
        IntStream.range(0, 8).mapToObj(i -> soon(() -> put("p", "refused", "1"))).toList();
    var others =
        IntStream.range(0, 8).mapToObj(i -> soon(() -> put("p", "good " + i, "1"))).toList();
    others.forEach(CompletableFuture::join);
    for (var put : refused) {
      assertThat(put.handle((done, failure) -> failure).join())
          .hasStackTraceContaining("storage_documents_id_check");
    }
  }

  private static long version(StorageSql.Written written) {
    return switch (written) {
      case StorageSql.Written.Created(long version) -> version;
      case StorageSql.Written.Replaced(long version) -> version;
      case StorageSql.Written.Refused() -> throw new AssertionError("refused");
    };
  }

  private StorageSql.Written put(String partition, String id, String body) {
    return sql.put(partition, id, body.getBytes(StandardCharsets.UTF_8), NONE).outcome();
  }

  private static CompletableFuture<Void> soon(Runnable work) {
    return CompletableFuture.runAsync(work, Thread::startVirtualThread);
  }

  private long number(String query) {
    return database.with(handle -> handle.createQuery(query).mapTo(Long.class).one());
  }
}
