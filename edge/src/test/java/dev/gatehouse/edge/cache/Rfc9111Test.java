package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/// What the RFCs require of a shared cache, line by line, each line with the scene that shows it
/// through the running edge. `docs/cache-conformance.md` is this table.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Rfc9111Test {
  private static final Path DOCUMENT = Path.of("../docs/cache-conformance.md");

  private enum Level {
    MUST,
    SHOULD,
    MAY
  }

  @FunctionalInterface
  private interface Play {
    void in(Scene scene);
  }

  private record Requirement(String test, String section, Level level, String text, Play play) {}

  private final List<Requirement> table = new ArrayList<>();
  private CachingEdge edge;

  @BeforeAll
  void start() {
    edge = new CachingEdge();
  }

  @AfterAll
  void stop() {
    edge.close();
  }

  @TestFactory
  Stream<DynamicTest> requirements() {
    return table().stream()
        .map(row -> DynamicTest.dynamicTest(row.test, () -> row.play.in(new Scene(edge))));
  }

  @Test
  void the_document_is_the_table() throws IOException {
    var rows = new StringBuilder();
    for (var row : table()) {
      rows.append(
          "| %s | %s | %s | `%s` |\n".formatted(row.section, row.level, row.text, row.test));
    }
    assertThat(Files.readString(DOCUMENT)).endsWith(rows.toString());
  }

  private void row(String section, Level level, String test, String text, Play play) {
    table.add(new Requirement(test, section, level, text, play));
  }

  private List<Requirement> table() {
    table.clear();
    storing();
    reusing();
    freshness();
    ages();
    validation();
    conditions();
    invalidation();
    requests();
    answers();
    stale();
    parts();
    targeted();
    status();
    return table;
  }

  private void storing() {
    row(
        "9111 3",
        Level.MUST,
        "no_store_is_not_stored",
        "An answer with `no-store` is not stored, whatever else it says",
        s -> {
          for (var line : List.of("no-store", "No-StOrE", "max-age=100, no-store")) {
            s.anew().says("Cache-Control: " + line).forwards();
            s.forwards();
          }
        });
    row(
        "9111 3",
        Level.MUST,
        "private_is_not_stored",
        "A shared cache does not store `private`",
        s -> {
          s.says("Cache-Control: private, max-age=100").forwards();
          s.forwards();
        });
    row(
        "9111 3",
        Level.MUST,
        "only_final_answers_are_stored",
        "A 1xx passes; the final answer is what is stored",
        s -> {
          var answer = CachingEdge.answer(200, "hello", "Cache-Control: max-age=100");
          s.edge.origin.answering((request, wire) ->
              wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer));
          try (var client = s.edge.client()) {
            client.send(CachingEdge.request("GET", s.path));
            assertThat(client.readUntil("hello")).contains("103 Early Hints", "200 OK");
          }
          assertThat(s.reuses().bodyText()).isEqualTo("hello");
        });
    row(
        "9111 3",
        Level.MUST,
        "post_is_not_answered_from_the_store",
        "What is stored for GET does not answer other methods",
        s -> {
          s.says("Cache-Control: max-age=100").forwards();
          long before = s.asked();
          s.ask("POST", "Content-Length: 0");
          assertThat(s.asked()).isEqualTo(before + 1);
        });
    row(
        "9111 3",
        Level.MUST,
        "nothing_said_and_no_validator_is_not_reused",
        "Without a lifetime, `public` or a status that is cacheable by default nothing is reused",
        s -> {
          s.says().forwards();
          s.forwards();
          s.anew().says(201, "x", "Last-Modified: " + s.edge.date(-86_400)).forwards();
          s.forwards();
          s.anew().says(503, "x", "Last-Modified: " + s.edge.date(-86_400)).forwards();
          s.forwards();
          s.anew().says(599, "x", "Last-Modified: " + s.edge.date(-86_400)).forwards();
          s.forwards();
        });
    row(
        "9111 3",
        Level.MAY,
        "any_status_with_a_lifetime_is_reused",
        "A final status with explicit freshness is reused, unknown ones too",
        s -> {
          for (int code :
              List.of(
                  200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503,
                  504, 599)) {
            s.anew().says(code, "body", "Cache-Control: max-age=100").forwards();
            assertThat(s.reuses().status()).isEqualTo(code);
          }
        });
    row(
        "9111 3.1",
        Level.MUST,
        "fields_of_the_connection_are_not_stored",
        "What `Connection` names and what concerns a proxy is not stored; the rest is, unknown fields"
            + " too",
        s -> {
          s.says(
                  "Cache-Control: max-age=100",
                  "Connection: a, b",
                  "a: 1",
                  "b: 2",
                  "c: 3",
                  "Keep-Alive: timeout=5",
                  "Proxy-Authenticate: Basic",
                  "Proxy-Authentication-Info: x",
                  "X-Unknown: y")
              .forwards();
          var answer = s.reuses();
          for (var gone :
              List.of(
                  "Connection",
                  "a",
                  "b",
                  "Keep-Alive",
                  "Proxy-Authenticate",
                  "Proxy-Authentication-Info")) {
            assertThat(answer.header(gone)).as(gone).isEmpty();
          }
          assertThat(answer.header("c")).contains("3");
          assertThat(answer.header("X-Unknown")).contains("y");
        });
    row(
        "9111 3.3",
        Level.MUST,
        "a_cut_answer_is_not_stored",
        "An incomplete answer is never reused as a whole one",
        s -> {
          s.edge.origin.answering((request, wire) -> {
            wire.send(
                "HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 77\r\n\r\nshort\r\n");
            wire.close();
          });
          try (var client = s.edge.client()) {
            client.send(CachingEdge.request("GET", s.path));
            client.readUntil("short\r\n");
            assertThat(client.isClosedByPeer()).isTrue();
          }
          s.says("Cache-Control: max-age=100").forwards();
        });
    row(
        "9111 3.5",
        Level.MUST,
        "authorized_is_not_stored_unless_said",
        "An answer to a request with `Authorization` is not stored",
        s -> {
          s.says("Expires: " + s.edge.date(1000)).forwards("Authorization: x");
          s.forwards();
        });
    row(
        "9111 3.5",
        Level.MAY,
        "authorized_is_stored_where_said",
        "... except with `public`, `must-revalidate` or `s-maxage`",
        s -> {
          for (var line :
              List.of("max-age=100, public", "max-age=100, must-revalidate", "s-maxage=100")) {
            s.anew().says("Cache-Control: " + line).forwards("Authorization: x");
            s.reuses();
          }
        });
    row(
        "9111 5.2.2.3",
        Level.MUST,
        "must_understand_needs_a_known_status",
        "With `must-understand` only a known status is stored, and then `no-store` beside it is"
            + " ignored",
        s -> {
          s.says(200, "x", "Cache-Control: max-age=100, no-store, must-understand").forwards();
          s.reuses();
          s.anew().says(299, "x", "Cache-Control: max-age=100, must-understand").forwards();
          s.forwards();
        });
    row(
        "9111 7.3",
        Level.MAY,
        "a_cookie_is_stored_only_for_everyone",
        "An answer that sets a cookie is stored only with `public` or `s-maxage`",
        s -> {
          s.says("Cache-Control: max-age=100", "Set-Cookie: session=1").forwards();
          s.forwards();
          s.anew().says("Cache-Control: s-maxage=100", "Set-Cookie: color=1").forwards();
          s.reuses();
        });
  }

  private void reusing() {
    row(
        "9111 4",
        Level.MUST,
        "the_target_is_the_key",
        "Another query, path or host is another answer",
        s -> {
          s.says("Cache-Control: max-age=100").forwards();
          s.reuses();
          s.path += "?a=1";
          s.forwards();
          s.reuses();
          s.forwards("Host: other.example");
        });
    row(
        "9111 4",
        Level.MUST,
        "an_age_is_sent",
        "A stored answer carries `Age` in whole seconds, and its own `Date`",
        s -> {
          var made = s.edge.date(0);
          s.says("Cache-Control: max-age=100", "Age: 30").forwards();
          var answer = s.pass(3).reuses();
          assertThat(answer.headers("Age")).containsExactly("33");
          assertThat(answer.header("Date")).contains(made);
        });
    row(
        "9111 4",
        Level.MAY,
        "a_head_is_answered_from_a_stored_get",
        "HEAD is answered from a stored GET",
        s -> {
          s.says("Cache-Control: max-age=100").forwards();
          long before = s.asked();
          var head = s.ask("HEAD");
          assertThat(s.asked()).isEqualTo(before);
          assertThat(head.header("Content-Length")).contains("5");
        });
    row(
        "9111 4.1",
        Level.MUST,
        "vary_needs_the_same_fields",
        "Every field that `Vary` names must be the same, absent ones too",
        s -> {
          s.says("Cache-Control: max-age=100", "Vary: Foo, Bar").forwards("Foo: 1", "Bar: abc");
          s.reuses("Foo: 1", "Bar: abc", "Other: 3");
          s.forwards("Foo: 2", "Bar: abc");
          s.forwards("Foo: 1");
          s.forwards();
          s.reuses("Foo: 1");
        });
    row(
        "9111 4.1",
        Level.MUST,
        "vary_star_matches_nothing",
        "`Vary` with a member `*` never matches",
        s -> {
          for (var line : List.of("*", "*, *", ", *", "Foo, *", "*, Foo")) {
            s.anew().says("Cache-Control: max-age=100", "Vary: " + line).forwards();
            s.forwards();
          }
        });
    row(
        "9111 4.1",
        Level.MAY,
        "vary_is_normalised",
        "Space, joined lines and the order of equal preferences make no difference",
        s -> {
          s.says("Cache-Control: max-age=100", "Vary: Foo").forwards("Foo: 1,2");
          s.reuses("Foo:  1, 2 ");
          s.reuses("Foo: 1", "Foo: 2");
          s.anew()
              .says("Cache-Control: max-age=100", "Vary: Accept-Language")
              .forwards("Accept-Language: en, de");
          s.reuses("Accept-Language: de, EN");
        });
    row(
        "9111 4.1",
        Level.SHOULD,
        "variants_live_side_by_side",
        "A new variant does not push out another, and the newest that matches is used",
        s -> {
          s.says(200, "one", "Cache-Control: max-age=100", "Vary: Foo").forwards("Foo: 1");
          s.says(200, "two", "Cache-Control: max-age=100", "Vary: Foo").forwards("Foo: 2");
          assertThat(s.reuses("Foo: 1").bodyText()).isEqualTo("one");
          assertThat(s.reuses("Foo: 2").bodyText()).isEqualTo("two");
        });
  }

  private void freshness() {
    row(
        "9111 4.2.1",
        Level.MUST,
        "an_answer_is_fresh_as_long_as_it_says",
        "`s-maxage` before `max-age` before `Expires` minus `Date`",
        s -> {
          s.says("Cache-Control: max-age=10", "Expires: " + s.edge.date(-100)).forwards();
          s.pass(9).reuses();
          s.pass(1).forwards();
          s.anew().says("Cache-Control: max-age=100, s-maxage=1").forwards();
          s.pass(1).forwards();
          s.anew().says("Cache-Control: max-age=1", "Cache-Control: s-maxage=100").forwards();
          s.pass(50).reuses();
          s.anew().says("Expires: " + s.edge.date(20)).forwards();
          s.pass(19).reuses();
          s.pass(1).forwards();
          s.anew().says("Cache-Control: max-age=0", "Expires: " + s.edge.date(100)).forwards();
          s.forwards();
        });
    row(
        "9111 4.2.1",
        Level.SHOULD,
        "a_malformed_lifetime_is_stale",
        "A lifetime that is no number is stale; told twice, the shorter counts",
        s -> {
          for (var line :
              List.of(
                  "max-age=a100",
                  "max-age=100a",
                  "max-age=-100",
                  "max-age='100'",
                  "max-age=100.5",
                  "max-age =100",
                  "max-age= 100",
                  "max-age",
                  "max-age=100, max-age=0",
                  "max-age=0, max-age=100",
                  "extension=\"max-age=100\", max-age=0",
                  "max-age=0, extension=\"max-age=100\"")) {
            s.anew().says("Cache-Control: " + line).forwards();
            s.pass(1).forwards();
          }
        });
    row(
        "9111 5.2",
        Level.SHOULD,
        "a_lifetime_is_read_in_every_form",
        "Quoted, in any case, with zeros before, very large and among unknown directives",
        s -> {
          for (var line :
              List.of(
                  "max-age=\"100\"",
                  "MaX-aGe=100",
                  "max-age=00100",
                  "max-age=2147483648",
                  "max-age=99999999999999999999",
                  "foobar, max-age=100",
                  " , max-age=100 ,",
                  "a=\"b, no-store, c\", max-age=100")) {
            s.anew().says("Cache-Control: " + line).forwards();
            s.pass(50).reuses();
          }
        });
    row(
        "9111 5.3",
        Level.MUST,
        "a_malformed_expires_is_past",
        "An `Expires` that is no date, `0` above all, or told twice, is in the past",
        s -> {
          for (var date :
              List.of(
                  "0",
                  "-1",
                  "Thu, 18 Aug 2050 02:01:18 UTC",
                  "Thu, 18 Aug 50 02:01:18 GMT",
                  "Thu 18 Aug 2050 02:01:18 GMT",
                  "Thu, 18  Aug  2050 02:01:18 GMT",
                  "Thu, 18-Aug-2050 02:01:18 GMT",
                  "Thu, 18 Aug 2050 02.01.18 GMT",
                  "Thu, 18 Aug 2050 2:01:18 GMT")) {
            s.anew().says("Expires: " + date).forwards();
            s.forwards();
          }
        });
    row(
        "9110 5.6.7",
        Level.MUST,
        "every_form_of_date_is_read",
        "IMF-fixdate, RFC 850 and asctime dates are read, in any case",
        s -> {
          for (var date :
              List.of(
                  "Thu, 18 Aug 2050 02:01:18 GMT",
                  "THU, 18 AUG 2050 02:01:18 gmt",
                  "Thursday, 18-Aug-50 02:01:18 GMT",
                  "Thu Aug 18 02:01:18 2050")) {
            s.anew().says("Expires: " + date).forwards();
            s.reuses();
          }
          s.anew().says("Date: foo", "Expires: " + s.edge.date(10)).forwards();
          s.reuses();
        });
    row(
        "9111 4.2.2",
        Level.MAY,
        "a_lifetime_is_guessed_from_the_last_change",
        "A tenth of the time since `Last-Modified`, a day at most, for statuses that allow it",
        s -> {
          for (int code : List.of(200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)) {
            s.anew().says(code, "x", "Last-Modified: " + s.edge.date(-1000)).forwards();
            s.pass(99).reuses();
            s.pass(1).forwards();
          }
          s.anew()
              .says(599, "x", "Cache-Control: public", "Last-Modified: " + s.edge.date(-1000))
              .forwards();
          s.pass(99).reuses();
        });
    row(
        "9111 4.2.2",
        Level.MUST,
        "no_guess_where_a_lifetime_is_told",
        "Explicit freshness, even of 0, leaves nothing to guess",
        s -> {
          s.says("Expires: " + s.edge.date(-10), "Last-Modified: " + s.edge.date(-10_000))
              .forwards();
          s.forwards();
        });
    row(
        "3 of Gatehouse",
        Level.MAY,
        "a_route_sets_the_lifetime",
        "A route's `ttl` counts instead of the origin's word, but not over `no-store`",
        s -> {
          s.path = "/ttl" + s.path;
          s.says("Cache-Control: max-age=0").forwards();
          s.pass(59).reuses();
          s.pass(1).forwards();
          s.path += "b";
          s.says("Cache-Control: no-store").forwards();
          s.forwards();
        });
  }

  private void ages() {
    row(
        "9111 4.2.3",
        Level.MUST,
        "the_age_it_came_with_counts",
        "`Age` and an old `Date` make an answer older, whichever is more",
        s -> {
          s.says("Cache-Control: max-age=10", "Age: 15").forwards();
          s.forwards();
          s.anew().says("Cache-Control: max-age=10", "Date: " + s.edge.date(-11)).forwards();
          s.forwards();
          s.anew()
              .says("Date: " + s.edge.date(10), "Expires: " + s.edge.date(20), "Age: 15")
              .forwards();
          s.forwards();
          s.anew().says("Date: " + s.edge.date(400), "Expires: " + s.edge.date(300)).forwards();
          s.forwards();
        });
    row(
        "9111 5.1",
        Level.SHOULD,
        "a_malformed_age_counts_for_nothing",
        "Of several values the first counts; one that is no number is ignored",
        s -> {
          for (var age : List.of("abc", "-7200", "0, 7200")) {
            s.anew().says("Cache-Control: max-age=3600", "Age: " + age).forwards();
            s.reuses();
          }
          s.anew().says("Cache-Control: max-age=3600", "Age: 7200, 0").forwards();
          s.forwards();
        });
  }

  private void validation() {
    row(
        "9111 4.3.1",
        Level.MUST,
        "a_stale_answer_is_validated",
        "The stored validators are sent; the client's own conditions are not",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).confirms("ETag: \"a\"", "Cache-Control: max-age=1");
          var answer = s.forwards("If-None-Match: \"other\"");
          assertThat(answer.status()).isEqualTo(200);
          assertThat(answer.bodyText()).isEqualTo("hello");
          assertThat(s.question().headers("If-None-Match")).containsExactly("\"a\"");
          assertThat(Scene.status(answer)).contains("fwd-status=304");
          var modified = s.edge.date(-100);
          s.anew().says("Cache-Control: max-age=1", "Last-Modified: " + modified).forwards();
          s.pass(2).confirms();
          assertThat(s.forwards().bodyText()).isEqualTo("hello");
          assertThat(s.question().headers("If-Modified-Since")).containsExactly(modified);
          s.anew().says("Cache-Control: max-age=1", "ETag: W/\"a\"").forwards();
          s.pass(2).confirms();
          assertThat(s.forwards().bodyText()).isEqualTo("hello");
          assertThat(s.question().headers("If-None-Match")).containsExactly("W/\"a\"");
        });
    row(
        "9111 4.3.1",
        Level.MUST,
        "a_validation_carries_the_selecting_fields",
        "The fields that `Vary` names go along",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"", "Vary: Abc").forwards("Abc: 123");
          s.pass(2).confirms();
          s.forwards("Abc: 123");
          assertThat(s.question().header("Abc")).contains("123");
        });
    row(
        "9111 4.3.3",
        Level.MUST,
        "a_new_answer_replaces_the_stored_one",
        "A full answer to a validation is used and stored",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).says(200, "new", "Cache-Control: max-age=100", "ETag: \"b\"");
          assertThat(s.forwards().bodyText()).isEqualTo("new");
          assertThat(s.reuses().bodyText()).isEqualTo("new");
        });
    row(
        "9111 4.3.4",
        Level.MUST,
        "a_304_freshens_what_is_stored",
        "Fields of a 304 replace the stored ones, for this client and those after it",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"", "X-A: 1", "X-Keep: k").forwards();
          s.pass(2)
              .confirms(
                  "Cache-Control: max-age=100", "ETag: \"a\"", "X-A: 2", "Content-Type: text/b");
          for (var answer : List.of(s.forwards(), s.reuses())) {
            assertThat(answer.headers("X-A")).containsExactly("2");
            assertThat(answer.headers("X-Keep")).containsExactly("k");
            assertThat(answer.headers("Content-Type")).containsExactly("text/b");
            assertThat(answer.headers("Cache-Control")).containsExactly("max-age=100");
            assertThat(answer.bodyText()).isEqualTo("hello");
          }
        });
    row(
        "9111 3.2",
        Level.MUST,
        "a_304_does_not_touch_the_length",
        "`Content-Length` of a 304 is not taken over",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).confirms("Cache-Control: max-age=100", "Content-Length: 10");
          assertThat(s.forwards().headers("Content-Length")).containsExactly("5");
          assertThat(s.reuses().bodyText()).isEqualTo("hello");
        });
    row(
        "9111 4.3.4",
        Level.MUST,
        "a_304_of_another_answer_confirms_nothing",
        "A 304 with another strong entity tag is not used; the answer is asked for again",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.edge.origin.answering((request, wire) ->
              wire.send(
                  request.header("If-None-Match").isPresent()
                      ? CachingEdge.answer(304, "", "ETag: \"b\"")
                      : CachingEdge.answer(200, "other", "ETag: \"b\"")));
          assertThat(s.pass(2).forwards().bodyText()).isEqualTo("other");
        });
    row(
        "9111 4.3.5",
        Level.SHOULD,
        "a_head_freshens_or_outdates_what_is_stored",
        "A 200 to HEAD with the same validators freshens the stored GET; with others it is not reused",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"", "X-A: 1").forwards();
          s.pass(2).says("Cache-Control: max-age=100", "ETag: \"a\"", "X-A: 2");
          assertThat(s.ask("HEAD").status()).isEqualTo(200);
          assertThat(s.question().method()).isEqualTo("HEAD");
          assertThat(s.reuses().headers("X-A")).containsExactly("2");
          s.anew().says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).says("Cache-Control: max-age=100", "ETag: \"b\"");
          s.ask("HEAD");
          s.forwards();
        });
  }

  private void conditions() {
    row(
        "9111 4.3.2",
        Level.SHOULD,
        "a_fresh_answer_settles_if_none_match",
        "A matching entity tag, weakly compared, in any place of the list, or `*`: 304 with the"
            + " entity tag",
        s -> {
          s.says("Cache-Control: max-age=100", "ETag: \"a\"").forwards();
          for (var tags :
              List.of("\"a\"", "W/\"a\"", "\"x\", \"a\", \"y\"", "\"x,y\",\"a\"", "*")) {
            var answer = s.reuses("If-None-Match: " + tags);
            assertThat(answer.status()).isEqualTo(304);
            assertThat(answer.headers("ETag")).containsExactly("\"a\"");
          }
          assertThat(s.reuses("If-None-Match: \"b\"").status()).isEqualTo(200);
        });
    row(
        "9111 4.3.2",
        Level.SHOULD,
        "a_fresh_answer_settles_if_modified_since",
        "Not modified since, by `Last-Modified` or else `Date`: 304",
        s -> {
          s.says("Cache-Control: max-age=100", "Last-Modified: " + s.edge.date(-50)).forwards();
          assertThat(s.reuses("If-Modified-Since: " + s.edge.date(-50)).status()).isEqualTo(304);
          assertThat(s.reuses("If-Modified-Since: " + s.edge.date(-10)).status()).isEqualTo(304);
          assertThat(s.reuses("If-Modified-Since: " + s.edge.date(-51)).status()).isEqualTo(200);
          assertThat(s.reuses("If-Modified-Since: 0").status()).isEqualTo(200);
          s.anew().says("Cache-Control: max-age=100").forwards();
          assertThat(s.reuses("If-Modified-Since: " + s.edge.date(0)).status()).isEqualTo(304);
        });
    row(
        "9110 13.2.2",
        Level.MUST,
        "if_none_match_outweighs_if_modified_since",
        "With `If-None-Match` the date is not looked at",
        s -> {
          s.says("Cache-Control: max-age=100", "ETag: \"a\"", "Last-Modified: " + s.edge.date(-50))
              .forwards();
          assertThat(
                  s.reuses("If-None-Match: \"b\"", "If-Modified-Since: " + s.edge.date(0)).status())
              .isEqualTo(200);
          assertThat(
                  s.reuses("If-None-Match: \"a\"", "If-Modified-Since: " + s.edge.date(-99))
                      .status())
              .isEqualTo(304);
        });
    row(
        "9111 4.3.2",
        Level.SHOULD,
        "a_condition_is_judged_after_validation",
        "A stale answer that is confirmed, or replaced by what the client has: 304",
        s -> {
          s.says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).confirms();
          assertThat(s.forwards("If-None-Match: \"a\"").status()).isEqualTo(304);
          s.anew().says("Cache-Control: max-age=1", "ETag: \"a\"").forwards();
          s.pass(2).says(200, "new", "Cache-Control: max-age=100", "ETag: \"b\"");
          assertThat(s.forwards("If-None-Match: \"b\"").status()).isEqualTo(304);
          assertThat(s.reuses().bodyText()).isEqualTo("new");
        });
    row(
        "9111 4.3.2",
        Level.MUST,
        "preconditions_for_the_origin_reach_it",
        "`If-Match` and `If-Unmodified-Since` are forwarded; so is any condition where nothing is"
            + " stored",
        s -> {
          s.says("Cache-Control: max-age=100", "ETag: \"a\"").forwards("If-None-Match: \"z\"");
          assertThat(s.question().header("If-None-Match")).contains("\"z\"");
          s.forwards("If-Match: \"a\"");
          assertThat(s.question().header("If-Match")).contains("\"a\"");
        });
    row(
        "9111 3",
        Level.MUST,
        "the_answer_to_a_condition_is_not_the_answer",
        "A 304 or 412 to the client's own condition is not stored",
        s -> {
          s.says(304, "", "Cache-Control: max-age=100", "ETag: \"z\"")
              .forwards("If-None-Match: \"z\"");
          s.says("Cache-Control: max-age=100");
          assertThat(s.forwards().status()).isEqualTo(200);
        });
  }

  private void invalidation() {
    row(
        "9111 4.4",
        Level.MUST,
        "an_unsafe_request_that_succeeded_invalidates",
        "POST, PUT, DELETE, PATCH and unknown methods invalidate their target",
        s -> {
          for (var method : List.of("POST", "PUT", "DELETE", "PATCH", "M-SEARCH")) {
            s.anew().says("Cache-Control: max-age=100").forwards();
            s.ask(method, "Content-Length: 0");
            s.forwards();
          }
        });
    row(
        "9111 4.4",
        Level.SHOULD,
        "an_unsafe_request_that_failed_does_not",
        "... but not with an error, nor does a safe method",
        s -> {
          s.says("Cache-Control: max-age=100").forwards();
          s.says(500, "x").ask("POST", "Content-Length: 0");
          s.reuses();
          s.says(404, "x").ask("DELETE");
          s.reuses();
          s.says(200, "x").ask("OPTIONS");
          s.reuses();
        });
    row(
        "9111 4.4",
        Level.MUST,
        "location_and_content_location_are_invalidated",
        "So are the places that `Location` and `Content-Location` name, on the same host only",
        s -> {
          var base = s.path;
          for (var field : List.of("Location", "Content-Location")) {
            for (var form : List.of(base + "/x?y=1", "http://example.com" + base + "/x?y=1")) {
              s.path = base + "/x?y=1";
              s.says("Cache-Control: max-age=100").get();
              s.reuses();
              s.path = base + "/post";
              s.says(201, "", field + ": " + form).ask("POST", "Content-Length: 0");
              s.path = base + "/x?y=1";
              s.says("Cache-Control: max-age=100").forwards();
            }
          }
          s.path = base + "/post";
          s.says(201, "", "Location: http://other.example" + base + "/x?y=1")
              .ask("POST", "Content-Length: 0");
          s.path = base + "/x?y=1";
          s.reuses();
        });
  }

  private void requests() {
    row(
        "9111 5.2.1",
        Level.SHOULD,
        "a_request_says_how_fresh",
        "`max-age`, `min-fresh` and `no-cache` ask for more than a fresh answer",
        s -> {
          s.says("Cache-Control: max-age=100", "Age: 50", "ETag: \"a\"").forwards();
          s.reuses("Cache-Control: max-age=60");
          s.reuses("Cache-Control: min-fresh=40");
          s.confirms("Cache-Control: max-age=100", "Age: 50");
          s.forwards("Cache-Control: max-age=40");
          assertThat(s.question().header("If-None-Match")).contains("\"a\"");
          s.forwards("Cache-Control: min-fresh=60");
          s.forwards("Cache-Control: max-age=0");
          s.forwards("Cache-Control: no-cache");
        });
    row(
        "9111 5.2.1.2",
        Level.MAY,
        "a_request_takes_what_is_stale",
        "`max-stale`, with or without a limit",
        s -> {
          s.says("Cache-Control: max-age=1").forwards();
          s.pass(10).reuses("Cache-Control: max-stale");
          s.reuses("Cache-Control: max-stale=100");
          s.forwards("Cache-Control: max-stale=5");
        });
    row(
        "9111 5.2.1.5",
        Level.MUST,
        "a_request_with_no_store_leaves_nothing",
        "The answer to a request with `no-store` is not stored",
        s -> {
          s.says("Cache-Control: max-age=100").forwards("Cache-Control: no-store");
          s.forwards();
        });
    row(
        "9111 5.2.1.7",
        Level.SHOULD,
        "only_if_cached_is_504_where_nothing_is",
        "`only-if-cached` is answered from the store or with 504",
        s -> {
          var none = s.get("Cache-Control: only-if-cached");
          assertThat(none.status()).isEqualTo(504);
          assertThat(s.asked()).isZero();
          s.says("Cache-Control: max-age=100").forwards();
          s.reuses("Cache-Control: only-if-cached");
        });
    row(
        "9111 5.4",
        Level.MAY,
        "pragma_counts_where_nothing_else_is_said",
        "`Pragma: no-cache` of a request without `Cache-Control`; in an answer it means nothing",
        s -> {
          s.says("Cache-Control: max-age=100", "Pragma: no-cache").forwards();
          s.reuses();
          s.reuses("Pragma: something");
          s.reuses("Pragma: no-cache", "Cache-Control: max-age=50");
          s.forwards("Pragma: no-cache");
        });
  }

  private void answers() {
    row(
        "9111 5.2.2.4",
        Level.MUST,
        "no_cache_is_validated_every_time",
        "A `no-cache` answer is stored and used only after a successful validation",
        s -> {
          s.says("Cache-Control: max-age=100, No-CaChE", "ETag: \"a\"").forwards();
          s.confirms();
          assertThat(s.forwards().bodyText()).isEqualTo("hello");
          assertThat(s.question().header("If-None-Match")).contains("\"a\"");
        });
    row(
        "9111 5.2.2.4",
        Level.MAY,
        "fields_named_by_no_cache_and_private_are_withheld",
        "With field names, the answer is reused without those fields",
        s -> {
          s.says(
                  "Cache-Control: max-age=100, no-cache=\"a, B\", private=\"c\"",
                  "a: 1",
                  "b: 2",
                  "c: 3",
                  "d: 4")
              .forwards();
          var answer = s.reuses();
          assertThat(answer.header("a")).isEmpty();
          assertThat(answer.header("b")).isEmpty();
          assertThat(answer.header("c")).isEmpty();
          assertThat(answer.header("d")).contains("4");
        });
    row(
        "8246 2",
        Level.MAY,
        "immutable_changes_nothing_for_others",
        "`immutable` is honoured by a client; a stale one is validated here",
        s -> {
          s.says("Cache-Control: max-age=1, immutable", "ETag: \"a\"").forwards();
          s.reuses();
          s.pass(2).confirms().forwards();
        });
  }

  private void stale() {
    row(
        "9111 4.2.4",
        Level.MUST,
        "what_must_be_validated_is_never_given_stale",
        "`must-revalidate`, `proxy-revalidate`, `s-maxage` and `no-cache` forbid stale answers",
        s -> {
          for (var line :
              List.of(
                  "max-age=1, must-revalidate",
                  "max-age=1, proxy-revalidate",
                  "s-maxage=1",
                  "no-cache")) {
            s.anew().says("Cache-Control: " + line, "ETag: \"a\"").forwards();
            s.pass(2).breaks();
            assertThat(s.forwards().status()).isEqualTo(502);
            assertThat(s.get("Cache-Control: max-stale=100").status()).isEqualTo(502);
          }
        });
    row(
        "9111 5.2.2.2",
        Level.MUST,
        "must_revalidate_with_an_origin_that_fails_is_an_error",
        "... and the client gets the error, not the stale answer",
        s -> {
          s.says("Cache-Control: max-age=1, must-revalidate").forwards();
          s.pass(2).says(503, "down");
          assertThat(s.forwards().status()).isEqualTo(503);
        });
    row(
        "5861 4",
        Level.MAY,
        "stale_if_error_stands_in",
        "An answer stands in for an origin that errs, breaks or refuses, as long as it or the route"
            + " says",
        s -> {
          s.says("Cache-Control: max-age=1, stale-if-error=60").forwards();
          for (int code : List.of(500, 502, 503, 504)) {
            s.pass(2).says(code, "down");
            var answer = s.get();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.bodyText()).isEqualTo("hello");
            assertThat(Scene.status(answer)).contains("hit; fwd=stale");
          }
          s.anew().says("Cache-Control: max-age=1").forwards();
          s.pass(2).breaks();
          assertThat(Scene.status(s.get())).contains("detail=origin-reset");
        });
    row(
        "3 of Gatehouse",
        Level.MUST,
        "a_failing_origin_is_asked_by_one_probe_at_a_time",
        "While stale answers are given the failing origin is left alone but for a probe a second",
        s -> {
          s.says("Cache-Control: max-age=1").forwards();
          s.pass(2).says(503, "down").get();
          long before = s.asked();
          for (int i = 0; i < 5; i++) {
            assertThat(Scene.status(s.reuses())).contains("detail=stale-if-error");
          }
          assertThat(s.asked()).isEqualTo(before);
          s.pass(1);
          for (int i = 0; i < 5; i++) {
            assertThat(s.get().bodyText()).isEqualTo("hello");
          }
          await().until(() -> s.asked() == before + 1);
          await().until(() -> s.edge.cache().figures().waiting() == 0);
          s.pass(1).says(200, "back", "Cache-Control: max-age=100");
          await().untilAsserted(() -> assertThat(s.get().bodyText()).isEqualTo("back"));
        });
    row(
        "5861 4",
        Level.MUST,
        "stale_if_error_ends",
        "... and not a second longer, by the answer's, the request's or the route's word",
        s -> {
          s.says("Cache-Control: max-age=0, stale-if-error=1").forwards();
          s.pass(3).says(500, "down");
          assertThat(s.forwards().status()).isEqualTo(500);
          s.anew().says("Cache-Control: max-age=0").forwards();
          s.pass(3).says(500, "down");
          assertThat(s.get("Cache-Control: stale-if-error=1").status()).isEqualTo(500);
          assertThat(s.get("Cache-Control: stale-if-error=100").status()).isEqualTo(200);
          s.anew().says("Cache-Control: max-age=0").forwards();
          s.pass(CachingEdge.STALE_IF_ERROR.toSeconds() + 1).says(500, "down");
          assertThat(s.forwards().status()).isEqualTo(500);
        });
    row(
        "5861 3",
        Level.MAY,
        "stale_while_revalidate_fetches_behind",
        "A stale answer is given at once while a newer one is fetched",
        s -> {
          s.says("Cache-Control: max-age=1, stale-while-revalidate=60", "ETag: \"a\"").forwards();
          long before = s.asked();
          s.pass(2).says(200, "new", "Cache-Control: max-age=100", "ETag: \"b\"");
          var answer = s.get();
          assertThat(answer.bodyText()).isEqualTo("hello");
          assertThat(Scene.status(answer)).contains("detail=stale-while-revalidate");
          await().until(() -> s.asked() == before + 1);
          await().untilAsserted(() -> assertThat(s.get().bodyText()).isEqualTo("new"));
          assertThat(s.asked()).isEqualTo(before + 1);
        });
    row(
        "5861 3",
        Level.MUST,
        "stale_while_revalidate_ends",
        "... within the window only",
        s -> {
          s.says("Cache-Control: max-age=1, stale-while-revalidate=5").forwards();
          s.pass(7).says(200, "new");
          assertThat(s.forwards().bodyText()).isEqualTo("new");
        });
  }

  private void parts() {
    row(
        "9110 14.2",
        Level.MAY,
        "a_range_is_cut_from_a_stored_whole",
        "First to last, open and suffix ranges are answered 206 from the store",
        s -> {
          s.says(200, "0123456789A", "Cache-Control: max-age=100", "ETag: \"a\"").forwards();
          assertThat(s.reuses("Range: bytes=0-1").bodyText()).isEqualTo("01");
          assertThat(s.reuses("Range: bytes=1-").bodyText()).isEqualTo("123456789A");
          assertThat(s.reuses("Range: bytes=-1").bodyText()).isEqualTo("A");
          var part = s.reuses("Range: bytes=9-99", "If-Range: \"a\"");
          assertThat(part.status()).isEqualTo(206);
          assertThat(part.headers("Content-Range")).containsExactly("bytes 9-10/11");
          assertThat(part.bodyText()).isEqualTo("9A");
        });
    row(
        "9110 14.2",
        Level.MUST,
        "a_range_that_does_not_apply_is_ignored",
        "Unknown units, nonsense, an `If-Range` that does not match: the whole; beyond the end: 416",
        s -> {
          s.says(200, "0123456789A", "Cache-Control: max-age=100", "ETag: W/\"a\"").forwards();
          for (var range : List.of("lines=0-1", "bytes=5-2", "bytes=-", "bytes=x-y")) {
            assertThat(s.reuses("Range: " + range).status()).as(range).isEqualTo(200);
          }
          assertThat(s.reuses("Range: bytes=0-1", "If-Range: W/\"a\"").status()).isEqualTo(200);
          assertThat(s.reuses("Range: bytes=0-1", "If-Range: \"b\"").status()).isEqualTo(200);
          var outside = s.reuses("Range: bytes=11-");
          assertThat(outside.status()).isEqualTo(416);
          assertThat(outside.headers("Content-Range")).containsExactly("bytes */11");
        });
    row(
        "9111 3.3",
        Level.MUST,
        "a_part_is_not_stored_as_the_whole",
        "A 206 passes and is not stored",
        s -> {
          s.says(206, "01", "Cache-Control: max-age=100", "Content-Range: bytes 0-1/11");
          assertThat(s.forwards("Range: bytes=0-1").status()).isEqualTo(206);
          assertThat(s.question().header("Range")).contains("bytes=0-1");
          s.says(200, "whole", "Cache-Control: max-age=100");
          assertThat(s.forwards().bodyText()).isEqualTo("whole");
        });
  }

  private void targeted() {
    row(
        "9213 2.2",
        Level.MUST,
        "a_targeted_field_replaces_cache_control",
        "`CDN-Cache-Control` counts instead of `Cache-Control` and `Expires`, and is passed on",
        s -> {
          s.says("CDN-Cache-Control: max-age=100", "Cache-Control: no-store").forwards();
          assertThat(s.pass(50).reuses().headers("CDN-Cache-Control"))
              .containsExactly("max-age=100");
          s.anew()
              .says(
                  "CDN-Cache-Control: max-age=1",
                  "Cache-Control: max-age=100",
                  "Expires: " + s.edge.date(100))
              .forwards();
          s.pass(2).forwards();
          for (var line : List.of("no-store", "private", "no-cache", "max-age=0")) {
            s.anew().says("CDN-Cache-Control: " + line, "Cache-Control: max-age=100").forwards();
            s.forwards();
          }
          s.anew().says("CDN-Cache-Control: max-age=3600", "Age: 7200").forwards();
          s.forwards();
        });
    row(
        "9213 2.1",
        Level.MUST,
        "a_targeted_field_that_is_no_dictionary_is_ignored",
        "A field that does not parse strictly, or has the wrong type, is as if not sent",
        s -> {
          for (var line :
              List.of(
                  "max-age=100, &&&&&",
                  "max-age=\"100\"",
                  "max-age=100,",
                  "MaX-aGe=100",
                  "max-age = 100",
                  "max-age=1.5",
                  "")) {
            s.anew().says("CDN-Cache-Control: " + line, "Cache-Control: no-store").forwards();
            s.forwards();
          }
          s.anew()
              .says(
                  "CDN-Cache-Control: foo=(\"a\" b;c=1), max-age=100;x, bar=:YQ==:, b=?1",
                  "Cache-Control: no-store")
              .forwards();
          s.reuses();
        });
  }

  private void status() {
    row(
        "9211 2",
        Level.SHOULD,
        "every_answer_says_what_was_done",
        "`Cache-Status` with the reason, appended to the origin's own",
        s -> {
          s.says("Cache-Control: max-age=10", "Cache-Status: inner; hit", "Vary: Foo");
          assertThat(Scene.status(s.forwards("Foo: 1")))
              .isEqualTo("inner; hit, gatehouse; fwd=uri-miss; fwd-status=200; stored");
          assertThat(Scene.status(s.pass(3).reuses("Foo: 1")))
              .isEqualTo("inner; hit, gatehouse; hit; ttl=7");
          assertThat(Scene.status(s.forwards("Foo: 2"))).contains("fwd=vary-miss");
          assertThat(Scene.status(s.forwards("Foo: 1", "Cache-Control: no-cache")))
              .contains("fwd=request");
          assertThat(Scene.status(s.pass(20).forwards("Foo: 1"))).contains("fwd=stale");
          assertThat(Scene.status(s.ask("POST", "Content-Length: 0"))).contains("fwd=method");
          s.anew().breaks();
          assertThat(Scene.status(s.get()))
              .isEqualTo("gatehouse; fwd=uri-miss; detail=origin-reset");
        });
  }
}
