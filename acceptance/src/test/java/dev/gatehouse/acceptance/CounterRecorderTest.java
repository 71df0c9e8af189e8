package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Clients count at full speed while the counters, PostgreSQL or both are killed, asked to end or
/// stand still; afterwards every total is what was acknowledged.
class CounterRecorderTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static ProgramUnderTest program;
  private static Http http;

  @BeforeAll
  static void start() {
    program = ProgramUnderTest.assembly().start();
    http = new Http(program.edgePort());
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  @Test
  void totals_are_what_was_acknowledged_whoever_is_killed_meanwhile() throws Exception {
    totalsAfterKills("short", 3, Duration.ofSeconds(3));
  }

  @Test
  @Tag("full")
  void totals_are_what_was_acknowledged_after_twenty_kills_and_half_a_minute_without_postgres()
      throws Exception {
    totalsAfterKills("long", 20, Duration.ofSeconds(30));
  }

  @Test
  void totals_are_what_was_acknowledged_while_one_of_two_replicas_stands_still() throws Exception {
    totalsAfterStanding("stood", Duration.ofSeconds(2));
  }

  @Test
  @Tag("full")
  void totals_are_what_was_acknowledged_while_one_of_two_replicas_stands_still_for_half_a_minute()
      throws Exception {
    totalsAfterStanding("stood-long", Duration.ofSeconds(30));
  }

  @Test
  void
      sigterm_under_load_ends_a_process_within_five_seconds_and_all_it_acknowledged_is_in_postgres()
          throws Exception {
    try (var recorder = new CounterRecorder(program.edgePort(), "asked", PATIENCE)) {
      recorder.start(6);
      counting(recorder, 1000);
      var asked = replica("counters-1");
      // Whoever is started next would find in the journal what this one has not flushed.
      Processes.signal(program.process(), "STOP");
      try {
        Processes.signal(asked, "TERM");
        await().atMost(Duration.ofSeconds(5)).until(() -> !ProgramUnderTest.isRunning(asked));
        var totals = totals();
        for (int i = 0; i < CounterRecorder.KEYS; i++) {
          assertThat(totals.getOrDefault(recorder.key(i), 0L))
              .as(recorder.key(i))
              .isGreaterThanOrEqualTo(recorder.least(i));
        }
      } finally {
        Processes.signal(program.process(), "CONT");
      }
      counting(recorder, 100);
      totalsAreRight(recorder);
    }
  }

  private static void totalsAfterKills(String name, int kills, Duration outage) throws Exception {
    var random = new SplittableRandom();
    try (var recorder = new CounterRecorder(program.edgePort(), name, PATIENCE)) {
      recorder.start(6);
      counting(recorder, 1000);
      for (int i = 0; i < kills; i++) {
        counting(recorder, random.nextInt(2000));
        replica("counters-1").destroyForcibly();
        if (i == 0) {
          postgres().findFirst().orElseThrow().destroyForcibly();
        }
        counting(recorder, 100);
      }
      var stopped = postgres().toList();
      Processes.signal(stopped, "STOP");
      try {
        Processes.elapse(outage);
        // Whoever takes its place has never heard of the database.
        Processes.kill(replica("counters-1"));
        counting(recorder, 100);
      } finally {
        Processes.signal(stopped, "CONT");
      }
      counting(recorder, 100);
      totalsAreRight(recorder);
    }
  }

  /// Clients that lose patience repeat elsewhere what the stopped one has in its sockets, and
  /// carries out when it wakes.
  private static void totalsAfterStanding(String name, Duration time) throws Exception {
    scale(2);
    try (var recorder = new CounterRecorder(program.edgePort(), name, Duration.ofSeconds(1))) {
      recorder.start(6);
      counting(recorder, 1000);
      var stopped = replica("counters-2");
      long before = recorder.failures();
      Processes.signal(stopped, "STOP");
      try {
        Processes.elapse(time);
        counting(recorder, 100);
      } finally {
        Processes.signal(stopped, "CONT");
      }
      assertThat(recorder.failures()).as("requests that met it").isGreaterThan(before);
      counting(recorder, 100);
      // The other one has what is pending there to itself: it has flushed it when it is gone.
      recorder.stop();
      scale(1);
      totalsAreRight(recorder);
    }
  }

  private static void totalsAreRight(CounterRecorder recorder) throws Exception {
    recorder.stop();
    System.out.println(recorder);
    assertThat(recorder.wrong()).isEmpty();
    for (int i = 0; i < CounterRecorder.KEYS; i++) {
      var path = "/counters/" + recorder.key(i);
      await()
          .atMost(PATIENCE)
          .until(() -> {
            var counter = http.get(path);
            return counter.statusCode() == 200
                && json(counter).path("value").equals(json(counter).path("persisted"));
          });
      assertThat(json(http.get(path)).path("value").longValue())
          .as(recorder.key(i))
          .isBetween(recorder.least(i), recorder.most(i));
    }
  }

  /// Until so many more have been acknowledged.
  private static void counting(CounterRecorder recorder, int more) {
    long before = recorder.answers();
    await().atMost(PATIENCE).until(() -> recorder.answers() - before > more);
  }

  private static void scale(int replicas) {
    var outcome = program.run("scale", "counters=" + replicas);
    assertThat(outcome.exit()).as(outcome.out() + outcome.err()).isZero();
    await().atMost(PATIENCE).until(() -> states("up") == replicas && states("draining") == 0);
  }

  private static int states(String wanted) {
    int found = 0;
    for (var replica : json(http.get("/status?appName=counters"))) {
      found += replica.path("state").asString("").equals(wanted) ? 1 : 0;
    }
    return found;
  }

  private static ProcessHandle replica(String name) {
    return await()
        .atMost(PATIENCE)
        .until(() -> program.replica(name), found -> found.isPresent())
        .orElseThrow();
  }

  /// What the database has, whatever any process knows besides.
  private static Map<String, Long> totals() throws IOException {
    var home = program.data().resolve("postgres");
    var url =
        "postgres://gatehouse:%s@127.0.0.1:%s/gatehouse"
            .formatted(
                Files.readString(home.resolve("password")).strip(),
                Files.readString(home.resolve("port")).strip());
    try (var database = Database.open(new DatabaseSettings(url, 1, "test"))) {
      return database.with(handle ->
          handle
              .select("SELECT key, value FROM counters_totals")
              .reduceRows(
                  new HashMap<>(),
                  (totals, row) -> {
                    totals.put(
                        row.getColumn("key", String.class),
                        row.getColumn("value", BigDecimal.class).longValueExact());
                    return totals;
                  }));
    }
  }

  /// The postmaster and all of its processes.
  private static Stream<ProcessHandle> postgres() throws IOException {
    var file = program.data().resolve("postgres/cluster/postmaster.pid");
    var postmaster =
        ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst().strip())).orElseThrow();
    return Stream.concat(Stream.of(postmaster), postmaster.descendants());
  }
}
