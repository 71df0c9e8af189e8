package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.Seeded;
import dev.gatehouse.testkit.TestPostgres;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CountersTest {
  @TempDir Path journals;

  private final FakeTicker ticker = new FakeTicker();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
  private Database database;
  private Counters counters;

  @BeforeEach
  void open() {
    database = TestPostgres.database();
    counters = start(Duration.ofDays(1));
  }

  @AfterEach
  void stop() {
    counters.close();
    scheduler.shutdownNow();
    database.close();
  }

  @Test
  void an_increment_is_202_with_an_empty_body_and_is_seen_at_once() {
    var answer = increment("k", "3");
    assertThat(answer.status()).isEqualTo(202);
    assertThat(answer.body()).isEmpty();
    assertThat(answer.header("content-type")).isEmpty();
    increment("k", "4");
    assertThat(get("k").bodyText())
        .isEqualTo("{\"key\":\"k\",\"value\":7,\"persisted\":0,\"stalenessMs\":0}");
  }

  @Test
  void a_flush_persists_and_staleness_is_the_age_of_the_oldest_increment_not_flushed() {
    increment("k", "3");
    ticker.advance(Duration.ofMillis(250));
    increment("k", "1");
    ticker.advance(Duration.ofMillis(60));
    assertThat(counters.stalenessMs()).isEqualTo(310);
    assertThat(get("k").bodyText())
        .isEqualTo("{\"key\":\"k\",\"value\":4,\"persisted\":0,\"stalenessMs\":310}");
    assertThat(counters.pendingKeys()).isEqualTo(1);
    assertThat(counters.flushNow()).isTrue();
    assertThat(counters.pendingKeys()).isZero();
    assertThat(counters.stalenessMs()).isZero();
    assertThat(get("k").bodyText())
        .isEqualTo("{\"key\":\"k\",\"value\":4,\"persisted\":4,\"stalenessMs\":0}");
    increment("k", "-5");
    assertThat(get("k").bodyText())
        .isEqualTo("{\"key\":\"k\",\"value\":-1,\"persisted\":4,\"stalenessMs\":0}");
  }

  @Test
  void windows_are_flushed_by_themselves() {
    counters.close();
    counters = start(Duration.ofMillis(5));
    increment("k", "3");
    Awaitility.await().until(() -> get("k").bodyText().contains("\"persisted\":3"));
    assertThat(counters.health()).isEqualTo("ok");
  }

  @Test
  void an_unknown_key_is_404_and_one_that_was_incremented_by_zero_is_not() {
    assertThat(get("k").status()).isEqualTo(404);
    increment("k", "0");
    assertThat(get("k").status()).isEqualTo(200);
    counters.flushNow();
    assertThat(get("k").bodyText()).contains("\"value\":0,\"persisted\":0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|key",
        "{\"value\":1}|key",
        "{\"key\":\"k\"}|value",
        "{\"key\":1,\"value\":1}|key",
        "{\"key\":\"\",\"value\":1}|key",
        "{\"key\":\"k\",\"value\":1e3}|value",
        "{\"key\":\"k\",\"value\":1.0}|value",
        "{\"key\":\"k\",\"value\":\"1\"}|value",
        "{\"key\":\"k\",\"value\":null}|value",
        "{\"key\":\"k\",\"value\":9223372036854775808}|value",
        "{\"key\":\"k\",\"value\":-9223372036854775809}|value",
        "{\"key\":\"k\",\"value\":1,\"x\":1}|x",
        "{\"key\":\"k\",\"value\":1}{\"key\":\"k\",\"value\":1}|JSON",
        "{\"key\":\"k\",\"value\":1,\"value\":1}|JSON",
        "{\"key\":\"\\u0000\",\"value\":1}|U+0000",
        "{\"key\":\"\\ud800\",\"value\":1}|surrogates",
        "nonsense|JSON",
      })
  void what_is_wrong_is_400_says_what_and_counts_nothing(String body, String said) {
    for (var path : List.of("/increment", "/api/increment")) {
      var answer = Call.of(counters.routes(), "POST", path).as("user").body(body).send();
      assertThat(answer.status()).isEqualTo(400);
      assertThat(Json.parse(answer.body()).get("detail").stringValue()).contains(said);
    }
    assertThat(counters.pendingKeys()).isZero();
  }

  @Test
  void a_key_has_at_most_512_characters_and_is_any_text() {
    var longest = "\ud83d\ude00".repeat(512);
    assertThat(increment(longest, "1").status()).isEqualTo(202);
    counters.flushNow();
    assertThat(get(longest).status()).isEqualTo(200);
    assertThat(increment(longest + "a", "1").status()).isEqualTo(400);
    assertThat(get(longest + "a").status()).isEqualTo(400);
    Seeded.check(
        50,
        random -> {
          var key = Seeded.text(random, 100).replace("\\", "/");
          increment(key, "2");
          if (random.nextBoolean()) {
            counters.flushNow();
          }
          var counter = Json.parse(get(key).body());
          assertThat(counter.get("key").stringValue()).isEqualTo(key);
        });
  }

  @Test
  void an_increment_that_would_overflow_its_total_is_409_and_changes_nothing() {
    assertThat(increment("k", Long.toString(Long.MAX_VALUE)).status()).isEqualTo(202);
    assertThat(increment("k", "1").status()).isEqualTo(409);
    assertThat(increment("l", Long.toString(Long.MIN_VALUE)).status()).isEqualTo(202);
    assertThat(increment("l", "-1").status()).isEqualTo(409);
    counters.flushNow();
    assertThat(increment("k", "1").status()).isEqualTo(409);
    assertThat(increment("l", "-1").status()).isEqualTo(409);
    assertThat(increment("k", "-1").status()).isEqualTo(202);
    assertThat(increment("k", "1").status()).isEqualTo(202);
    assertThat(increment("k", "1").status()).isEqualTo(409);
    assertThat(increment("m", "5").status()).isEqualTo(202);
    counters.flushNow();
    assertThat(increment("m", Long.toString(Long.MAX_VALUE)).status()).isEqualTo(409);
    assertThat(increment("m", Long.toString(Long.MAX_VALUE - 5)).status()).isEqualTo(202);
    assertThat(batch("[{\"key\":\"n\",\"value\":1},{\"key\":\"k\",\"value\":1}]").status())
        .isEqualTo(409);
    assertThat(get("n").status()).isEqualTo(404);
    assertThat(get("k").bodyText()).contains("\"value\":9223372036854775807,");
    assertThat(get("l").bodyText()).contains("\"value\":-9223372036854775808,");
  }

  @Test
  void totals_that_replicas_take_beyond_64_bits_together_are_exact() {
    try (var other = start(Duration.ofDays(1))) {
      increment("k", Long.toString(Long.MAX_VALUE));
      Call.of(other.routes(), "POST", "/increment")
          .body("{\"key\":\"k\",\"value\":9223372036854775807}")
          .send();
      counters.flushNow();
      other.flushNow();
      assertThat(get("k").bodyText()).contains("\"value\":18446744073709551614,");
      assertThat(increment("k", "1").status()).isEqualTo(409);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_batch_is_counted_whole(boolean array) {
    var items = new ArrayList<String>();
    for (int i = 0; i < 10_000; i++) {
      items.add("{\"key\":\"k" + i % 3000 + "\",\"value\":" + i + "}");
    }
    assertThat((array ? batch(items.toString()) : lines(String.join("\n", items))).status())
        .isEqualTo(202);
    assertThat(get("k1").bodyText()).contains("\"value\":" + (1 + 3001 + 6001 + 9001) + ",");
    counters.flushNow();
    assertThat(get("k1").bodyText()).contains("\"persisted\":" + (1 + 3001 + 6001 + 9001) + ",");
    items.add("{\"key\":\"k\",\"value\":1}");
    assertThat((array ? batch(items.toString()) : lines(String.join("\n", items))).status())
        .isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "{}", "{\"key\":\"\",\"value\":1}", "{\"key\":\"b\",\"value\":1.5}"})
  void a_batch_with_a_bad_item_counts_nothing_and_names_the_first_one(String bad) {
    var good = "{\"key\":\"a\",\"value\":1}";
    for (var answer :
        List.of(
            batch("[" + good + "," + bad + "," + bad + "]"),
            lines(good + "\n" + bad + "\n" + bad + "\n"))) {
      assertThat(answer.status()).isEqualTo(400);
      assertThat(Json.parse(answer.body()).get("index").intValue()).isEqualTo(1);
    }
    assertThat(get("a").status()).isEqualTo(404);
    assertThat(batch("[]").status()).isEqualTo(400);
  }

  @Test
  void what_is_read_without_a_parser_is_what_the_parser_reads() {
    Seeded.check(
        3000,
        random -> {
          var keys = List.of("k", "a b", "\u00e9", "", "x\\u0041", "'");
          var values =
              List.of("1", "-1", "0", "-0", "01", "1.0", "1e3", "999999999999999999", "+1", "");
          var body =
              "{%s\"key\"%s:\"%s\",\"value\":%s%s}%s"
                  .formatted(
                      " ".repeat(random.nextInt(2)),
                      "\n".repeat(random.nextInt(2)),
                      keys.get(random.nextInt(keys.size())),
                      values.get(random.nextInt(values.size())),
                      random.nextInt(20) == 0 ? ",\"x\":1" : "",
                      random.nextInt(20) == 0 ? "x" : "");
          var bytes = body.getBytes(java.nio.charset.StandardCharsets.UTF_8);
          PlainIncrement.read(bytes)
              .ifPresent(item -> {
                var parsed = Json.parseObject(bytes, "key", "value");
                assertThat(item.key()).isEqualTo(parsed.get("key").stringValue());
                assertThat(item.value()).isEqualTo(Json.asLong(parsed.get("value")).orElseThrow());
              });
        });
  }

  @Test
  void a_repeated_request_with_an_idempotency_key_counts_once_on_any_replica() {
    try (var other = start(Duration.ofDays(1))) {
      for (int i = 0; i < 3; i++) {
        assertThat(once(counters, "a", "k", 3).status()).isEqualTo(202);
        assertThat(once(other, "a", "k", 3).status()).isEqualTo(202);
      }
      assertThat(once(counters, "a", "k", 4).status()).isEqualTo(422);
      assertThat(get("k").bodyText()).contains("\"value\":3,");
      counters.flushNow();
      other.flushNow();
      assertThat(get("k").bodyText()).contains("\"persisted\":3,");
      assertThat(other.repeated()).isEqualTo(1);
      // Postgres knows it now, so who never met it does, too.
      try (var third = start(Duration.ofDays(1))) {
        assertThat(once(third, "a", "k", 3).status()).isEqualTo(202);
        assertThat(once(third, "a", "k", 4).status()).isEqualTo(422);
        third.flushNow();
      }
      assertThat(get("k").bodyText()).contains("\"persisted\":3,");
    }
  }

  @Test
  void the_same_idempotency_key_with_another_body_elsewhere_is_dropped_at_the_flush() {
    try (var other = start(Duration.ofDays(1))) {
      assertThat(once(counters, "a", "k", 3).status()).isEqualTo(202);
      assertThat(once(other, "a", "k", 5).status()).isEqualTo(202);
      counters.flushNow();
      other.flushNow();
      assertThat(get("k").bodyText()).contains("\"value\":3,\"persisted\":3,");
      assertThat(other.differing()).isEqualTo(1);
    }
  }

  @Test
  void an_idempotency_key_covers_a_whole_batch_and_is_forgotten_after_24_hours() {
    var batch =
        Call.of(counters.routes(), "POST", "/increment")
            .with("idempotency-key", "b")
            .body(
                "[{\"key\":\"x\",\"value\":1},{\"key\":\"y\",\"value\":2},{\"key\":\"x\",\"value\":4}]");
    assertThat(batch.send().status()).isEqualTo(202);
    assertThat(batch.send().status()).isEqualTo(202);
    counters.flushNow();
    assertThat(get("x").bodyText()).contains("\"persisted\":5,");
    assertThat(get("y").bodyText()).contains("\"persisted\":2,");
    ticker.advance(Duration.ofHours(25));
    database.with(handle ->
        handle.execute("UPDATE counters_requests SET taken_at = taken_at - interval '25 hours'"));
    counters.flushNow();
    assertThat(batch.send().status()).isEqualTo(202);
    counters.flushNow();
    assertThat(get("x").bodyText()).contains("\"persisted\":10,");
    assertThat(
            Call.of(counters.routes(), "POST", "/increment")
                .with("idempotency-key", "with space")
                .body("{\"key\":\"k\",\"value\":1}")
                .send()
                .status())
        .isEqualTo(400);
  }

  @Test
  void a_users_idempotency_key_is_the_users_own() {
    var call =
        Call.of(counters.routes(), "POST", "/api/increment")
            .with("idempotency-key", "a")
            .body("{\"key\":\"k\",\"value\":3}");
    assertThat(call.as("u").send().bodyText()).isEqualTo("{\"newValue\":3}");
    assertThat(call.as("u").send().bodyText()).isEqualTo("{\"newValue\":3}");
    assertThat(call.as("v").send().bodyText()).isEqualTo("{\"newValue\":6}");
    counters.flushNow();
    assertThat(get("k").bodyText()).contains("\"value\":6,\"persisted\":6,");
  }

  @Test
  void increment_and_get_needs_a_user_and_tells_the_new_value() {
    var call = Call.of(counters.routes(), "POST", "/api/increment");
    var body = "{\"key\":\"k\",\"value\":3}";
    assertThat(call.body(body).send().status()).isEqualTo(401);
    assertThat(get("k").status()).isEqualTo(404);
    assertThat(call.as("u").body(body).send().bodyText()).isEqualTo("{\"newValue\":3}");
    counters.flushNow();
    increment("k", "1");
    var answer = call.as("u").body(body).send();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.bodyText()).isEqualTo("{\"newValue\":7}");
  }

  @Test
  void replicas_add_to_the_same_totals() {
    try (var other = start(Duration.ofDays(1))) {
      increment("k", "3");
      Call.of(other.routes(), "POST", "/increment").body("{\"key\":\"k\",\"value\":4}").send();
      counters.flushNow();
      other.flushNow();
      assertThat(get("k").bodyText()).contains("\"value\":7,\"persisted\":7");
    }
  }

  @Test
  void a_page_has_flushed_and_pending_counters_in_the_order_of_their_bytes() {
    increment("b", "1");
    increment("\uff5e", "2");
    counters.flushNow();
    increment("a", "3");
    increment("b", "4");
    increment("\ud83d\ude00", "5");
    assertThat(Call.of(counters.routes(), "GET", "/counters").send().bodyText())
        .isEqualTo(
            "[{\"key\":\"a\",\"value\":3,\"persisted\":0,\"stalenessMs\":0},"
                + "{\"key\":\"b\",\"value\":5,\"persisted\":1,\"stalenessMs\":0},"
                + "{\"key\":\"\uff5e\",\"value\":2,\"persisted\":2,\"stalenessMs\":0},"
                + "{\"key\":\"\ud83d\ude00\",\"value\":5,\"persisted\":0,\"stalenessMs\":0}]");
  }

  @Test
  void following_the_links_reads_each_counter_with_the_prefix_once() {
    Seeded.check(
        5,
        random -> {
          var prefix = "p" + random.nextLong() + "%/";
          var expected = new TreeMap<String, Integer>(Keys.ORDER);
          for (int i = 0; i < 60; i++) {
            var key = prefix + Seeded.text(random, 2);
            increment(key, "1");
            expected.merge(key, 1, Integer::sum);
            if (random.nextInt(10) == 0) {
              counters.flushNow();
            }
          }
          var found = new ArrayList<String>();
          var next = Optional.of("/counters?limit=7&prefix=" + Target.encodeSegment(prefix));
          while (next.isPresent()) {
            var page = Call.of(counters.routes(), "GET", next.get()).send();
            for (var counter : Json.parse(page.body())) {
              var key = counter.get("key").stringValue();
              found.add(key);
              assertThat(counter.get("value").intValue()).isEqualTo(expected.get(key));
            }
            next = page.header("link").map(link -> link.substring(1, link.indexOf('>')));
          }
          assertThat(found).isEqualTo(List.copyOf(expected.keySet()));
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"limit=0", "limit=1001", "limit=x", "prefix=%00", "after=%00", "after=%ff"})
  void a_bad_page_is_400(String query) {
    assertThat(Call.of(counters.routes(), "GET", "/counters?" + query).send().status())
        .isEqualTo(400);
  }

  @Test
  void a_page_after_the_last_key_is_empty() {
    increment("a", "1");
    for (var query : List.of("after=a", "prefix=a&after=b", "prefix=b", "prefix=%F4%8F%BF%BF")) {
      assertThat(Call.of(counters.routes(), "GET", "/counters?" + query).send().bodyText())
          .isEqualTo("[]");
    }
  }

  @Test
  void a_chunk_that_is_flushed_twice_counts_once() {
    var sql = new CounterSql(database, Optional::empty);
    assertThat(sql.prepare()).isEmpty();
    var journal = UUID.randomUUID();
    var at = sql.mark(journal);
    var window = new Window(1);
    window.add("k", 10, 0);
    var chunk = window.cut(window.cuts(10)).getFirst();
    assertThat(sql.add(journal, at, chunk).moved()).isTrue();
    assertThat(sql.add(journal, at, chunk).moved()).isFalse();
    assertThat(get("k").bodyText()).contains("\"value\":10,");
    assertThat(sql.mark(journal)).isEqualTo(new Mark(1, Mark.LAST));
  }

  @Test
  void closing_flushes_what_was_acknowledged_and_takes_no_more() {
    increment("k", "3");
    counters.close();
    counters.close();
    assertThat(get("k").bodyText()).contains("\"persisted\":3");
    var late = increment("k", "1");
    assertThat(late.status()).isEqualTo(503);
    assertThat(late.header("retry-after")).isPresent();
  }

  private Counters start(Duration flushEvery) {
    return Service.start(
        CounterSettings.DEFAULTS.withFlushEvery(flushEvery), database, journals, scheduler, ticker);
  }

  private Response increment(String key, String value) {
    var body = new LinkedHashMap<String, Object>();
    body.put("key", key);
    body.put("value", new BigInteger(value));
    return Call.of(counters.routes(), "POST", "/increment").body(Json.bytes(body)).send();
  }

  private Response batch(String body) {
    return Call.of(counters.routes(), "POST", "/increment").body(body).send();
  }

  private Response lines(String body) {
    return Call.of(counters.routes(), "POST", "/increment")
        .with("content-type", "application/x-ndjson")
        .body(body)
        .send();
  }

  private static Response once(Counters counters, String id, String key, long value) {
    return Call.of(counters.routes(), "POST", "/increment")
        .with("idempotency-key", id)
        .body("{\"key\":\"" + key + "\",\"value\":" + value + "}")
        .send();
  }

  private Response get(String key) {
    return Call.of(counters.routes(), "GET", "/counters/" + Target.encodeSegment(key)).send();
  }
}
