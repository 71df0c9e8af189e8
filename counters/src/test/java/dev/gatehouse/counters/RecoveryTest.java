package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.journal.JournalHome;
import dev.gatehouse.state.journal.JournalSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecoveryTest {
  @TempDir Path root;

  private final FakeTicker ticker = new FakeTicker();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);
  private final CounterSettings settings =
      new CounterSettings(
          Duration.ofDays(1),
          3,
          1000,
          1 << 20,
          Duration.ofMillis(500),
          new JournalSettings(Durability.PROCESS, 192 << 10, 64 << 10, Duration.ofHours(1)));
  private Database database;
  private CuttingLink link;

  @BeforeEach
  void open() {
    link = new CuttingLink(TestPostgres.url());
    database = Database.open(new DatabaseSettings(link.url(), 4, "counters"));
  }

  @AfterEach
  void stop() {
    scheduler.shutdownNow();
    database.close();
    link.close();
  }

  @Test
  void what_was_acknowledged_survives_the_process_and_is_counted_once() {
    var journals = root.resolve("journals");
    try (var counters = start(settings, journals)) {
      add(counters, 20, 1);
      assertThat(once(counters, "a", "k1", 100).status()).isEqualTo(202);
      counters.flushNow();
      add(counters, 10, 1);
      assertThat(once(counters, "b", "k1", 1000).status()).isEqualTo(202);
      // As kill -9 leaves it: what one process flushed in spite of it the other finds flushed.
      var left = Service.killed(journals);
      try (var after = start(settings, left)) {
        assertThat(after.pendingKeys()).isEqualTo(11);
        assertThat(once(after, "a", "k1", 100).status()).isEqualTo(202);
        assertThat(once(after, "b", "k1", 1000).status()).isEqualTo(202);
        assertThat(once(after, "b", "k1", 1).status()).isEqualTo(422);
        assertThat(value(after, "k1")).isEqualTo(1102);
        assertThat(after.flushNow()).isTrue();
        assertThat(after.pendingKeys()).isZero();
        assertThat(value(after, "k1")).isEqualTo(1102);
        assertThat(value(after, "k15")).isEqualTo(1);
      }
      counters.flushNow();
      assertThat(value(counters, "k1")).isEqualTo(1102);
      assertThat(value(counters, "k15")).isEqualTo(1);
    }
  }

  @Test
  void a_flush_that_ended_in_the_middle_goes_on_where_it_was() {
    var journals = root.resolve("journals");
    try (var counters = start(settings, journals)) {
      add(counters, 20, 1);
      counters.flushNow();
      var half = Service.killed(journals);
      set("UPDATE counters_marks SET chunk_no = 2");
      set("UPDATE counters_totals SET value = 0 WHERE key >= 'k17'"); // the 10th key by its bytes
      try (var after = start(settings, half)) {
        after.flushNow();
        for (int i = 0; i < 20; i++) {
          assertThat(value(after, "k" + i)).as("k" + i).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void what_a_failover_lost_is_added_again() {
    try (var counters = start(settings, root.resolve("journals"))) {
      add(counters, 10, 1);
      counters.flushNow();
      set("CREATE TABLE marks_then AS TABLE counters_marks");
      set("CREATE TABLE totals_then AS TABLE counters_totals");
      for (int i = 0; i < 3; i++) {
        add(counters, 10, 2);
        once(counters, "id" + i, "k1", 100);
        counters.flushNow();
      }
      // The standby that takes over had none of the last three windows.
      set("TRUNCATE counters_marks, counters_totals, counters_requests");
      set("INSERT INTO counters_marks TABLE marks_then");
      set("INSERT INTO counters_totals TABLE totals_then");
      add(counters, 10, 4);
      counters.flushNow();
      assertThat(counters.flushNow()).isTrue();
      assertThat(value(counters, "k1")).isEqualTo(1 + 6 + 300 + 4);
      assertThat(value(counters, "k2")).isEqualTo(1 + 6 + 4);
    }
  }

  @Test
  void a_journal_that_nobody_locks_any_more_is_flushed_and_deleted_after_its_time()
      throws IOException {
    var journals = root.resolve("journals");
    var left = root.resolve("left");
    try (var counters = start(settings, left)) {
      add(counters, 20, 1);
      link.down();
      counters.close();
      // What waits for the database still works with the journal, so nobody else may.
      link.up();
      Awaitility.await().until(() -> unlocked(left));
    }
    try (var counters = start(settings, journals)) {
      add(counters, 1, 1);
      counters.flushNow();
      moveInto(left, journals);
      var broken = brokenJournal(journals);
      ticker.advance(Duration.ofSeconds(11));
      Awaitility.await().until(() -> counters.flushNow() && value(counters, "k19") == 1);
      assertThat(value(counters, "k0")).isEqualTo(2);
      assertThat(directories(journals)).isEqualTo(3);
      assertThat(unlocked(journals)).as("what cannot be read is let go").isTrue();
      Files.delete(broken);
      ticker.advance(Duration.ofMinutes(61));
      counters.flushNow();
      assertThat(directories(journals)).isEqualTo(2);
      ticker.advance(Duration.ofMinutes(61));
      counters.flushNow();
      assertThat(directories(journals)).isEqualTo(1);
      assertThat(value(counters, "k19")).isEqualTo(1);
    }
  }

  @Test
  void a_stopped_process_keeps_its_journal() throws IOException {
    var journals = root.resolve("journals");
    try (var one = start(settings, journals);
        var two = start(settings, journals)) {
      add(one, 5, 1);
      ticker.advance(Duration.ofMinutes(1));
      two.flushNow();
      assertThat(one.pendingKeys()).isEqualTo(5);
      assertThat(value(two, "k1")).isZero();
      assertThat(JournalHome.adopt(journals, 9)).isEmpty();
      one.flushNow();
      assertThat(value(two, "k1")).isEqualTo(1);
    }
  }

  @Test
  void when_the_journal_is_full_it_is_503_and_everything_before_is_counted() {
    var roomy =
        new CounterSettings(
            Duration.ofDays(1), 3, 1 << 20, 1 << 30, Duration.ofSeconds(2), settings.journal());
    try (var counters = start(roomy, root.resolve("journals"))) {
      link.down();
      var acknowledged = new AtomicLong();
      // The next segment may only be in the making when the first one is refused.
      Awaitility.await()
          .until(() -> {
            while (increment(counters, "k", 1).status() == 202) {
              acknowledged.incrementAndGet();
            }
            return counters.health().contains("full");
          });
      var refused = increment(counters, "k", 1);
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("retry-after")).isPresent();
      assertThat(counters.health()).startsWith("degraded");
      link.up();
      Awaitility.await().until(counters::flushNow);
      assertThat(value(counters, "k")).isEqualTo(acknowledged.get());
      ticker.advance(Duration.ofSeconds(1));
      counters.flushNow();
      assertThat(increment(counters, "k", 1).status()).isEqualTo(202);
    }
  }

  @Test
  void with_durability_disk_it_is_on_the_disk_before_the_answer() {
    var disk =
        settings.withJournal(
            new JournalSettings(Durability.DISK, 1 << 20, 64 << 10, Duration.ofHours(1)));
    var journals = root.resolve("journals");
    try (var counters = start(disk, journals)) {
      add(counters, 20, 1);
      try (var after = start(disk, Service.killed(journals))) {
        assertThat(after.pendingKeys()).isEqualTo(20);
        after.flushNow();
        assertThat(value(after, "k3")).isEqualTo(1);
      }
    }
  }

  private Counters start(CounterSettings with, Path journals) {
    return Service.start(with, database, journals, scheduler, ticker);
  }

  private static void add(Counters counters, int keys, long value) {
    for (int i = 0; i < keys; i++) {
      assertThat(increment(counters, "k" + i, value).status()).isEqualTo(202);
    }
  }

  private static Response increment(Counters counters, String key, long value) {
    return Call.of(counters.routes(), "POST", "/increment")
        .body("{\"key\":\"" + key + "\",\"value\":" + value + "}")
        .send();
  }

  private static Response once(Counters counters, String id, String key, long value) {
    return Call.of(counters.routes(), "POST", "/increment")
        .with("idempotency-key", id)
        .body("{\"key\":\"" + key + "\",\"value\":" + value + "}")
        .send();
  }

  private static long value(Counters counters, String key) {
    var answer = Call.of(counters.routes(), "GET", "/counters/" + key).send();
    return answer.status() == 200 ? Json.parse(answer.body()).get("value").longValue() : 0;
  }

  private void set(String sql) {
    database.with(handle -> handle.execute(sql));
  }

  private static void moveInto(Path from, Path to) throws IOException {
    try (var directories = Files.list(from)) {
      for (var directory : directories.toList()) {
        Files.move(directory, to.resolve(directory.getFileName()));
      }
    }
  }

  /// One that cannot be read until the file is deleted that is returned.
  private static Path brokenJournal(Path root) throws IOException {
    var inTheWay = root.resolve(UUID.randomUUID().toString()).resolve("000000000001.new");
    Files.createDirectories(inTheWay);
    return Files.createFile(inTheWay.resolve("file"));
  }

  /// Whether there is a journal that nobody locks.
  private static boolean unlocked(Path root) throws IOException {
    var homes = JournalHome.adopt(root, 9);
    for (var home : homes) {
      home.close();
    }
    return !homes.isEmpty();
  }

  private static long directories(Path root) throws IOException {
    try (var directories = Files.list(root)) {
      return directories.count();
    }
  }
}
