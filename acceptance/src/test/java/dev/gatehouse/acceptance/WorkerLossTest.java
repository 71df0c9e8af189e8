package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// MultiVAC while its workers are killed. It has an assembly of its own: only a new database shows
/// which datum is the first.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WorkerLossTest {
  private static final String INSUFFICIENT = "INSUFFICIENT DATA FOR MEANINGFUL ANSWER.";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int KILLS = 6;

  /// Between two kills; more than a worker claims at a time.
  private static final int DATA = 60;

  private final RecordingOrigin meli = RecordingOrigin.start();
  private final ProgramUnderTest program = ProgramUnderTest.assembly().with("MELI_URL", meli.url());
  private final Http http = new Http(program.edgePort());

  @BeforeAll
  void start() {
    program.start();
  }

  @AfterAll
  void close() {
    program.close();
    meli.close();
  }

  @Test
  void whichever_workers_are_killed_each_datum_is_processed_once_and_the_first_stays() {
    assertThat(http.get("/multivac").body()).isEqualTo(INSUFFICIENT);
    var answers = ConcurrentHashMap.<String>newKeySet();
    var over = new AtomicBoolean();
    var reader =
        Thread.ofVirtual()
            .start(() -> {
              while (!over.get()) {
                answers.add(http.get("/multivac").body());
              }
            });
    var fed = new ArrayList<String>();
    for (int kill = 0; kill < KILLS; kill++) {
      feed(fed);
      kill("worker-" + (kill % 2 + 1));
      feed(fed);
    }
    kill("worker-1", "worker-2");
    feed(fed);
    await().atMost(PATIENCE).until(() -> jobs().values().stream().allMatch("done"::equals));
    over.set(true);
    await().until(() -> !reader.isAlive());

    // No job beside those that were fed, each of them once, however often it was begun.
    assertThat(jobs()).hasSize(fed.size());
    assertThat(fed).contains(http.get("/zzz").body());
    answers.remove(INSUFFICIENT);
    assertThat(answers).hasSize(1);
    assertThat(fed).containsAll(answers);
    assertThat(http.form("/multivac/data", "data=last").statusCode()).isEqualTo(200);
    await().atMost(PATIENCE).until(() -> http.get("/zzz").body().equals("last"));
    assertThat(answers).containsExactly(http.get("/multivac").body());
  }

  private void feed(List<String> fed) {
    for (int i = 0; i < DATA; i++) {
      var datum = "datum " + fed.size();
      assertThat(http.form("/multivac/data", "data=" + Http.encoded(datum)).statusCode())
          .isEqualTo(200);
      fed.add(datum);
    }
  }

  /// With SIGKILL, in the middle of what they do; returns when they are dead.
  private void kill(String... names) {
    for (var name : names) {
      await().atMost(PATIENCE).until(() -> program.replica(name).isPresent());
      Processes.kill(program.replica(name).orElseThrow());
    }
  }

  /// The states of all jobs by their ids.
  private Map<Long, String> jobs() {
    var states = new TreeMap<Long, String>();
    var next = "/multivac/jobs?limit=100";
    while (!next.isEmpty()) {
      var page = http.get(next);
      for (var job : json(page)) {
        var before = states.put(job.path("id").asLong(), job.path("state").asString(""));
        assertThat(before).as("a second job " + job.path("id").asLong()).isNull();
      }
      next = page.headers().firstValue("Link").orElse("").replaceAll("^<|>.*$", "");
    }
    return states;
  }
}
