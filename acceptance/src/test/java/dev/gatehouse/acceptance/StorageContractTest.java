package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.encoded;
import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.Seeded;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class StorageContractTest {
  private static final int MIB = 1 << 20;

  private final Http http = Shared.edge();
  private final String partition = "p-" + UUID.randomUUID();

  @Test
  void a_new_database_has_two_partitions() {
    assertThat(Shared.firstLook("/data")).isEqualTo("[\"partition1\",\"partition2\"]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "partition1/identifier1|{\"Name\":\"Foo\",\"Age\":140}",
        "partition1/identifier2|{\"Name\":\"Melinda\",\"Age\":56}",
        "partition2/identifier1|{\"Name\":\"John\",\"Age\":30}",
        "partition2/identifier2|{\"Name\":\"Johnny\",\"Age\":31}",
        "partition2/identifier3|{\"Name\":\"Albert\",\"Age\":1}",
      })
  void a_new_database_holds_the_five_documents(String path, String document) {
    var response = http.get("/data/" + path);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(document);
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    assertThat(header(response, "ETag")).matches("\"[^\"]+\"");
  }

  @Test
  void a_partition_lists_its_identifiers_sorted() {
    assertThat(http.get("/data/partition1").body()).isEqualTo("[\"identifier1\",\"identifier2\"]");
    put("b", "1");
    put("a", "2");
    put("C", "3");
    assertThat(http.get("/data/" + partition).body()).isEqualTo("[\"C\",\"a\",\"b\"]");
    assertThat(list(http.get("/data"))).contains(partition).isSorted();
  }

  @Test
  void what_is_unknown_is_404() {
    problem(http.get("/data/" + partition), 404);
    problem(http.get("/data/" + partition + "/x"), 404);
    problem(http.get("/data/partition1/x"), 404);
    problem(http.delete("/data/partition1/x"), 404);
    problem(http.get("/data/partition1/identifier1/x"), 404);
    problem(http.get("/data/"), 404);
    problem(http.get("/data/partition1/"), 404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"b\": 1,\n  \"a\" : [ ] }",
        "null",
        "true",
        "0",
        "-0.0",
        "1E400",
        "123456789012345678901234567890.10",
        "\"\"",
        "\"\\u00e9 \u00e9 \uD83D\uDE00\"",
        "[1,[2,[3]]]",
        "  {}\r\n",
      })
  void a_document_comes_back_byte_for_byte(String document) {
    assertThat(put("d", document).statusCode()).isEqualTo(201);
    assertThat(get("d").body()).isEqualTo(document);
  }

  @Test
  void a_put_is_201_then_200_and_every_version_has_its_own_etag() {
    var created = put("d", "{\"v\":1}");
    assertThat(created.statusCode()).isEqualTo(201);
    var replaced = put("d", "{\"v\":2}");
    assertThat(replaced.statusCode()).isEqualTo(200);
    assertThat(header(replaced, "ETag")).isNotEqualTo(header(created, "ETag"));
    for (int i = 0; i < 9; i++) {
      var read = get("d");
      assertThat(read.body()).isEqualTo("{\"v\":2}");
      assertThat(header(read, "ETag")).isEqualTo(header(replaced, "ETag"));
    }
  }

  @Test
  void a_delete_is_204_once_and_the_document_is_gone_on_every_replica() {
    put("d", "1");
    for (int i = 0; i < 6; i++) {
      get("d");
    }
    var deleted = http.delete("/data/" + partition + "/d");
    assertThat(deleted.statusCode()).isEqualTo(204);
    assertThat(deleted.body()).isEmpty();
    for (int i = 0; i < 9; i++) {
      problem(get("d"), 404);
    }
    problem(http.delete("/data/" + partition + "/d"), 404);
  }

  @Test
  void conditions_are_honoured() {
    var first = header(put("d", "1", "If-None-Match", "*"), "ETag");
    problem(put("d", "2", "If-None-Match", "*"), 412);
    problem(put("d", "2", "If-Match", "\"never\""), 412);
    problem(put("new", "2", "If-Match", "*"), 412);
    problem(http.delete("/data/" + partition + "/d", "If-Match", "\"never\""), 412);
    assertThat(get("d").body()).isEqualTo("1");
    var second = put("d", "2", "If-Match", first);
    assertThat(second.statusCode()).isEqualTo(200);
    problem(put("d", "3", "If-Match", first), 412);
    assertThat(
            http.delete("/data/" + partition + "/d", "If-Match", header(second, "ETag"))
                .statusCode())
        .isEqualTo(204);
  }

  @Test
  void a_document_may_have_one_mebibyte_and_no_byte_more() {
    var largest = "\"" + "x".repeat(MIB - 2) + "\"";
    assertThat(put("big", largest).statusCode()).isEqualTo(201);
    assertThat(get("big").body()).isEqualTo(largest);
    problem(put("bigger", largest + " "), 413);
    problem(get("bigger"), 404);
  }

  @Test
  void a_body_without_a_length_is_taken_too() {
    var response =
        http.send(
            "PUT",
            "/data/" + partition + "/chunked",
            BodyPublishers.ofInputStream(
                () -> new java.io.ByteArrayInputStream("{\"a\":1}".getBytes(UTF_8))));
    assertThat(response.statusCode()).isEqualTo(201);
    assertThat(get("chunked").body()).isEqualTo("{\"a\":1}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{\"a\":}",
        "[1,]",
        "nul",
        "{'a':1}",
        "01",
        "1 2",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "NaN",
        "// x\n1"
      })
  void what_is_not_json_is_400_and_stores_nothing(String document) {
    problem(put("d", document), 400);
    problem(get("d"), 404);
  }

  @Test
  void bytes_that_are_not_utf_8_are_400() {
    var response =
        http.send(
            "PUT",
            "/data/" + partition + "/d",
            BodyPublishers.ofByteArray(new byte[] {'"', (byte) 0xff, '"'}));
    problem(response, 400);
  }

  @Test
  void any_text_is_a_name() {
    Seeded.check(
        30,
        random -> {
          var id = Seeded.text(random, 40);
          if (id.equals(".") || id.equals("..") || id.contains("\\")) {
            return;
          }
          var path = "/data/" + encoded(partition) + "/" + encoded(id);
          assertThat(http.put(path, "1").statusCode()).as(path).isEqualTo(201);
          assertThat(http.get(path).body()).as(path).isEqualTo("1");
          assertThat(list(http.get("/data/" + partition))).as(path).containsExactly(id);
          assertThat(http.delete(path).statusCode()).as(path).isEqualTo(204);
        });
  }

  @Test
  void lists_are_paged() {
    for (var id : List.of("a", "b", "c", "d", "e")) {
      put(id, "1");
    }
    var page = http.get("/data/" + partition + "?limit=2");
    assertThat(page.body()).isEqualTo("[\"a\",\"b\"]");
    assertThat(header(page, "Link")).contains("rel=\"next\"");
    var last = http.get("/data/" + partition + "?limit=2&after=d");
    assertThat(last.body()).isEqualTo("[\"e\"]");
    assertThat(last.headers().firstValue("Link")).isEmpty();
    for (var bad : List.of("limit=0", "limit=x", "limit=-1", "limit=99999999999")) {
      problem(http.get("/data/" + partition + "?" + bad), 400);
    }
  }

  @Test
  void a_list_beyond_a_thousand_entries_is_read_by_following_next() {
    var ids = new ArrayList<String>();
    for (int i = 0; i < 1_001; i++) {
      ids.add("id-%04d".formatted(i));
    }
    ids.parallelStream().forEach(id -> put(id, "1"));
    var first = http.get("/data/" + partition);
    assertThat(list(first)).hasSize(1_000);
    var next = header(first, "Link").replaceAll(".*<([^>]*)>; *rel=\"?next\"?.*", "$1");
    var path =
        next.startsWith("/")
            ? next
            : java.net.URI.create(next).getRawPath()
                + "?"
                + java.net.URI.create(next).getRawQuery();
    var second = http.get(path);
    var all = new ArrayList<>(list(first));
    all.addAll(list(second));
    assertThat(all).isEqualTo(ids);
    assertThat(second.headers().firstValue("Link")).isEmpty();
  }

  @Test
  void equal_replicas_take_turns_and_name_themselves() {
    var names = new HashSet<String>();
    for (int i = 0; i < 12; i++) {
      names.add(header(http.get("/data/partition1/identifier1"), "X-Served-By"));
    }
    int up = 0;
    for (var replica : Http.json(http.get("/status?appName=storage"))) {
      up += replica.path("state").asString("").equals("up") ? 1 : 0;
    }
    assertThat(up).isGreaterThanOrEqualTo(3);
    assertThat(names).hasSize(up).allMatch(name -> name.startsWith("storage-"));
  }

  @Test
  void head_works_wherever_get_does() {
    for (var path : List.of("/data", "/data/partition1", "/data/partition1/identifier1")) {
      var get = http.get(path);
      var head = http.send("HEAD", path, BodyPublishers.noBody());
      assertThat(head.statusCode()).isEqualTo(200);
      assertThat(head.body()).isEmpty();
      assertThat(header(head, "Content-Length"))
          .isEqualTo(Integer.toString(get.body().getBytes(UTF_8).length));
    }
    assertThat(http.send("HEAD", "/data/none/none", BodyPublishers.noBody()).statusCode())
        .isEqualTo(404);
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(
        http.post("/data/partition1/identifier1", "1"), "GET", "HEAD", "PUT", "DELETE");
    methodNotAllowed(http.delete("/data/partition1"), "GET", "HEAD");
    methodNotAllowed(http.put("/data", "1"), "GET", "HEAD");
  }

  private HttpResponse<String> put(String id, String document, String... headers) {
    return http.put("/data/" + partition + "/" + id, document, headers);
  }

  private HttpResponse<String> get(String id) {
    return http.get("/data/" + partition + "/" + id);
  }

  private static List<String> list(HttpResponse<String> response) {
    assertThat(response.statusCode()).isEqualTo(200);
    var names = new ArrayList<String>();
    json(response).forEach(name -> names.add(name.stringValue()));
    return names;
  }
}
