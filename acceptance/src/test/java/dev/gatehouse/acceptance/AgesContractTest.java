package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.encoded;
import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.Seeded;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class AgesContractTest {
  private final Http http = Shared.edge();
  private final String name = "n-" + UUID.randomUUID();

  @Test
  void a_put_is_200_with_an_empty_body() {
    try (var raw = RawClient.connect(Shared.program().edgePort())) {
      var body = "{\"name\":\"%s\",\"age\":31}".formatted(name);
      var answer =
          raw.send(
                  "PUT /age HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
              .read();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("Content-Length")).hasValue("0");
      assertThat(answer.body()).isEmpty();
    }
  }

  @Test
  void a_second_put_adds_a_second_row_and_reads_are_oldest_first_on_every_replica() {
    put(31);
    put(32);
    put(30);
    for (int i = 0; i < 6; i++) {
      var read = http.get("/age/" + name);
      assertThat(read.statusCode()).isEqualTo(200);
      assertThat(read.body())
          .isEqualTo("[[\"%1$s\",31],[\"%1$s\",32],[\"%1$s\",30]]".formatted(name));
      assertThat(header(read, "Content-Type")).isEqualTo("application/json");
    }
  }

  @Test
  void a_read_after_an_acknowledged_put_sees_it() {
    for (int i = 0; i < 60; i++) {
      put(i);
      assertThat(Http.json(http.get("/age/" + name)).size()).isEqualTo(i + 1);
    }
  }

  @Test
  void an_unknown_name_is_an_empty_list() {
    assertThat(http.get("/age/" + name).body()).isEqualTo("[]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1000", "\"31\"", "\"0\""})
  void good_ages_are_stored_as_integers(String age) {
    assertThat(http.put("/age", "{\"name\":\"%s\",\"age\":%s}".formatted(name, age)).statusCode())
        .isEqualTo(200);
    assertThat(http.get("/age/" + name).body())
        .isEqualTo("[[\"%s\",%s]]".formatted(name, age.replace("\"", "")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "1001",
        "1.5",
        "31.0",
        "3e1",
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"x\"",
        "\"3 1\"",
        "\"31.0\"",
        "\"-1\"",
        "\"1001\"",
        "99999999999999999999",
        "\"99999999999999999999\"",
        "\"\u0663\u0661\""
      })
  void bad_ages_are_400_and_name_the_field(String age) {
    var problem =
        problem(http.put("/age", "{\"name\":\"%s\",\"age\":%s}".formatted(name, age)), 400);
    assertThat(problem.path("detail").asString("")).contains("age");
    assertThat(http.get("/age/" + name).body()).isEqualTo("[]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{}|name",
        "{\"age\":31}|name",
        "{\"name\":\"x\"}|age",
        "{\"name\":null,\"age\":31}|name",
        "{\"name\":31,\"age\":31}|name",
        "{\"name\":\"\",\"age\":31}|name",
        "{\"name\":[\"x\"],\"age\":31}|name",
        "{\"name\":\"x\",\"age\":31,\"agee\":1}|agee",
        "{\"name\":\".\",\"age\":31}|name",
        "{\"name\":\"..\",\"age\":31}|name",
      })
  void a_missing_or_wrong_field_is_named(String body, String field) {
    var problem = problem(http.put("/age", body), 400);
    assertThat(problem.path("detail").asString("")).contains(field);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "[]", "\"x\"", "{", "null", "{\"name\":\"x\",\"age\":31}}"})
  void what_is_not_a_json_object_is_400(String body) {
    problem(http.put("/age", body), 400);
  }

  @Test
  void names_have_1_to_200_characters() {
    var longest = name + "\u00e9".repeat(200 - name.length());
    assertThat(http.put("/age", body(longest, 1)).statusCode()).isEqualTo(200);
    assertThat(http.get("/age/" + encoded(longest)).body())
        .isEqualTo("[[\"%s\",1]]".formatted(longest));
    problem(http.put("/age", body(longest + "x", 1)), 400);
    problem(http.put("/age", "{\"name\":\"\\u0000\",\"age\":1}"), 400);
    problem(http.put("/age", "{\"name\":\"\\ud800\",\"age\":1}"), 400);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Robert'); DROP TABLE ages;--",
        "\"quoted\"",
        "a/b",
        "a//b/",
        "100%",
        "%2F",
        "\uD83D\uDE00\uD83D\uDC68\u200D\uD83D\uDC69",
        "...",
        "+ +",
        "?&=#;",
        "tab\tand\nline",
        "null",
      })
  void any_text_is_data(String text) {
    var unique = text + UUID.randomUUID();
    assertThat(http.put("/age", body(unique, 7)).statusCode()).isEqualTo(200);
    var rows = Http.json(http.get("/age/" + encoded(unique)));
    assertThat(rows.size()).isEqualTo(1);
    assertThat(rows.get(0).get(0).stringValue()).isEqualTo(unique);
  }

  @Test
  void generated_text_comes_back_as_it_was_put() {
    Seeded.check(
        50,
        random -> {
          var text = Seeded.text(random, 60).replace('\\', '/') + UUID.randomUUID();
          assertThat(http.put("/age", body(text, 7)).statusCode()).isEqualTo(200);
          var rows = Http.json(http.get("/age/" + encoded(text)));
          assertThat(rows.get(0).get(0).stringValue()).isEqualTo(text);
        });
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(http.get("/age"), "PUT");
    methodNotAllowed(http.put("/age/x", "{}"), "GET", "HEAD");
    methodNotAllowed(http.post("/age", "{}"), "PUT");
  }

  private void put(int age) {
    assertThat(http.put("/age", body(name, age)).statusCode()).isEqualTo(200);
  }

  private static String body(String name, int age) {
    return Http.JSON.writeValueAsString(Map.of("name", name, "age", age));
  }
}
