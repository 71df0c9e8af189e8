package dev.gatehouse.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.Seeded;
import dev.gatehouse.testkit.TestPostgres;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentsTest {
  private Database database;
  private Storage storage;

  @BeforeEach
  void start() {
    database = TestPostgres.database();
    storage = new Storage(database, "storage-7");
  }

  @AfterEach
  void stop() {
    storage.close();
    database.close();
  }

  @Test
  void a_new_database_holds_the_five_documents_of_the_contract() {
    assertThat(get("/data").bodyText()).isEqualTo("[\"partition1\",\"partition2\"]");
    assertThat(get("/data/partition1").bodyText()).isEqualTo("[\"identifier1\",\"identifier2\"]");
    assertThat(get("/data/partition2").bodyText())
        .isEqualTo("[\"identifier1\",\"identifier2\",\"identifier3\"]");
    assertThat(get("/data/partition1/identifier1").bodyText())
        .isEqualTo("{\"Name\":\"Foo\",\"Age\":140}");
    assertThat(get("/data/partition1/identifier2").bodyText())
        .isEqualTo("{\"Name\":\"Melinda\",\"Age\":56}");
    assertThat(get("/data/partition2/identifier1").bodyText())
        .isEqualTo("{\"Name\":\"John\",\"Age\":30}");
    assertThat(get("/data/partition2/identifier2").bodyText())
        .isEqualTo("{\"Name\":\"Johnny\",\"Age\":31}");
    assertThat(get("/data/partition2/identifier3").bodyText())
        .isEqualTo("{\"Name\":\"Albert\",\"Age\":1}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ \"b\" : 1.50,\n\t\"a\":[ ] }\n",
        "null",
        "\"text\"",
        "1e400",
        "12345678901234567890123",
        "[\"\\u00e9\u00e9\\ud83d\\ude00\"]"
      })
  void a_document_comes_back_byte_for_byte(String json) {
    assertThat(put("/data/p/i", json).status()).isEqualTo(201);
    var answer = get("/data/p/i");
    assertThat(answer.bodyText()).isEqualTo(json);
    assertThat(answer.header("content-type")).contains("application/json");
  }

  @Test
  void a_document_may_have_one_mebibyte_and_no_more() {
    var json = new byte[Documents.MAX_BODY];
    Arrays.fill(json, (byte) 'x');
    json[0] = '"';
    json[json.length - 1] = '"';
    assertThat(call("PUT", "/data/p/i").body(json).send().status()).isEqualTo(201);
    assertThat(get("/data/p/i").body()).isEqualTo(json);
    assertThat(call("PUT", "/data/p/i").body(new byte[json.length + 1]).send().status())
        .isEqualTo(413);
  }

  @Test
  void the_first_put_creates_the_next_replaces_and_each_has_a_tag_of_its_own() {
    var created = put("/data/p/i", "1");
    var replaced = put("/data/p/i", "1");
    assertThat(created.status()).isEqualTo(201);
    assertThat(replaced.status()).isEqualTo(200);
    assertThat(etag(created)).isNotEqualTo(etag(replaced));
    assertThat(etag(get("/data/p/i"))).isEqualTo(etag(replaced));
  }

  @Test
  void a_document_deleted_and_put_again_never_has_an_earlier_tag() {
    var first = etag(put("/data/p/i", "1"));
    call("DELETE", "/data/p/i").send();
    assertThat(etag(put("/data/p/i", "1"))).isNotEqualTo(first);
    assertThat(call("PUT", "/data/p/i").with("If-Match", first).body("2").send().status())
        .isEqualTo(412);
  }

  @Test
  void a_partition_is_there_as_long_as_it_has_documents() {
    assertThat(get("/data/p").status()).isEqualTo(404);
    put("/data/p/i", "1");
    assertThat(get("/data/p").bodyText()).isEqualTo("[\"i\"]");
    assertThat(call("DELETE", "/data/p/i").send().status()).isEqualTo(204);
    assertThat(get("/data/p").status()).isEqualTo(404);
    assertThat(get("/data").bodyText()).isEqualTo("[\"partition1\",\"partition2\"]");
    assertThat(call("DELETE", "/data/p/i").send().status()).isEqualTo(404);
    assertThat(get("/data/p/i").status()).isEqualTo(404);
  }

  @Test
  void if_match_guards_a_put() {
    var tag = etag(put("/data/p/i", "1"));
    assertThat(guardedPut("If-Match", "\"999\"").status()).isEqualTo(412);
    assertThat(guardedPut("If-Match", "W/" + tag).status()).isEqualTo(412);
    assertThat(guardedPut("If-Match", "\"foreign,tag\"").status()).isEqualTo(412);
    assertThat(get("/data/p/i").bodyText()).isEqualTo("1");
    assertThat(guardedPut("If-Match", "\"999\", " + tag).status()).isEqualTo(200);
    assertThat(guardedPut("If-Match", tag).status()).isEqualTo(412);
    assertThat(guardedPut("If-Match", "*").status()).isEqualTo(200);
    call("DELETE", "/data/p/i").send();
    assertThat(guardedPut("If-Match", "*").status()).isEqualTo(412);
    assertThat(get("/data/p/i").status()).isEqualTo(404);
  }

  @Test
  void if_none_match_star_only_creates() {
    assertThat(guardedPut("If-None-Match", "*").status()).isEqualTo(201);
    assertThat(guardedPut("If-None-Match", "*").status()).isEqualTo(412);
    assertThat(
            call("PUT", "/data/p/i")
                .with("If-Match", "*")
                .with("If-None-Match", "*")
                .body("1")
                .send()
                .status())
        .isEqualTo(412);
  }

  @Test
  void if_none_match_with_a_tag_refuses_to_replace_that_version() {
    var tag = etag(put("/data/p/i", "1"));
    assertThat(guardedPut("If-None-Match", tag).status()).isEqualTo(412);
    assertThat(guardedPut("If-None-Match", "\"999\"").status()).isEqualTo(200);
  }

  @Test
  void if_match_guards_a_delete() {
    var tag = etag(put("/data/p/i", "1"));
    assertThat(call("DELETE", "/data/p/i").with("If-Match", "\"999\"").send().status())
        .isEqualTo(412);
    assertThat(call("DELETE", "/data/p/i").with("If-None-Match", "*").send().status())
        .isEqualTo(412);
    assertThat(call("DELETE", "/data/p/i").with("If-Match", tag).send().status()).isEqualTo(204);
    assertThat(call("DELETE", "/data/p/i").with("If-Match", tag).send().status()).isEqualTo(404);
  }

  @Test
  void a_get_of_what_the_client_has_is_304_with_the_tag() {
    var tag = etag(put("/data/p/i", "1"));
    var same = call("GET", "/data/p/i").with("If-None-Match", "\"7777\", W/" + tag).send();
    assertThat(same.status()).isEqualTo(304);
    assertThat(etag(same)).isEqualTo(tag);
    assertThat(same.body()).isEmpty();
    put("/data/p/i", "2");
    assertThat(call("GET", "/data/p/i").with("If-None-Match", tag).send().bodyText())
        .isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"abc", "", "\"1\" \"2\"", "\"1", "*, \"1\"", "\"a\"b\""})
  void a_guard_that_is_no_list_of_tags_is_400_and_writes_nothing(String value) {
    assertThat(guardedPut("If-Match", value).status()).isEqualTo(400);
    assertThat(get("/data/p/i").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{", "{} x", "{\"a\":1,\"a\":2}", "\"\\u0000\"", "\"\\ud800\"", "NaN", "'a'"})
  void what_is_not_json_is_400_and_writes_nothing(String body) {
    assertThat(put("/data/p/i", body).status()).isEqualTo(400);
    assertThat(get("/data/p/i").status()).isEqualTo(404);
  }

  @Test
  void names_have_1_to_200_characters_whatever_they_are() {
    var longest = Target.encodeSegment("\ud83d\ude00".repeat(200));
    assertThat(put("/data/" + longest + "/" + longest, "1").status()).isEqualTo(201);
    assertThat(get("/data/" + longest + "/" + longest).bodyText()).isEqualTo("1");
    assertThat(put("/data/" + longest + "a/i", "1").status()).isEqualTo(400);
    assertThat(put("/data/p/" + longest + "a", "1").status()).isEqualTo(400);
    assertThat(get("/data/%00/i").status()).isEqualTo(400);
    assertThat(put("/data/p/..", "1").status()).isEqualTo(400);
  }

  @Test
  void any_text_can_be_a_name_and_lists_tell_it_as_it_was() {
    Seeded.check(
        50,
        random -> {
          var id = Seeded.text(random, 40).replace("\\", "-") + "x";
          var path = "/data/p/" + Target.encodeSegment(id);
          assertThat(put(path, "1").status()).isEqualTo(201);
          assertThat(get("/data/p").bodyText()).isEqualTo(Json.string(List.of(id)));
          assertThat(call("DELETE", path).send().status()).isEqualTo(204);
        });
  }

  @Test
  void lists_are_sorted_by_byte() {
    for (var id : List.of("b", "a", "B", "\ud83d\ude00", "\uff5e", "é", "a/b", "a b", "10", "9")) {
      put("/data/p/" + Target.encodeSegment(id), "1");
    }
    assertThat(get("/data/p").bodyText())
        .isEqualTo(
            "[\"10\",\"9\",\"B\",\"a\",\"a b\",\"a/b\",\"b\",\"é\",\"\uff5e\",\"\ud83d\ude00\"]");
  }

  @Test
  void following_the_links_reads_each_entry_once() {
    var all = new ArrayList<String>();
    for (int i = 0; i < 25; i++) {
      var id = "id %02d&/".formatted(i);
      all.add(id);
      put("/data/p%26q/" + Target.encodeSegment(id), "1");
      put("/data/" + Target.encodeSegment(id) + "/x", "1");
    }
    assertThat(follow("/data/p%26q?limit=7")).isEqualTo(all);
    all.addAll(List.of("p&q", "partition1", "partition2"));
    assertThat(follow("/data?limit=4")).isEqualTo(all);
    assertThat(get("/data/p%26q?after=zzz").bodyText()).isEqualTo("[]");
    assertThat(get("/data/p%26q?limit=25").header("link")).isEmpty();
  }

  @Test
  void a_list_of_more_than_a_thousand_is_paged_unasked() {
    database.with(handle ->
        handle.execute(
            "INSERT INTO storage_documents SELECT 'p', lpad(i::text, 5, '0'), i, '1'"
                + " FROM generate_series(1, 1001) AS i"));
    var first = get("/data/p");
    assertThat(Json.parse(first.body()).size()).isEqualTo(1000);
    assertThat(first.header("link")).contains("</data/p?limit=1000&after=01000>; rel=\"next\"");
    assertThat(follow("/data/p")).hasSize(1001);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1001", "-1", "x", "", "1.5", "99999999999999999999"})
  void a_bad_limit_is_400_and_named(String limit) {
    var answer = get("/data?limit=" + limit);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.bodyText()).contains("\"field\":\"limit\"");
  }

  @Test
  void after_that_no_name_can_have_is_400() {
    assertThat(get("/data?after=%00").status()).isEqualTo(400);
    assertThat(get("/data/partition1?after=%ff").status()).isEqualTo(400);
  }

  @Test
  void every_answer_says_which_replica_gave_it() {
    assertThat(get("/data").header("X-Served-By")).contains("storage-7");
    assertThat(get("/data/none").header("X-Served-By")).contains("storage-7");
    assertThat(put("/age", "{}").header("X-Served-By")).contains("storage-7");
  }

  private List<String> follow(String path) {
    var found = new ArrayList<String>();
    var next = Optional.of(path);
    while (next.isPresent()) {
      var answer = get(next.get());
      assertThat(answer.status()).isEqualTo(200);
      for (var entry : Json.parse(answer.body())) {
        found.add(entry.stringValue());
      }
      next = answer.header("link").map(link -> link.substring(1, link.indexOf('>')));
    }
    return found;
  }

  private Response guardedPut(String field, String value) {
    return call("PUT", "/data/p/i").with(field, value).body("7").send();
  }

  private Response put(String path, String body) {
    return call("PUT", path).body(body.getBytes(StandardCharsets.UTF_8)).send();
  }

  private Response get(String path) {
    return call("GET", path).send();
  }

  private Call call(String method, String path) {
    return Call.of(storage.routes(), method, path);
  }

  private static String etag(Response response) {
    return response.header("etag").orElseThrow();
  }
}
