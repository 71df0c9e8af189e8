package dev.gatehouse.edge.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.edge.filter.Steps;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.TestPostgres;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class UsageTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:34:56Z");
  private static final int BOUND = 50_000;

  /// In this order.
  private static final Map<String, String> PATHS = new LinkedHashMap<>();

  static {
    PATHS.put("shop", "/shop/**");
    PATHS.put("gatehouse", "-");
  }

  private final Database database = TestPostgres.database();
  private final UsageSql sql = new UsageSql(database, UUID.randomUUID());
  private final Pending pending = new Pending(BOUND);

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void what_was_counted_adds_up_by_route_client_and_status() {
    var tally = new Tally();
    for (int i = 0; i < 30; i++) {
      tally.count(done("shop", "10.0.0." + i % 3, i % 2 == 0 ? 200 : 404, 10));
    }
    tally.count(done("blog", "10.0.0.1", 0, 10));
    gather(NOW, tally);
    gather(NOW, one("blog", "10.0.0.1", 503));
    store();

    var all = ask("by", "route,client,status");
    assertThat(all.path("total").path("requests").asLong()).isEqualTo(32);
    assertThat(all.path("total").path("bytesIn").asLong()).isEqualTo(311);
    assertThat(rows(all, "route", "client", "status"))
        .containsEntry("shop 10.0.0.0 2xx", 5L)
        .containsEntry("shop 10.0.0.1 4xx", 5L)
        .containsEntry("blog 10.0.0.1 none", 1L)
        .containsEntry("blog 10.0.0.1 5xx", 1L)
        .hasSize(8);
    assertThat(rows(ask("by", "path"), "path"))
        .containsOnly(Map.entry("/shop/**", 30L), Map.entry("-", 2L));
    assertThat(rows(ask("by", "route", "status", "2xx,none", "client", "10.0.0.1"), "route"))
        .containsOnly(Map.entry("shop", 5L), Map.entry("blog", 1L));
  }

  @Test
  void a_batch_whose_commit_was_not_answered_is_counted_once() {
    gather(NOW, one("shop", "10.0.0.1", 200));
    var first = pending.take().orElseThrow();
    sql.add(first);
    gather(NOW, one("shop", "10.0.0.1", 200));
    assertThat(pending.take()).as("the same, until it is certain").contains(first);
    sql.add(first);
    pending.stored(first);
    store();
    assertThat(total()).isEqualTo(2);
  }

  @Test
  void several_edges_add_up() {
    gather(NOW, one("shop", "10.0.0.1", 200));
    store();
    var other = new Pending(BOUND);
    other.add(NOW.getEpochSecond(), List.of(one("shop", "10.0.0.1", 200)));
    new UsageSql(database, UUID.randomUUID()).add(other.take().orElseThrow());
    assertThat(total()).isEqualTo(2);
  }

  @Test
  void of_each_minute_the_thousand_clients_that_ask_most_have_rows_and_the_others_are_summed() {
    // Three gatherings of one minute, each with clients of its own: 1,800 in all.
    for (int part = 0; part < 3; part++) {
      var tally = new Tally();
      for (int i = 0; i < 600; i++) {
        for (int times = 0; times <= (i < 300 ? 1 : 0); times++) {
          tally.count(done("shop", "10.0." + part + "." + i, 200, 1));
        }
      }
      gather(NOW.minusSeconds(60), tally);
      store();
    }
    assertThat(rows(ask("by", "client", "top", "10000"), "client")).hasSize(1800);
    sql.tidy(NOW);
    var clients = rows(ask("by", "client", "top", "10000"), "client");
    assertThat(clients).hasSize(1001).containsEntry("other", 800L);
    assertThat(clients.values().stream().filter(count -> count == 2)).hasSize(900);
    assertThat(total()).isEqualTo(2700);
  }

  @Test
  void minutes_become_hours_after_two_days_and_hours_are_forgotten_after_a_year() {
    var old = NOW.minus(Duration.ofDays(3));
    for (int minute = 0; minute < 90; minute++) {
      gather(old.plusSeconds(60L * minute), one("shop", "10.0.0.1", 200));
    }
    gather(NOW.minus(Duration.ofDays(380)), one("shop", "10.0.0.1", 200));
    gather(NOW, one("shop", "10.0.0.1", 200));
    store();
    sql.tidy(NOW);
    assertThat(count("usage_requests WHERE hourly")).as("12:00, 13:00 and 14:00").isEqualTo(3);
    assertThat(count("usage_requests WHERE NOT hourly")).isEqualTo(1);
    assertThat(count("usage_latencies WHERE hourly")).isEqualTo(3);
    assertThat(asked("366d")).isEqualTo(91);
    // Late, from an edge that could not reach the database for days.
    gather(old, one("shop", "10.0.0.1", 200));
    store();
    sql.tidy(NOW);
    assertThat(count("usage_requests WHERE hourly")).isEqualTo(3);
    assertThat(asked("366d")).isEqualTo(92);
  }

  @Test
  void a_long_outage_costs_detail_and_no_request() {
    var small = new Pending(200);
    var random = new Random(7);
    long counted = 0;
    for (int minute = 0; minute < 300; minute++) {
      var tally = new Tally();
      for (int i = 0; i < 20; i++) {
        tally.count(done("shop", "10.0.0." + random.nextInt(50), 200, 1));
        counted++;
      }
      small.add(NOW.plusSeconds(60L * minute).getEpochSecond(), List.of(tally));
    }
    assertThat(small.coarsened()).isPositive();
    var batch = small.take().orElseThrow();
    assertThat(batch.rows()).isLessThan(250);
    assertThat(batch.counted()).isEqualTo(counted);
    sql.add(batch);
    assertThat(asked("1h")).isEqualTo(counted);
  }

  @Test
  void a_flood_of_addresses_costs_a_bounded_memory_and_loses_no_request() {
    var tally = new Tally();
    for (int i = 0; i < 3 * Tally.MOST; i++) {
      tally.count(done("shop", "10." + i, 200, 1));
    }
    gather(NOW, tally);
    var batch = pending.take().orElseThrow();
    assertThat(batch.requests()).hasSize(Pending.CLIENTS + 1);
    assertThat(batch.counted()).isEqualTo(3L * Tally.MOST);
  }

  @Test
  void clients_of_ipv6_are_counted_by_their_first_64_bits_as_limits_do() {
    var tally = new Tally();
    tally.count(done("shop", "2001:db8:0:1:0:0:0:1", 200, 1));
    tally.count(done("shop", "2001:db8:0:1:ffff:0:0:2", 200, 1));
    tally.count(done("shop", "2001:db8:0:2:0:0:0:1", 200, 1));
    gather(NOW, tally);
    store();
    assertThat(rows(ask("by", "client"), "client"))
        .isEqualTo(Map.of("2001:db8:0:1::/64", 2L, "2001:db8:0:2::/64", 1L));
    for (var written : List.of("2001:db8:0:1::7", "2001:DB8:0:1::/64", "2001:db8:0:1:0:0:0:1")) {
      assertThat(rows(ask("by", "client", "client", written), "client"))
          .as(written)
          .isEqualTo(Map.of("2001:db8:0:1::/64", 2L));
    }
  }

  @Test
  void a_quantile_is_within_a_quarter_of_the_true_one() {
    var tally = new Tally();
    for (int micros = 1000; micros <= 100_000; micros += 100) {
      tally.count(
          new ExchangeRecord(
              "i",
              "GET",
              "/",
              "shop",
              "10.0.0.1",
              200,
              0,
              0,
              0,
              micros * 1000L,
              "",
              Optional.empty(),
              new Steps(),
              Optional.empty()));
    }
    gather(NOW, tally);
    store();
    var row = ask("by", "route").path("rows").path(0);
    assertThat(row.path("meanMs").asDouble()).isEqualTo(50.5);
    assertThat(row.path("p50Ms").asDouble()).isBetween(50.5 * 0.75, 50.5 * 1.25);
    assertThat(row.path("p99Ms").asDouble()).isBetween(99.0 * 0.75, 99.0 * 1.25);
  }

  @Test
  void limits_are_counted_by_what_they_let_pass_and_turned_away() {
    var tally = new Tally();
    for (int i = 0; i < 5; i++) {
      tally.limit("everyone", i < 3);
    }
    gather(NOW, tally);
    store();
    var row = ask("by", "limit").path("rows").path(0);
    assertThat(row.path("limit").asString()).isEqualTo("everyone");
    assertThat(row.path("allowed").asLong()).isEqualTo(3);
    assertThat(row.path("refused").asLong()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "by=pth | by | can be by route, path, client, status, limit",
        "windw=1h | windw | known are by, window, top, route",
        "window=1y | window | 15m, 1h or 30d",
        "window=400d | window | up to 366d",
        "window=-1h | window | such as",
        "status=200 | status | none, 1xx, 2xx, 3xx, 4xx, 5xx",
        "top=0 | top | from 1 to 10000",
        "route=shp | route | there are shop, gatehouse",
        "path=/x | path | there are /shop/**",
        "by=limit,route | limit | by=limit",
        "limit=everyone | limit | by=limit",
      })
  void a_question_that_cannot_be_answered_is_400_and_says_what_can(
      String query, String field, String hint) {
    var pair = query.split("=", 2);
    assertThatThrownBy(() -> ask(pair[0], pair[1]))
        .isInstanceOfSatisfying(
            Refusal.class,
            refusal -> {
              assertThat(refusal.problem().status()).isEqualTo(400);
              assertThat(refusal.problem().detail()).contains(hint);
              assertThat(refusal.problem().members()).containsEntry("field", field);
            });
  }

  @Test
  void an_empty_time_is_answered_with_nothing() {
    var none = ask("by", "route,status", "route", "shop");
    assertThat(none.path("rows")).isEmpty();
    assertThat(none.path("total").path("requests").asLong(-1)).isZero();
  }

  private void gather(Instant at, Tally tally) {
    pending.add(at.getEpochSecond(), List.of(tally));
  }

  private void store() {
    var batch = pending.take().orElseThrow();
    sql.add(batch);
    pending.stored(batch);
  }

  private JsonNode ask(String... query) {
    var map = new LinkedHashMap<String, String>();
    for (int i = 0; i < query.length; i += 2) {
      map.put(query[i], query[i + 1]);
    }
    return Json.mapper()
        .valueToTree(Report.of(Question.of(map), new ReportSql(database), NOW, PATHS));
  }

  private long total() {
    return asked("1h");
  }

  private long asked(String window) {
    return ask("by", "route", "window", window).path("total").path("requests").asLong();
  }

  private static Map<String, Long> rows(JsonNode report, String... by) {
    var rows = new LinkedHashMap<String, Long>();
    for (var row : report.path("rows")) {
      var name = new StringBuilder();
      for (var word : by) {
        name.append(name.isEmpty() ? "" : " ").append(row.path(word).asString());
      }
      rows.put(name.toString(), row.path("requests").asLong());
    }
    return rows;
  }

  private int count(String from) {
    return database.with(
        handle -> handle.createQuery("SELECT count(*) FROM " + from).mapTo(Integer.class).one());
  }

  private static Tally one(String route, String client, int status) {
    var tally = new Tally();
    tally.count(done(route, client, status, 1));
    return tally;
  }

  private static ExchangeRecord done(String route, String client, int status, long bytesIn) {
    return new ExchangeRecord(
        "id",
        "GET",
        "/",
        route,
        client,
        status,
        bytesIn,
        5,
        0,
        1_000_000,
        "",
        Optional.empty(),
        new Steps(),
        Optional.empty());
  }
}
