package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.journal.JournalSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

/// The counters while the machine's clock jumps.
///
/// The process itself asks a nano ticker, which no step of a clock moves. The one wall clock that
/// it hears is the database's: here every `now()` of its statements finds a function of that name
/// first, and that one's answer jumps.
class ClockJumpTest {
  private static final int KEYS = 20;
  private static final int WRITERS = 4;

  @TempDir Path root;

  private final FakeTicker ticker = new FakeTicker();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(3);
  private final CounterSettings settings =
      CounterSettings.DEFAULTS
          .withFlushEvery(Duration.ofMillis(3))
          .withCloseWithin(Duration.ofSeconds(20))
          .withJournal(
              new JournalSettings(Durability.PROCESS, 64 << 20, 8 << 10, Duration.ofHours(1)));
  private final AtomicLongArray acknowledged = new AtomicLongArray(KEYS);
  private final AtomicLong answered = new AtomicLong();
  private final AtomicBoolean over = new AtomicBoolean();
  private Database clock;
  private Database database;

  @BeforeEach
  void open() {
    var url = TestPostgres.url();
    clock = Database.open(new DatabaseSettings(url, 1, "clock"));
    clock.with(handle ->
        handle.execute(
            """
            CREATE SCHEMA skewed;
            CREATE TABLE skewed.clock (ahead interval NOT NULL);
            INSERT INTO skewed.clock VALUES ('0');
            CREATE FUNCTION skewed.now() RETURNS timestamptz LANGUAGE sql STABLE AS
              'SELECT pg_catalog.now() + ahead FROM skewed.clock';
            ALTER TABLE counters_marks ALTER moved_at SET DEFAULT skewed.now();
            ALTER TABLE counters_requests ALTER taken_at SET DEFAULT skewed.now();
            DO $$ BEGIN
              EXECUTE format('ALTER DATABASE %I SET search_path = skewed, pg_catalog, public',
                current_database());
            END $$
            """));
    database = Database.open(new DatabaseSettings(url, 6, "counters"));
  }

  @AfterEach
  void stop() {
    scheduler.shutdownNow();
    database.close();
    clock.close();
  }

  @Test
  void a_clock_that_jumps_by_an_hour_forward_and_back_loses_and_doubles_nothing() {
    var journals = root.resolve("journals");
    try (var one = start(journals);
        var two = start(journals);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var writers = new ArrayList<Future<?>>();
      for (int i = 0; i < WRITERS; i++) {
        var random = new Random(i);
        var name = "writer" + i + "-";
        writers.add(threads.submit(() -> write(one, two, random, name)));
      }
      for (var ahead : List.of("0", "1 hour", "0", "-1 hour", "0", "1 hour", "-1 hour")) {
        jump(ahead);
        // Old requests are forgotten every five minutes, by the clock that has jumped.
        ticker.advance(Duration.ofMinutes(6));
        counting(300, writers);
        assertThat(firstSegments(journals)).as("kept for an hour").isEqualTo(2);
      }
      over.set(true);
      for (var writer : writers) {
        assertThat(writer).succeedsWithin(Duration.ofSeconds(30));
      }
      assertThat(one.differing() + two.differing()).isZero();
      ticker.advance(Duration.ofHours(1));
      Awaitility.await().until(() -> firstSegments(journals) == 0);
    } // closing flushes
    for (int key = 0; key < KEYS; key++) {
      assertThat(total("k" + key)).as("k" + key).isEqualTo(acknowledged.get(key));
    }
  }

  private record Sent(String id, String body) {}

  /// Counts with and without an `Idempotency-Key`, and repeats what had one, however long ago, on
  /// either replica.
  private void write(Counters one, Counters two, Random random, String name) {
    var sent = new ArrayList<Sent>();
    while (!over.get()) {
      var counters = random.nextBoolean() ? one : two;
      int key = random.nextInt(KEYS);
      long value = random.nextLong(-1000, 1000);
      var body = "{\"key\":\"k" + key + "\",\"value\":" + value + "}";
      int kind = random.nextInt(4);
      if (kind == 0 && !sent.isEmpty()) {
        var again = sent.get(random.nextInt(sent.size()));
        taken(increment(counters, again.body(), again.id()));
      } else if (kind == 1) {
        taken(Call.of(counters.routes(), "POST", "/increment").body(body).send());
        acknowledged.addAndGet(key, value);
      } else {
        sent.add(new Sent(name + sent.size(), body));
        taken(increment(counters, body, sent.getLast().id()));
        acknowledged.addAndGet(key, value);
      }
      answered.incrementAndGet();
    }
  }

  private static void taken(Response answer) {
    assertThat(answer.status()).as(answer.bodyText()).isEqualTo(202);
  }

  private static Response increment(Counters counters, String body, String id) {
    return Call.of(counters.routes(), "POST", "/increment")
        .with("idempotency-key", id)
        .body(body)
        .send();
  }

  private void jump(String ahead) {
    clock.with(
        handle -> handle.execute("UPDATE skewed.clock SET ahead = CAST(? AS interval)", ahead));
  }

  /// Until so many more have been answered.
  private void counting(int more, List<Future<?>> writers) {
    long enough = answered.get() + more;
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> answered.get() >= enough || writers.stream().anyMatch(Future::isDone));
  }

  private Counters start(Path journals) {
    return Service.start(settings, database, journals, scheduler, ticker);
  }

  private long total(String key) {
    return database.with(handle ->
        handle
            .select("SELECT value FROM counters_totals WHERE key = ?", key)
            .mapTo(BigDecimal.class)
            .one()
            .longValueExact());
  }

  /// How many journals still have the file they began with.
  private static long firstSegments(Path journals) {
    try (var files = Files.walk(journals)) {
      return files.filter(file -> file.endsWith("000000000001.journal")).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
