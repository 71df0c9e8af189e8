package dev.gatehouse.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.Seeded;
import dev.gatehouse.testkit.TestPostgres;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgesTest {
  private Database database;
  private Storage storage;

  @BeforeEach
  void start() {
    database = TestPostgres.database();
    storage = new Storage(database, "storage-1");
  }

  @AfterEach
  void stop() {
    storage.close();
    database.close();
  }

  @Test
  void ages_are_appended_and_read_oldest_first() {
    var answer = put("{\"name\":\"Lukas\",\"age\":31}");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEmpty();
    put("{\"age\":\"32\",\"name\":\"Lukas\"}");
    put("{\"name\":\"Lukas\",\"age\":31}");
    put("{\"name\":\"lukas\",\"age\":1000}");
    assertThat(get("Lukas").bodyText()).isEqualTo("[[\"Lukas\",31],[\"Lukas\",32],[\"Lukas\",31]]");
    assertThat(get("Lukas").header("content-type")).contains("application/json");
  }

  @Test
  void a_read_after_an_acknowledged_put_sees_it_on_every_replica() {
    put("{\"name\":\"Lukas\",\"age\":0}");
    try (var other = new Storage(database, "storage-2")) {
      assertThat(Call.of(other.routes(), "GET", "/age/Lukas").send().bodyText())
          .isEqualTo("[[\"Lukas\",0]]");
    }
  }

  @Test
  void an_unknown_name_is_an_empty_list() {
    assertThat(get("nobody").status()).isEqualTo(200);
    assertThat(get("nobody").bodyText()).isEqualTo("[]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|name",
        "{\"age\":31}|name",
        "{\"name\":\"L\"}|age",
        "{\"name\":7,\"age\":31}|name",
        "{\"name\":null,\"age\":31}|name",
        "{\"name\":\"\",\"age\":31}|name",
        "{\"name\":\"L\",\"age\":-1}|age",
        "{\"name\":\"L\",\"age\":1001}|age",
        "{\"name\":\"L\",\"age\":1.0}|age",
        "{\"name\":\"L\",\"age\":1e1}|age",
        "{\"name\":\"L\",\"age\":99999999999999999999}|age",
        "{\"name\":\"L\",\"age\":\"\"}|age",
        "{\"name\":\"L\",\"age\":\"+31\"}|age",
        "{\"name\":\"L\",\"age\":\" 31\"}|age",
        "{\"name\":\"L\",\"age\":\"31.0\"}|age",
        "{\"name\":\"L\",\"age\":\"٣١\"}|age",
        "{\"name\":\"L\",\"age\":true}|age",
        "{\"name\":\"L\",\"age\":[31]}|age",
        "{\"name\":\"L\",\"age\":31,\"x\":1}|x",
      })
  void a_missing_wrong_or_unknown_field_is_400_and_named(String body, String field) {
    var answer = put(body);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(Json.parse(answer.body()).get("detail").stringValue()).contains(field);
    assertThat(get("L").bodyText()).isEqualTo("[]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "not json", "[]", "\"Lukas\"", "null", "{\"name\":\"L\",\"age\":31"})
  void what_is_no_json_object_is_400(String body) {
    assertThat(put(body).status()).isEqualTo(400);
  }

  @Test
  void a_name_has_at_most_200_characters() {
    var longest = "\ud83d\ude00".repeat(200);
    assertThat(put("{\"name\":" + Json.string(longest) + ",\"age\":1}").status()).isEqualTo(200);
    assertThat(get(longest).bodyText()).isEqualTo("[[\"" + longest + "\",1]]");
    assertThat(put("{\"name\":\"" + longest + "a\",\"age\":1}").status()).isEqualTo(400);
    assertThat(put("{\"name\":\"\\u0000\",\"age\":1}").status()).isEqualTo(400);
  }

  @Test
  void any_text_is_data() {
    Seeded.check(
        50,
        random -> {
          // A path cannot have a backslash, so such a name cannot be asked for.
          var name = Seeded.text(random, 60).replace("\\", "'); DROP TABLE storage_ages; --");
          int age = random.nextInt(1001);
          var body = new LinkedHashMap<String, Object>();
          body.put("name", name);
          body.put("age", age);
          assertThat(put(Json.string(body)).status()).isEqualTo(200);
          var rows = Json.parse(get(name).body());
          assertThat(rows.get(rows.size() - 1).toString())
              .isEqualTo(Json.string(List.of(name, age)));
        });
  }

  private Response put(String body) {
    return Call.of(storage.routes(), "PUT", "/age").body(body).send();
  }

  private Response get(String name) {
    return Call.of(storage.routes(), "GET", "/age/" + Target.encodeSegment(name)).send();
  }
}
