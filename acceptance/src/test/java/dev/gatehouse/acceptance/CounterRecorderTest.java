package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Clients count at full speed while the counters, PostgreSQL or both are killed or stand still;
/// afterwards every total is what was acknowledged.
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
    totalsAfter("short", 3, Duration.ofSeconds(3));
  }

  @Test
  @Tag("full")
  void totals_are_what_was_acknowledged_after_twenty_kills_and_half_a_minute_without_postgres()
      throws Exception {
    totalsAfter("long", 20, Duration.ofSeconds(30));
  }

  private static void totalsAfter(String name, int kills, Duration outage) throws Exception {
    var random = new SplittableRandom();
    try (var recorder = new CounterRecorder(program.edgePort(), name)) {
      recorder.start(6);
      counting(recorder, 1000);
      for (int i = 0; i < kills; i++) {
        counting(recorder, random.nextInt(2000));
        replica().destroyForcibly();
        if (i == 0) {
          postgres().findFirst().orElseThrow().destroyForcibly();
        }
        counting(recorder, 100);
      }
      var stopped = postgres().toList();
      signal(stopped, "STOP");
      try {
        elapse(outage);
      } finally {
        signal(stopped, "CONT");
      }
      counting(recorder, 100);
      recorder.stop();
      System.out.println(recorder);
      assertThat(recorder.wrong()).isEmpty();
      totalsAreRight(recorder);
    }
  }

  private static void totalsAreRight(CounterRecorder recorder) {
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

  private static ProcessHandle replica() {
    return await()
        .atMost(PATIENCE)
        .until(() -> program.replica("counters-1"), found -> found.isPresent())
        .orElseThrow();
  }

  /// The postmaster and all of its processes.
  private static Stream<ProcessHandle> postgres() throws IOException {
    var file = program.data().resolve("postgres/cluster/postmaster.pid");
    var postmaster =
        ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst().strip())).orElseThrow();
    return Stream.concat(Stream.of(postmaster), postmaster.descendants());
  }

  private static void signal(List<ProcessHandle> processes, String name) throws IOException {
    for (var process : processes) {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().onExit().join();
    }
  }

  /// A time that has to pass is a condition like any other.
  private static void elapse(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    await().atMost(time.multipliedBy(10)).until(() -> System.nanoTime() - end >= 0);
  }
}
