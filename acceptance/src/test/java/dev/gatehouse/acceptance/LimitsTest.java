package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/// How often who may come in: the limits of the file, and those that are set while it runs.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LimitsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RecordingOrigin meli = RecordingOrigin.start();
  private final ProgramUnderTest program =
      ProgramUnderTest.assembly(
          """
          edge: {trusted-proxies: ["${TRUSTED:-127.0.0.1}"]}
          upstreams: {meli: "%s"}
          routes: [{name: meli, match: {path: /**}, to: meli}]
          limits:
            - {name: one-address,  match: {client: 152.152.152.152},                   rate: 1000/min}
            - {name: categories,   match: {path: /categories/**},                      rate: 10000/min}
            - {name: address-item, match: {client: 152.152.152.152, path: /items/**},  rate: 10/min}
          """
              .formatted(meli.url()));
  private final Http http = new Http(program.edgePort());
  private final Http admin = new Http(program.adminPort());

  @BeforeAll
  void start() {
    meli.answering(RecordingOrigin.ok("meli"));
    program.start();
  }

  @AfterAll
  void close() {
    program.close();
    meli.close();
  }

  private HttpResponse<String> from(String client, String path) {
    return http.get(path, "X-Forwarded-For", client);
  }

  private String[] authorized() {
    try {
      var token = Files.readString(program.data().resolve("admin.token")).trim();
      return new String[] {"Authorization", "Bearer " + token};
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private HttpResponse<String> patch(String path, String json) {
    return admin.send("PATCH", path, BodyPublishers.ofString(json), authorized());
  }

  @Test
  void the_original_limits_hold_and_nobody_else_is_touched() {
    for (int i = 1; i <= 10; i++) {
      assertThat(from("152.152.152.152", "/items/MLA1").statusCode())
          .as("item " + i)
          .isEqualTo(200);
    }
    var refused = from("152.152.152.152", "/items/MLA1");
    var problem = problem(refused, 429);
    assertThat(problem.path("limit").asString()).isEqualTo("address-item");
    assertThat(problem.path("scope").asString()).isEqualTo("all");
    assertThat(Integer.parseInt(header(refused, "Retry-After"))).isBetween(1, 61);
    assertThat(header(refused, "RateLimit-Policy")).isEqualTo("\"address-item\";q=10;w=60");
    assertThat(from("152.152.152.153", "/items/MLA1").statusCode()).isEqualTo(200);
    for (int i = 11; i <= 1000; i++) {
      assertThat(from("152.152.152.152", "/x").statusCode()).as("request " + i).isEqualTo(200);
    }
    assertThat(problem(from("152.152.152.152", "/x"), 429).path("limit").asString())
        .isEqualTo("one-address");
    var other = from("198.51.100.1", "/categories/MLA1");
    assertThat(other.statusCode()).isEqualTo(200);
    assertThat(header(other, "RateLimit-Policy")).isEqualTo("\"categories\";q=10000;w=60");
    assertThat(counted("address-item")).isEqualTo("10 passed, 1 refused");
    assertThat(counted("one-address")).isEqualTo("1000 passed, 1 refused");
  }

  private String counted(String limit) {
    var stats = json(admin.get("/admin/stats?by=limit&limit=" + limit, authorized()));
    var row = stats.path("rows").path(0);
    return row.path("allowed").asLong() + " passed, " + row.path("refused").asLong() + " refused";
  }

  @Test
  void a_limit_set_by_the_api_is_in_force_at_once_and_survives_a_killed_edge() {
    var put =
        admin.put(
            "/admin/limits/visitors",
            "{\"match\":{\"path\":\"/visit/**\"},\"key\":\"client\",\"rate\":\"3/h\"}",
            authorized());
    assertThat(put.statusCode()).as(put.body()).isEqualTo(201);
    for (int i = 0; i < 3; i++) {
      assertThat(from("192.0.2.1", "/visit/1").statusCode()).isEqualTo(200);
    }
    problem(from("192.0.2.1", "/visit/1"), 429);
    assertThat(from("192.0.2.2", "/visit/1").statusCode()).isEqualTo(200);

    assertThat(
            admin
                .send("POST", "/admin/limits/visitors/reset", BodyPublishers.noBody(), authorized())
                .statusCode())
        .isEqualTo(204);
    assertThat(from("192.0.2.1", "/visit/1").statusCode()).isEqualTo(200);

    assertThat(patch("/admin/limits/visitors", "{\"rate\":\"1/h\"}").statusCode()).isEqualTo(200);
    assertThat(from("192.0.2.3", "/visit/1").statusCode()).isEqualTo(200);
    problem(from("192.0.2.3", "/visit/1"), 429);

    var edge = program.replica("edge").orElseThrow();
    edge.destroyForcibly();
    await().until(() -> !edge.isAlive());
    await().atMost(PATIENCE).until(program::isReady);
    assertThat(origin("visitors")).isEqualTo("api");
    assertThat(from("192.0.2.4", "/visit/1").statusCode()).isEqualTo(200);
    problem(from("192.0.2.4", "/visit/1"), 429);

    assertThat(admin.delete("/admin/limits/visitors", authorized()).statusCode()).isEqualTo(204);
    assertThat(from("192.0.2.4", "/visit/1").statusCode()).isEqualTo(200);
    problem(admin.delete("/admin/limits/visitors", authorized()), 404);
  }

  private String origin(String name) {
    for (JsonNode limit : json(admin.get("/admin/limits", authorized()))) {
      if (limit.path("name").asString().equals(name)) {
        return limit.path("origin").asString();
      }
    }
    return "none";
  }

  @Test
  void every_mistake_is_named_and_limits_of_the_file_are_changed_in_the_file() {
    var wrong =
        problem(
            admin.put(
                "/admin/limits/Bad",
                "{\"match\":{\"clients\":\"x\",\"path\":\"a\"},\"key\":[\"user\"],\"rate\":\"many\"}",
                authorized()),
            422);
    assertThat(wrong.path("mistakes").toString())
        .contains(
            "name: 'Bad' is not a name",
            "unknown key 'clients' in 'match'; did you mean 'client'?",
            "match.path: 'a' is not a path",
            "key[0]: no request has a user here",
            "rate: 'many' is not a rate");
    assertThat(origin("categories")).isEqualTo("file");
    problem(admin.put("/admin/limits/categories", "{\"rate\":\"1/s\"}", authorized()), 422);
    problem(patch("/admin/limits/categories", "{\"rate\":\"1/s\"}"), 409);
    problem(admin.delete("/admin/limits/categories", authorized()), 409);
    problem(admin.put("/admin/limits/x", "[]", authorized()), 422);
    problem(admin.put("/admin/limits/x", "{", authorized()), 400);
    problem(admin.put("/admin/limits/x", "{\"rate\":\"${HOME}/s\"}", authorized()), 422);
    problem(admin.put("/admin/limits/x", "{\"rate\":\"1/s\"}"), 401);
    problem(patch("/admin/limits/nothing", "{}"), 404);
  }
}
