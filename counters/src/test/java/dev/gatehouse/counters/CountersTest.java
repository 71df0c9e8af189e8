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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CountersTest {
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
        "[{\"key\":\"k\",\"value\":1}]|object",
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
  void the_extremes_of_64_bits_add_up_exactly_beyond_them() {
    for (int i = 0; i < 3; i++) {
      increment("k", Long.toString(Long.MAX_VALUE));
      increment("l", Long.toString(Long.MIN_VALUE));
    }
    counters.flushNow();
    increment("k", Long.toString(Long.MAX_VALUE));
    assertThat(get("k").bodyText())
        .contains("\"value\":36893488147419103228,\"persisted\":27670116110564327421,");
    assertThat(get("l").bodyText()).contains("\"value\":-27670116110564327424,");
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
    var sql = new CounterSql(database, UUID.randomUUID());
    var chunk = new Window.Chunk(1, 0, List.of("k"), List.of(BigInteger.TEN));
    sql.add(chunk);
    sql.add(chunk);
    assertThat(get("k").bodyText()).contains("\"value\":10,");
  }

  @Test
  void ledger_rows_are_pruned_after_an_hour_but_never_the_newest() {
    for (int i = 0; i < 3; i++) {
      increment("k", "1");
      counters.flushNow();
    }
    database.with(handle ->
        handle.execute("UPDATE counters_flushed SET flushed_at = now() - interval '61 minutes'"));
    increment("k", "1");
    ticker.advance(Duration.ofMinutes(6));
    counters.flushNow();
    int rows =
        database.with(handle ->
            handle.select("SELECT count(*) FROM counters_flushed").mapTo(Integer.class).one());
    assertThat(rows).isEqualTo(1);
    increment("k", "1");
    assertThat(get("k").bodyText()).contains("\"value\":5,\"persisted\":4,");
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
    return Counters.start(
        CounterSettings.DEFAULTS.withFlushEvery(flushEvery),
        database,
        UUID.randomUUID(),
        scheduler,
        ticker);
  }

  private Response increment(String key, String value) {
    var body = new LinkedHashMap<String, Object>();
    body.put("key", key);
    body.put("value", new BigInteger(value));
    return Call.of(counters.routes(), "POST", "/increment").body(Json.bytes(body)).send();
  }

  private Response get(String key) {
    return Call.of(counters.routes(), "GET", "/counters/" + Target.encodeSegment(key)).send();
  }
}
