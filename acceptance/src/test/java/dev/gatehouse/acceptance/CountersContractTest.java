package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.encoded;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.Seeded;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class CountersContractTest {
  private final Http http = Shared.edge();
  private final String key = "k-" + UUID.randomUUID();

  @Test
  void an_increment_is_202_with_an_empty_body_on_both_ports() {
    for (int port : new int[] {Shared.program().edgePort(), Shared.program().countersPort()}) {
      try (var raw = RawClient.connect(port)) {
        var body = body(key, "3");
        var answer =
            raw.send(
                    "POST /increment HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        + "Content-Length: "
                        + body.getBytes(UTF_8).length
                        + "\r\n\r\n")
                .send(body.getBytes(UTF_8))
                .read();
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.body()).isEmpty();
        assertThat(answer.header("Content-Length")).hasValue("0");
      }
    }
    assertThat(value(key)).isEqualTo(6);
  }

  @Test
  void a_key_has_its_value_at_once_and_is_persisted_within_ten_seconds() {
    increment(key, "4");
    increment(key, "3");
    var read = json(http.get("/counters/" + key));
    assertThat(read.path("key").asString("")).isEqualTo(key);
    assertThat(read.path("value").longValue()).isEqualTo(7);
    assertThat(read.path("persisted").longValue()).isBetween(0L, 7L);
    assertThat(read.path("stalenessMs").longValue()).isBetween(0L, 10_000L);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> json(http.get("/counters/" + key)).path("persisted").longValue() == 7);
  }

  @Test
  void negative_and_zero_values_count() {
    increment(key, "0");
    assertThat(value(key)).isEqualTo(0);
    increment(key, "-5");
    assertThat(value(key)).isEqualTo(-5);
    increment(key, "2");
    assertThat(value(key)).isEqualTo(-3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775807", "-9223372036854775808"})
  void the_whole_range_of_64_bits_is_taken(String value) {
    increment(key, value);
    assertThat(value(key)).isEqualTo(Long.parseLong(value));
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            json(http.get("/counters/" + key)).path("persisted").longValue()
                == Long.parseLong(value));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e3",
        "1.0",
        "\"1\"",
        "1.5",
        "null",
        "true",
        "[]",
        "{}",
        "9223372036854775808",
        "-9223372036854775809",
        "1e400"
      })
  void what_is_no_64_bit_integer_is_400_and_counts_nothing(String value) {
    var problem = problem(http.post("/increment", body(key, value)), 400);
    assertThat(problem.path("detail").asString("")).contains("value");
    problem(http.get("/counters/" + key), 404);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{}|key",
        "{\"value\":1}|key",
        "{\"key\":\"k\"}|value",
        "{\"key\":\"\",\"value\":1}|key",
        "{\"key\":null,\"value\":1}|key",
        "{\"key\":1,\"value\":1}|key",
        "{\"key\":\"k\",\"value\":1,\"valeu\":2}|valeu",
      })
  void a_missing_or_wrong_field_is_named(String body, String field) {
    var problem = problem(http.post("/increment", body), 400);
    assertThat(problem.path("detail").asString("")).contains(field);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "1",
        "\"k\"",
        "null",
        "{\"key\":\"k\"",
        "{\"key\":\"k\",\"value\":01}",
        "{\"key\":\"k\",\"value\":1}{}",
        "{\"key\":\"k\",\"key\":\"l\",\"value\":1}",
        "{\"key\":\"\\u0000\",\"value\":1}",
        "{\"key\":\"\\ud800\",\"value\":1}"
      })
  void what_is_not_one_increment_is_400(String body) {
    problem(http.post("/increment", body), 400);
  }

  @Test
  void keys_have_1_to_512_characters_of_any_text() {
    var longest = key + "\u00e9".repeat(512 - key.length());
    increment(longest, "1");
    assertThat(value(longest)).isEqualTo(1);
    problem(http.post("/increment", body(longest + "x", "1")), 400);
    Seeded.check(
        30,
        random -> {
          var text = Seeded.text(random, 60).replace('\\', '/') + UUID.randomUUID();
          increment(text, "9");
          assertThat(value(text)).isEqualTo(9);
        });
  }

  @Test
  void an_unknown_key_is_404() {
    problem(http.get("/counters/" + key), 404);
  }

  @Test
  void concurrent_increments_all_count() {
    IntStream.range(0, 2_000).parallel().forEach(i -> increment(key, "1"));
    assertThat(value(key)).isEqualTo(2_000);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> json(http.get("/counters/" + key)).path("persisted").longValue() == 2_000);
  }

  @Test
  void counters_are_listed_by_prefix_in_pages() {
    for (var end : new String[] {"a", "b", "c"}) {
      increment(key + end, "1");
    }
    var page = http.get("/counters?prefix=" + key + "&limit=2");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).contains(key + "a", key + "b").doesNotContain(key + "c");
    var rest = http.get("/counters?prefix=" + key + "&limit=2&after=" + key + "b");
    assertThat(rest.body()).contains(key + "c").doesNotContain(key + "b\"");
    problem(http.get("/counters?limit=x"), 400);
    problem(http.get("/counters?limit=0"), 400);
  }

  @Test
  void an_increment_of_a_signed_in_user_answers_the_new_value() {
    problem(http.post("/api/increment", body(key, "4")), 401);
    problem(http.post("/api/increment", body(key, "4"), "Cookie", "session=forged"), 401);
    var session = Shared.signIn();
    for (var port : new Http[] {http, Shared.counters()}) {
      long before = known(key);
      var answer = port.post("/api/increment", body(key, "4"), "Cookie", session);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(answer.body()).isEqualTo("{\"newValue\":%d}".formatted(before + 4));
    }
    problem(http.post("/api/increment", body(key, "1.0"), "Cookie", session), 400);
  }

  @Test
  void a_client_cannot_say_who_it_is() {
    problem(
        http.post(
            "/api/increment",
            body(key, "4"),
            "X-Gatehouse-User",
            "00000000-0000-0000-0000-000000000000"),
        401);
  }

  @Test
  void the_counters_port_serves_its_users_and_nobody_else() {
    var counters = Shared.counters();
    assertThat(counters.get("/health").statusCode()).isEqualTo(200);
    assertThat(counters.get("/api/health").statusCode()).isEqualTo(200);
    problem(counters.get("/counters/" + key), 404);
    problem(counters.get("/data"), 404);
    problem(counters.get("/multivac"), 404);
    problem(counters.get("/categories/MLA97994"), 404);
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(http.get("/increment"), "POST");
    methodNotAllowed(http.put("/counters/" + key, "1"), "GET", "HEAD");
    methodNotAllowed(http.post("/counters", "1"), "GET", "HEAD");
    methodNotAllowed(http.get("/api/increment", "Cookie", Shared.signIn()), "POST");
  }

  private HttpResponse<String> increment(String name, String value) {
    var response = http.post("/increment", body(name, value));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
    return response;
  }

  private long value(String name) {
    var response = http.get("/counters/" + encoded(name));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response).path("value").longValue();
  }

  private long known(String name) {
    return http.get("/counters/" + name).statusCode() == 404 ? 0 : value(name);
  }

  private static String body(String key, String value) {
    return "{\"key\":%s,\"value\":%s}".formatted(Http.JSON.writeValueAsString(key), value);
  }
}
