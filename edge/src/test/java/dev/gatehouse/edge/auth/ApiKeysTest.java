package dev.gatehouse.edge.auth;

import static dev.gatehouse.edge.auth.GuardedEdge.bearer;
import static dev.gatehouse.edge.auth.GuardedEdge.by;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.route.Identity.Scheme;
import dev.gatehouse.http.Json;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.Migrations;
import dev.gatehouse.testkit.OwnPostgres;
import dev.gatehouse.testkit.TestPostgres;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ApiKeysTest {
  private final Database database = migrated();
  private final GuardedEdge edge = edge();
  private final GuardedEdge other = edge();

  private static Database migrated() {
    var database = TestPostgres.database();
    Migrations.apply(database);
    return database;
  }

  private GuardedEdge edge() {
    return new GuardedEdge(
        () -> database, AuthSettings.SESSIONS, Map.of("key", by(Scheme.API_KEY)));
  }

  @AfterEach
  void stop() {
    edge.close();
    other.close();
    database.close();
  }

  private JsonNode make(String name, String plan) {
    var answer =
        edge.send("POST", "/admin/keys", "{\"name\":\"" + name + "\",\"plan\":\"" + plan + "\"}");
    assertThat(answer.status()).isEqualTo(201);
    return Json.parse(answer.bodyText().getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  @Test
  void a_key_comes_in_by_either_field_on_every_edge_and_is_never_shown_again() {
    var made = make("robot", "free");
    var key = made.path("key").asString();

    assertThat(key).matches("gk_[A-Za-z0-9_-]{43}");
    for (var at : List.of(edge, other)) {
      assertThat(at.get("/own/key", "X-Api-Key: " + key).bodyText()).isEqualTo("robot");
      assertThat(at.get("/own/key", bearer(key)).bodyText()).isEqualTo("robot");
      at.get("/far/key", "X-Api-Key: " + key);
      assertThat(at.origin.lastReceived().header("X-Api-Key")).isEmpty();
    }
    var listed = edge.get("/admin/keys").bodyText();
    assertThat(listed).contains("robot", "free").doesNotContain(key);
    assertThat(stored()).doesNotContain(key.substring(3));
  }

  private String stored() {
    return database.with(handle ->
        handle
            .createQuery("SELECT string_agg(k::text, ' ') FROM edge_api_keys k")
            .mapTo(String.class)
            .one());
  }

  @Test
  void unknown_and_malformed_keys_are_refused_with_a_challenge() {
    for (var wrong :
        List.of(
            "X-Api-Key: gk_" + "a".repeat(43),
            "X-Api-Key: nonsense",
            "X-Api-Key:",
            bearer("gk_short"),
            bearer("gk_' OR 1=1 --"),
            "X-Nothing: at all")) {
      var answer = edge.get("/own/key", wrong);
      assertThat(answer.status()).as(wrong).isEqualTo(401);
      assertThat(answer.header("WWW-Authenticate").orElse("")).startsWith("Bearer ");
    }
  }

  @Test
  void a_revoked_key_is_dead_here_at_once_and_on_every_other_edge_within_a_second() {
    var made = make("doomed", "free");
    var key = "X-Api-Key: " + made.path("key").asString();
    assertThat(edge.get("/own/key", key).status()).isEqualTo(200);
    assertThat(other.get("/own/key", key).status()).isEqualTo(200);

    var id = made.path("id").asString();
    assertThat(edge.send("DELETE", "/admin/keys/" + id, "").status()).isEqualTo(204);

    assertThat(edge.get("/own/key", key).status()).isEqualTo(401);
    await()
        .atMost(Duration.ofSeconds(1))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> other.get("/own/key", key).status() == 401);
    assertThat(edge.send("DELETE", "/admin/keys/" + id, "").status()).isEqualTo(204);
    assertThat(edge.get("/admin/keys").bodyText()).contains("revoked");
    make("doomed", "paid");
  }

  @Test
  void a_key_in_use_costs_no_database_call_a_request() {
    var key = "X-Api-Key: " + make("busy", "free").path("key").asString();
    assertThat(edge.get("/own/key", key).status()).isEqualTo(200);
    long before = transactions();
    var requests = new AtomicInteger();
    // For longer than the server takes to count what its clients did.
    await()
        .atMost(Duration.ofSeconds(60))
        .during(Duration.ofSeconds(2))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> {
          for (int i = 0; i < 10; i++) {
            requests.incrementAndGet();
            if (edge.get("/own/key", key).status() != 200) {
              return false;
            }
          }
          return true;
        });
    assertThat(transactions() - before).isLessThan(requests.get() / 5);
  }

  private long transactions() {
    return database.with(handle ->
        handle
            .createQuery(
                """
                SELECT xact_commit + xact_rollback FROM pg_stat_database
                WHERE datname = current_database()
                """)
            .mapTo(Long.class)
            .one());
  }

  @Test
  void while_the_database_is_away_nobody_can_tell_whether_a_key_was_revoked_and_it_is_503() {
    try (var server = OwnPostgres.start();
        var own = Database.open(new DatabaseSettings(server.url(), 3, "test"))) {
      Migrations.apply(own);
      try (var alone =
          new GuardedEdge(() -> own, AuthSettings.SESSIONS, Map.of("key", by(Scheme.API_KEY)))) {
        var made = alone.send("POST", "/admin/keys", "{\"name\":\"busy\"}");
        var key =
            "X-Api-Key: "
                + Json.parse(made.bodyText().getBytes(StandardCharsets.UTF_8))
                    .path("key")
                    .asString();
        assertThat(alone.get("/own/key", key).status()).isEqualTo(200);

        server.crash();

        // What was read last counts for 800 ms at most.
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> alone.get("/own/key", key).status() != 200);
        assertThat(alone.get("/own/key", key).status()).isEqualTo(503);

        server.comeBack();
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> alone.get("/own/key", key).status() == 200);
      }
    }
  }

  @Test
  void when_a_key_was_used_last_is_noted_behind_the_requests() {
    var key = "X-Api-Key: " + make("seen", "free").path("key").asString();
    assertThat(edge.get("/admin/keys").bodyText()).doesNotContain("lastUsed");

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> {
          assertThat(edge.get("/own/key", key).status()).isEqualTo(200);
          return edge.get("/admin/keys").bodyText().contains("lastUsed");
        });
  }

  @Test
  void guessing_keys_is_throttled_by_address() {
    int status = 401;
    for (int i = 0; i < 110 && status == 401; i++) {
      status = edge.get("/own/key", "X-Api-Key: gk_" + "%043d".formatted(i)).status();
    }
    assertThat(status).isEqualTo(429);
  }

  @Test
  void what_is_no_name_or_stands_already_is_refused_with_a_reason() {
    make("taken", "free");
    for (var body :
        List.of(
            "",
            "[]",
            "{}",
            "{\"name\":\"\"}",
            "{\"name\":5}",
            "{\"name\":\"a\\u0000b\"}",
            "{\"name\":\"a\\r\\nX: y\"}",
            "{\"name\":\"x\",\"plan\":\"\"}",
            "{\"name\":\"x\",\"key\":\"gk_mine\"}")) {
      assertThat(edge.send("POST", "/admin/keys", body).status()).as(body).isEqualTo(400);
    }
    assertThat(edge.send("POST", "/admin/keys", "{\"name\":\"taken\"}").status()).isEqualTo(409);
    assertThat(edge.send("DELETE", "/admin/keys/nonsense", "").status()).isEqualTo(404);
    assertThat(edge.send("DELETE", "/admin/keys/00000000-0000-0000-0000-000000000000", "").status())
        .isEqualTo(404);
  }
}
