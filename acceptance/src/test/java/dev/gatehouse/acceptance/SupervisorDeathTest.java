package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The end of the supervisor, orderly or not, and what the next start finds.
class SupervisorDeathTest {
  private final ProgramUnderTest program = ProgramUnderTest.assembly();
  private final Http http = new Http(program.edgePort());

  @BeforeEach
  void start() {
    program.start();
    var stored = http.put("/data/p/d", "{\"kept\":1}");
    assertThat(stored.statusCode()).as(stored.body()).isEqualTo(201);
    assertThat(http.put("/age", "{\"name\":\"Ann\",\"age\":31}").statusCode()).isEqualTo(200);
  }

  @AfterEach
  void close() {
    program.close();
  }

  @Test
  void killed_with_9_everything_below_it_ends_within_5_s_and_the_next_up_recovers() {
    assertThat(http.post("/increment", "{\"key\":\"k\",\"value\":7}").statusCode()).isEqualTo(202);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> json(http.get("/counters/k")).path("persisted").longValue() == 7);
    var family = program.family();
    assertThat(family).hasSizeGreaterThanOrEqualTo(8);
    program.killSupervisor();
    await().atMost(Duration.ofSeconds(5)).until(() -> alive(family).isEmpty());
    program.start();
    everythingIsThere();
    assertThat(counted()).isEqualTo(7);
  }

  @Test
  void the_next_up_recovers_at_once_after_a_kill() {
    program.killSupervisor();
    program.start();
    everythingIsThere();
  }

  @Test
  void sigterm_stops_everything_and_loses_no_acknowledged_increment() {
    for (int i = 0; i < 100; i++) {
      assertThat(http.post("/increment", "{\"key\":\"k\",\"value\":1}").statusCode())
          .isEqualTo(202);
    }
    var family = program.family();
    assertThat(program.stop()).isIn(0, 130, 143);
    assertThat(alive(family)).map(process -> process.info().toString()).isEmpty();
    program.start();
    everythingIsThere();
    assertThat(counted()).isEqualTo(100);
  }

  @Test
  void a_second_up_on_the_same_data_says_so_in_one_sentence() {
    var second = program.run("up", "--data", program.data().toString());
    assertThat(second.exit()).isNotZero();
    assertThat(second.err() + second.out()).doesNotContain("\tat ", "Exception");
    everythingIsThere();
  }

  private void everythingIsThere() {
    assertThat(http.get("/data/p/d").body()).isEqualTo("{\"kept\":1}");
    assertThat(http.get("/age/Ann").body()).isEqualTo("[[\"Ann\",31]]");
  }

  /// A replica of counters is ready before its database has answered, since it can count; until
  /// then its totals are a 503.
  private long counted() {
    return json(await()
            .atMost(Duration.ofSeconds(10))
            .until(() -> http.get("/counters/k"), answer -> answer.statusCode() == 200))
        .path("value")
        .longValue();
  }

  private static List<ProcessHandle> alive(List<ProcessHandle> processes) {
    return processes.stream().filter(ProgramUnderTest::isRunning).toList();
  }
}
