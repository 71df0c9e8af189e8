package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.journal.JournalSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.Seeded;
import dev.gatehouse.testkit.TestPostgres;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutageTest {
  private static final int KEYS = 50;
  private static final int WRITERS = 6;
  private static final int FAULTS = 25;
  private static final Duration NEVER = Duration.ofDays(1);

  @TempDir Path journals;

  private final FakeTicker ticker = new FakeTicker();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(3);
  private Database truth;
  private CuttingLink link;
  private Database database;

  @BeforeEach
  void open() {
    var url = TestPostgres.url();
    truth = Database.open(new DatabaseSettings(url, 2, "truth"));
    link = new CuttingLink(url);
    database = Database.open(new DatabaseSettings(link.url(), 6, "counters"));
  }

  @AfterEach
  void stop() {
    scheduler.shutdownNow();
    database.close();
    link.close();
    truth.close();
  }

  @Test
  void a_chunk_whose_commit_was_not_answered_is_counted_once() {
    try (var counters = start(CounterSettings.DEFAULTS.withFlushEvery(NEVER))) {
      long sent = 0;
      int lost = 0;
      for (int i = 0; i < 100 && lost < 3; i++) {
        assertThat(increment(counters, "k", 1).status()).isEqualTo(202);
        sent++;
        var before = marks();
        link.loseNextAnswer();
        if (!counters.flushNow() && !marks().equals(before)) {
          lost++; // committed, and the process does not know it
          assertThat(total("k")).isEqualTo(sent);
          var read = get(counters, "k");
          assertThat(Json.parse(read.body()).get("value").longValue()).isEqualTo(sent);
          assertThat(Json.parse(read.body()).get("persisted").longValue()).isEqualTo(sent);
        }
        Awaitility.await().until(counters::flushNow);
        assertThat(total("k")).isEqualTo(sent);
      }
      assertThat(lost).isEqualTo(3);
    }
  }

  @Test
  void without_postgres_increments_go_on_and_what_cannot_be_known_is_503_and_counts_nothing() {
    try (var counters = start(CounterSettings.DEFAULTS.withFlushEvery(NEVER))) {
      increment(counters, "k", 1);
      counters.flushNow();
      link.down();
      assertThat(increment(counters, "k", 2).status()).isEqualTo(202);
      assertThat(counters.flushNow()).isFalse();
      assertThat(counters.health()).startsWith("degraded: ");
      assertThat(increment(counters, "k", 4).status()).isEqualTo(202);
      var unknown = incrementAndGet(counters, "k", 8);
      assertThat(unknown.status()).isEqualTo(503);
      assertThat(unknown.header("retry-after")).isPresent();
      assertThat(get(counters, "other").status()).isEqualTo(503);
      link.up();
      Awaitility.await().until(() -> counters.flushNow() && counters.pendingKeys() == 0);
      assertThat(counters.health()).isEqualTo("ok");
      assertThat(total("k")).isEqualTo(7);
      Awaitility.await().until(() -> incrementAndGet(counters, "k", 1).status() == 200);
    }
  }

  @Test
  void at_the_bound_new_keys_are_503_and_nothing_acknowledged_is_lost() {
    var small = small(NEVER, 3, 10, 1 << 20);
    try (var counters = start(small)) {
      link.down();
      for (int i = 0; i < 6; i++) {
        assertThat(increment(counters, "k" + i, 1).status()).isEqualTo(202);
      }
      assertThat(counters.flushNow()).isFalse();
      for (int i = 6; i < 10; i++) {
        assertThat(increment(counters, "k" + i, 1).status()).isEqualTo(202);
      }
      assertThat(counters.pendingKeys()).isEqualTo(10);
      var refused = increment(counters, "k10", 1);
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("retry-after")).isPresent();
      assertThat(increment(counters, "k9", 1).status()).isEqualTo(202);
      link.up();
      Awaitility.await().until(() -> counters.flushNow() && counters.pendingKeys() == 0);
      for (int i = 0; i < 10; i++) {
        assertThat(total("k" + i)).isEqualTo(i == 9 ? 2 : 1);
      }
      assertThat(total("k10")).isZero();
      assertThat(increment(counters, "k10", 1).status()).isEqualTo(202);
    }
  }

  @Test
  void long_keys_meet_a_bound_on_memory() {
    var small = small(NEVER, 3, 1000, 4000);
    try (var counters = start(small)) {
      int taken = 0;
      while (increment(counters, "k".repeat(500) + taken, 1).status() == 202) {
        taken++;
      }
      assertThat(taken).isEqualTo(3);
      assertThat(counters.flushNow()).isTrue();
      assertThat(increment(counters, "k".repeat(500), 1).status()).isEqualTo(202);
    }
  }

  @Test
  void totals_are_exact_however_often_connections_break() {
    Seeded.check(2, this::breakConnections);
  }

  private void breakConnections(Random random) {
    var settings =
        small(Duration.ofMillis(3), 7, 1000, 1 << 20).withCloseWithin(Duration.ofSeconds(20));
    var run = "run" + random.nextInt(1_000_000) + "-";
    var expected = new AtomicLongArray(KEYS);
    var answered = new AtomicLong();
    var faulty = new AtomicBoolean(true);
    try (var one = start(settings);
        var two = start(settings);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var writers = new ArrayList<Future<?>>();
      for (int i = 0; i < WRITERS; i++) {
        var counters = i % 2 == 0 ? one : two;
        var own = new Random(random.nextLong());
        var aloud = run + "aloud" + i;
        writers.add(
            threads.submit(() -> {
              long last = 0;
              while (faulty.get()) {
                write(counters, own, run, expected);
                last = countAloud(counters, aloud, last);
                answered.incrementAndGet();
              }
            }));
      }
      for (int i = 0; i < FAULTS && writers.stream().noneMatch(Future::isDone); i++) {
        switch (random.nextInt(4)) {
          case 0 -> link.cut();
          case 1, 2 -> link.loseNextAnswer();
          default -> terminateBackends();
        }
        long enough = answered.get() + 1 + random.nextInt(2 * WRITERS);
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .pollInterval(Duration.ofMillis(1))
            .until(() -> answered.get() >= enough || writers.stream().anyMatch(Future::isDone));
      }
      faulty.set(false);
      for (var writer : writers) {
        assertThat(writer).succeedsWithin(Duration.ofSeconds(30));
      }
    } // closing flushes
    for (int key = 0; key < KEYS; key++) {
      assertThat(total(run + key)).isEqualTo(expected.get(key));
    }
  }

  /// Adds to random keys, and counts what was acknowledged.
  private static void write(
      Counters counters, Random random, String run, AtomicLongArray acknowledged) {
    for (int i = 0; i < 50; i++) {
      int key = random.nextInt(KEYS);
      long value = random.nextLong(-1000, 1000);
      if (increment(counters, run + key, value).status() == 202) {
        acknowledged.addAndGet(key, value);
      }
    }
  }

  /// On a key that nobody else counts each answer is the one before and one, whatever is being
  /// flushed or broken; a 503 has counted nothing.
  private static long countAloud(Counters counters, String key, long last) {
    var answer = incrementAndGet(counters, key, 1);
    long now = last + (answer.status() == 200 ? 1 : 0);
    if (answer.status() == 200) {
      assertThat(answer.bodyText()).isEqualTo("{\"newValue\":" + now + "}");
    } else {
      assertThat(answer.status()).isEqualTo(503);
    }
    var read = get(counters, key);
    if (read.status() == 200) {
      assertThat(Json.parse(read.body()).get("value").longValue()).isEqualTo(now);
    }
    return now;
  }

  private void terminateBackends() {
    truth.with(handle ->
        handle
            .select(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE application_name = 'counters' AND datname = current_database()")
            .mapTo(Boolean.class)
            .list());
  }

  private String marks() {
    return truth.with(handle ->
        handle
            .select("SELECT window_no, chunk_no FROM counters_marks ORDER BY journal")
            .mapToMap()
            .list()
            .toString());
  }

  private long total(String key) {
    return truth.with(handle ->
        handle
            .select("SELECT value FROM counters_totals WHERE key = ?", key)
            .mapTo(BigDecimal.class)
            .findOne()
            .map(BigDecimal::longValueExact)
            .orElse(0L));
  }

  private static CounterSettings small(Duration flushEvery, int chunk, int keys, long bytes) {
    return new CounterSettings(
        flushEvery,
        chunk,
        keys,
        bytes,
        Duration.ofSeconds(5),
        new JournalSettings(Durability.PROCESS, 8 << 20, 64 << 10, Duration.ofHours(1)));
  }

  private Counters start(CounterSettings settings) {
    return Service.start(settings, database, journals, scheduler, ticker);
  }

  private static Response increment(Counters counters, String key, long value) {
    return Call.of(counters.routes(), "POST", "/increment").body(body(key, value)).send();
  }

  private static Response incrementAndGet(Counters counters, String key, long value) {
    return Call.of(counters.routes(), "POST", "/api/increment")
        .as("user")
        .body(body(key, value))
        .send();
  }

  private static Response get(Counters counters, String key) {
    return Call.of(counters.routes(), "GET", "/counters/" + key).send();
  }

  private static String body(String key, long value) {
    return "{\"key\":" + Json.string(key) + ",\"value\":" + BigInteger.valueOf(value) + "}";
  }
}
