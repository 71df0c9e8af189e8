package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Refusal;
import java.nio.file.Path;
import java.time.Duration;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {
  @Test
  void a_full_disk_is_a_503_that_says_so(@TempDir Path data) throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.initialised(data));
        var database = Servers.database(server.url())) {
      var refusal =
          catchThrowableOfType(
              Refusal.class,
              () ->
                  database.inTransaction(handle ->
                      handle.execute(
                          "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$")));

      assertThat(refusal.problem().status()).isEqualTo(503);
      assertThat(refusal.problem().slug()).isEqualTo("database-full");
      assertThat(refusal.problem().headers()).containsKey("Retry-After");
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT 1"))).isEqualTo("1");
    }
  }

  @Test
  void a_stopped_server_is_a_503_and_a_started_one_is_found_again(@TempDir Path data)
      throws Exception {
    var server = EmbeddedPostgres.start(Servers.initialised(data));
    try (var database = Servers.database(server.url())) {
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT 1"))).isEqualTo("1");
      assertThat(database.reachable()).isTrue();
      server.close();

      for (int i = 0; i < 2; i++) {
        var refusal =
            catchThrowableOfType(
                Refusal.class, () -> database.with(h -> Servers.text(h, "SELECT 1")));
        assertThat(refusal.problem().status()).isEqualTo(503);
        assertThat(refusal.problem().slug()).isEqualTo("database-unavailable");
        assertThat(refusal.problem().headers()).containsKey("Retry-After");
      }
      assertThat(database.reachable()).isFalse();
      assertThatThrownBy(() -> database.awaitReachable(Duration.ofMillis(300)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("did not answer within");

      server = EmbeddedPostgres.start(Servers.initialised(data));
      database.awaitReachable(Duration.ofSeconds(5));
      await().until(database::reachable);
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT 1"))).isEqualTo("1");
    } finally {
      server.close();
    }
  }

  @Test
  void a_server_that_goes_away_within_a_transaction_is_a_503() {
    String url = Servers.emptyUrl();
    try (var database = Servers.database(url);
        var other = Servers.database(url)) {
      var refusal =
          catchThrowableOfType(
              Refusal.class,
              () ->
                  database.inTransaction(handle -> {
                    String pid = Servers.text(handle, "SELECT pg_backend_pid()");
                    other.with(h -> Servers.text(h, "SELECT pg_terminate_backend(" + pid + ")"));
                    return Servers.text(handle, "SELECT 1");
                  }));

      assertThat(refusal.problem().status()).isEqualTo(503);
    }
  }

  @Test
  void a_statement_that_postgres_refuses_is_no_503() {
    try (var database = Servers.database(Servers.emptyUrl())) {
      assertThatThrownBy(() -> database.with(h -> Servers.text(h, "SELECT nonsense")))
          .isInstanceOf(UnableToExecuteStatementException.class);
    }
  }

  @Test
  void what_throws_within_a_transaction_is_rolled_back() {
    try (var database = Servers.database(Servers.emptyUrl())) {
      database.with(handle -> handle.execute("CREATE TABLE t (n int)"));
      var thrown = new IllegalArgumentException("on purpose");

      assertThatThrownBy(() ->
              database.inTransaction(handle -> {
                handle.execute("INSERT INTO t VALUES (1)");
                throw thrown;
              }))
          .isSameAs(thrown);
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT count(*) FROM t")))
          .isEqualTo("0");
    }
  }

  @Test
  void waiting_ends_at_once_where_it_cannot_help() {
    String url = Servers.emptyUrl().replaceFirst(":[^:@/]+@", ":wrong@");
    try (var database = Servers.database(url)) {
      assertThatThrownBy(() -> database.awaitReachable(Duration.ofDays(1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("password authentication failed")
          .hasMessageNotContaining("wrong@");
    }
  }

  @Test
  void a_full_pool_is_a_503() {
    try (var database = Database.open(new DatabaseSettings(Servers.emptyUrl(), 1, "test"));
        var only = database.jdbi().open()) {
      assertThat(Servers.text(only, "SELECT 1")).isEqualTo("1");

      assertThatThrownBy(() -> database.<String>with(h -> Servers.text(h, "SELECT 1")))
          .isInstanceOf(Refusal.class);
    }
  }
}
