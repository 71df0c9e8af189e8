package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.Migrations;
import dev.gatehouse.state.journal.JournalSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Counters that start without the database, or whose journal lost its end with the machine: they
/// do not know how far the journal is in the totals, or it is further than the journal says.
class BlindStartTest {
  @TempDir Path root;

  private final FakeTicker ticker = new FakeTicker();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);
  private final AtomicBoolean away = new AtomicBoolean();
  private final CounterSettings settings =
      new CounterSettings(
          Duration.ofDays(1),
          3,
          1000,
          1 << 20,
          Duration.ofMillis(500),
          new JournalSettings(Durability.PROCESS, 640 << 10, 64 << 10, Duration.ofHours(1)));
  private CuttingLink link;
  private Database database;

  @BeforeEach
  void open() {
    // Nobody has migrated it.
    link = new CuttingLink(TestPostgres.emptyUrl());
    database = Database.open(new DatabaseSettings(link.url(), 4, "counters"));
  }

  @AfterEach
  void stop() {
    scheduler.shutdownNow();
    database.close();
    link.close();
  }

  @Test
  void started_without_postgres_they_take_increments_at_once_and_add_all_of_them_later() {
    down();
    var first = root.resolve("first");
    try (var one = start(first)) {
      assertThat(one.health()).startsWith("degraded: ");
      add(one, 5, 1);
      assertThat(once(one, "id", "k0", 100).status()).isEqualTo(202);
      assertThat(once(one, "id", "k0", 100).status()).isEqualTo(202);
      assertThat(one.flushNow()).isFalse();
      var read = Call.of(one.routes(), "GET", "/counters/k1").send();
      assertThat(read.status()).isEqualTo(503);
      assertThat(read.header("retry-after")).isPresent();
      var aloud =
          Call.of(one.routes(), "POST", "/api/increment")
              .as("user")
              .body("{\"key\":\"k1\",\"value\":1000}");
      assertThat(aloud.send().status()).isEqualTo(503);
      // Killed and started twice more while it lasts.
      var second = Service.killed(first);
      try (var two = start(second)) {
        add(two, 5, 10);
        assertThat(two.pendingKeys()).isEqualTo(11);
        try (var three = start(Service.killed(second))) {
          assertThat(once(three, "id", "k0", 100).status()).isEqualTo(202);
          add(three, 5, 100);
          up();
          await().until(() -> three.flushNow() && three.pendingKeys() == 0);
          assertThat(three.health()).isEqualTo("ok");
          assertThat(value(three, "k0")).isEqualTo(211);
          for (int i = 1; i < 5; i++) {
            assertThat(value(three, "k" + i)).isEqualTo(111);
          }
        }
      }
    }
  }

  @Test
  void what_a_failover_lost_is_added_again_across_such_a_start() {
    var journals = root.resolve("journals");
    try (var before = start(journals)) {
      add(before, 5, 1);
      before.flushNow();
      var left = Service.killed(journals);
      down();
      try (var counters = start(left)) {
        add(counters, 5, 10);
        up();
        await().until(counters::flushNow);
        assertThat(value(counters, "k1")).isEqualTo(11);
        set("TRUNCATE counters_marks, counters_totals");
        ticker.advance(Duration.ofSeconds(11));
        assertThat(counters.flushNow()).isTrue();
        assertThat(value(counters, "k1")).isEqualTo(11);
      }
    }
  }

  @Test
  void new_windows_are_not_taken_for_those_that_a_lost_end_of_the_journal_had() throws IOException {
    var journals = root.resolve("journals");
    try (var before = start(journals)) {
      for (int i = 0; i < 3; i++) {
        add(before, 5, 1);
        before.flushNow();
      }
      // Of three windows in the totals the first is left: five items, where they were cut, and that
      // they are released.
      var left = Service.killed(journals);
      lose(left, 7);
      var again = Service.killed(left);
      try (var counters = start(left)) {
        add(counters, 5, 10);
        assertThat(counters.flushNow()).isTrue();
        assertThat(value(counters, "k1")).isEqualTo(13);
      }
      set("UPDATE counters_totals SET value = 3");
      set("UPDATE counters_marks SET window_no = 3, chunk_no = 2147483647");
      down();
      try (var counters = start(again)) {
        add(counters, 5, 10);
        up();
        await().until(() -> counters.flushNow() && counters.pendingKeys() == 0);
        assertThat(value(counters, "k1")).isEqualTo(13);
      }
    }
  }

  @Test
  void a_window_that_lost_where_it_was_cut_while_it_was_flushed_counts_nothing_twice()
      throws IOException {
    var journals = root.resolve("journals");
    try (var before = start(journals)) {
      add(before, 20, 1);
      before.flushNow();
      var left = Service.killed(journals);
      lose(left, 15);
      set("UPDATE counters_marks SET chunk_no = 2");
      set("UPDATE counters_totals SET value = 0 WHERE key >= 'k17'"); // the 10th key by its bytes
      try (var counters = start(left)) {
        add(counters, 20, 10);
        await().until(() -> counters.flushNow() && counters.pendingKeys() == 0);
        for (int i = 0; i < 20; i++) {
          var key = "k" + i;
          assertThat(value(counters, key)).as(key).isEqualTo(key.compareTo("k17") < 0 ? 11 : 10);
        }
      }
    }
  }

  // --- the scene ---

  private void down() {
    link.down();
    away.set(true);
  }

  private void up() {
    link.up();
    away.set(false);
  }

  private Counters start(Path journals) {
    return Service.start(settings, database, journals, scheduler, ticker, this::schema);
  }

  private Optional<String> schema() {
    if (away.get()) {
      return Optional.of("It is away.");
    }
    Migrations.apply(database);
    return Optional.empty();
  }

  /// As a crash of the machine may leave the journal: everything from this record on is not there.
  private static void lose(Path journals, int from) throws IOException {
    try (var files = Files.walk(journals)) {
      for (var file : files.filter(path -> path.endsWith("000000000001.journal")).toList()) {
        var bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        int at = 128;
        for (int record = 0; record < from; record++) {
          assertThat(bytes.getInt(at)).as("length of record " + record).isPositive();
          at += 8 + bytes.getInt(at);
        }
        bytes.position(at).put(new byte[bytes.limit() - 64 - at]);
        Files.write(file, bytes.array());
      }
    }
  }

  private static void add(Counters counters, int keys, long value) {
    for (int i = 0; i < keys; i++) {
      var answer =
          Call.of(counters.routes(), "POST", "/increment").body(body("k" + i, value)).send();
      assertThat(answer.status()).isEqualTo(202);
    }
  }

  private static Response once(Counters counters, String id, String key, long value) {
    return Call.of(counters.routes(), "POST", "/increment")
        .with("idempotency-key", id)
        .body(body(key, value))
        .send();
  }

  private static String body(String key, long value) {
    return "{\"key\":\"" + key + "\",\"value\":" + value + "}";
  }

  private static long value(Counters counters, String key) {
    var answer = Call.of(counters.routes(), "GET", "/counters/" + key).send();
    return answer.status() == 200 ? Json.parse(answer.body()).get("value").longValue() : 0;
  }

  private void set(String sql) {
    database.with(handle -> handle.execute(sql));
  }
}
