package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Replicas that die, are stopped, and come back. It has an assembly of its own.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReplicaLossTest {
  private static final String DOCUMENT = "/data/partition1/identifier1";
  private static final Duration PATIENCE = Duration.ofSeconds(30);

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

  @BeforeEach
  void everyReplicaIsUp() {
    await().atMost(PATIENCE).until(() -> up("storage") == 3 && turns().size() == 3);
  }

  @Test
  void a_replica_killed_under_load_fails_no_get_and_comes_back_in_turn() throws Exception {
    var over = new AtomicBoolean();
    var answered = new AtomicInteger();
    var failures = new ArrayList<Future<List<String>>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        failures.add(
            threads.submit(() -> {
              var failed = new ArrayList<String>();
              while (!over.get()) {
                try {
                  var response = http.get(DOCUMENT);
                  answered.incrementAndGet();
                  if (response.statusCode() != 200) {
                    failed.add(response.statusCode() + " " + response.body());
                  }
                } catch (AssertionError e) {
                  failed.add(e.toString());
                }
              }
              return failed;
            }));
      }
      try {
        for (var name : List.of("storage-2", "storage-1")) {
          await().until(() -> answered.get() > 500);
          Processes.kill(program.replica(name).orElseThrow());
          answered.set(0);
          await().until(() -> answered.get() > 500);
          await().atMost(PATIENCE).until(() -> up("storage") == 3 && turns().size() == 3);
        }
      } finally {
        over.set(true);
      }
      for (var failed : failures) {
        assertThat(failed.get()).isEmpty();
      }
    }
  }

  @Test
  void a_replica_that_hangs_is_taken_out_and_comes_back_when_it_wakes() {
    var hanging = program.replica("storage-3").orElseThrow();
    Processes.signal(hanging, "STOP");
    try {
      await().atMost(PATIENCE).until(() -> state("storage-3").equals("down"));
      for (int i = 0; i < 30; i++) {
        assertThat(http.get(DOCUMENT).statusCode()).isEqualTo(200);
      }
    } finally {
      Processes.signal(hanging, "CONT");
    }
    await().atMost(PATIENCE).until(() -> turns().size() == 3);
  }

  @Test
  void one_stopped_replica_is_listed_as_down_and_the_others_serve() {
    gatehouse("stop", "storage-2");
    await().atMost(PATIENCE).until(() -> state("storage-2").equals("down"));
    for (int i = 0; i < 12; i++) {
      var response = http.get(DOCUMENT);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(header(response, "X-Served-By")).isNotEqualTo("storage-2");
    }
    assertThat(json(http.get("/status?id=storage-2")).get(0).path("reason").isNull()).isFalse();
    gatehouse("start", "storage-2");
    await().atMost(PATIENCE).until(() -> turns().size() == 3);
  }

  @Test
  void a_restart_of_every_replica_fails_no_get() {
    var before = program.replica("storage-1").orElseThrow().pid();
    var over = new AtomicBoolean();
    var failed = new ArrayList<String>();
    var load =
        Thread.ofVirtual()
            .start(() -> {
              while (!over.get()) {
                var response = http.get(DOCUMENT);
                if (response.statusCode() != 200) {
                  failed.add(response.statusCode() + " " + response.body());
                }
              }
            });
    gatehouse("restart", "storage-1");
    await().atMost(PATIENCE).until(() -> up("storage") == 3 && turns().size() == 3);
    over.set(true);
    await().until(() -> !load.isAlive());
    assertThat(failed).isEmpty();
    assertThat(program.replica("storage-1").orElseThrow().pid()).isNotEqualTo(before);
  }

  @Test
  void with_no_replica_every_answer_is_a_quick_503_and_status_is_200_and_all_comes_back() {
    var path = "/data/loss/" + UUID.randomUUID();
    assertThat(http.put(path, "{\"kept\":true}").statusCode()).isEqualTo(201);
    for (var none : List.of(List.of("stop", "storage"), List.of("scale", "storage=0"))) {
      gatehouse(none.toArray(String[]::new));
      await().atMost(PATIENCE).until(() -> up("storage") == 0);
      var status = http.get("/status?appName=storage");
      assertThat(status.statusCode()).isEqualTo(200);
      assertThat(json(status).size()).isEqualTo(3);
      for (var replica : json(status)) {
        assertThat(replica.path("state").asString("")).isEqualTo("down");
      }
      var millis = new long[41];
      for (int i = 0; i < millis.length; i++) {
        long from = System.nanoTime();
        var refused =
            switch (i % 4) {
              case 0 -> http.put(path, "1");
              case 1 -> http.get("/age/x");
              case 2 -> http.delete(path);
              default -> http.get(path + i);
            };
        millis[i] = Duration.ofNanos(System.nanoTime() - from).toMillis();
        problem(refused, 503);
        assertThat(Integer.parseInt(header(refused, "Retry-After"))).isPositive();
      }
      Arrays.sort(millis);
      assertThat(millis[(int) (millis.length * 0.9)]).isLessThan(50);
      assertThat(http.get("/status").statusCode()).isEqualTo(200);
      assertThat(http.get("/").statusCode()).isEqualTo(200);
      if (none.contains("stop")) {
        gatehouse("start", "storage");
      } else {
        gatehouse("scale", "storage=3");
      }
      await().atMost(PATIENCE).until(() -> turns().size() == 3);
      assertThat(http.get(path).body()).isEqualTo("{\"kept\":true}");
    }
  }

  @Test
  void more_replicas_take_their_turns_and_fewer_drain() {
    gatehouse("scale", "storage=4");
    await().atMost(PATIENCE).until(() -> turns().contains("storage-4"));
    gatehouse("scale", "storage=3");
    await().atMost(PATIENCE).until(() -> state("storage-4").equals("down"));
    assertThat(turns()).containsExactlyInAnyOrder("storage-1", "storage-2", "storage-3");
  }

  @Test
  void with_no_worker_data_wait_and_nothing_is_lost() {
    gatehouse("scale", "worker=0");
    await().atMost(PATIENCE).until(() -> up("worker") == 0);
    var data = new ArrayList<String>();
    for (int i = 0; i < 5; i++) {
      data.add("waiting " + i + " " + UUID.randomUUID());
      assertThat(http.form("/multivac/data", "data=" + Http.encoded(data.getLast())).statusCode())
          .isEqualTo(200);
    }
    assertThat(http.get("/zzz").body()).doesNotStartWith("waiting");
    gatehouse("scale", "worker=2");
    await().atMost(PATIENCE).until(() -> http.get("/zzz").body().startsWith("waiting"));
    await()
        .atMost(PATIENCE)
        .until(() -> !http.get("/multivac/jobs").body().contains("\"waiting\""));
  }

  @Test
  void a_command_that_makes_no_sense_says_so_and_changes_nothing() {
    for (var wrong :
        List.of(
            List.of("stop", "storage-99"),
            List.of("stop", "nothing"),
            List.of("scale", "storage=-1"),
            List.of("scale", "storage=x"),
            List.of("scale", "nothing=1"),
            List.of("nonsense"))) {
      var outcome = program.run(wrong.toArray(String[]::new));
      assertThat(outcome.exit()).as(wrong.toString()).isNotZero();
      assertThat(outcome.err()).as(wrong.toString()).isNotBlank().doesNotContain("\tat ");
    }
    assertThat(up("storage")).isEqualTo(3);
  }

  @Test
  void status_on_the_command_line_lists_every_replica() {
    var outcome = program.run("status");
    assertThat(outcome.exit()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("storage-1", "storage-2", "storage-3", "counters-1", "up");
  }

  private void gatehouse(String... arguments) {
    var outcome = program.run(arguments);
    assertThat(outcome.exit()).as(outcome.out() + outcome.err()).isZero();
  }

  private Map<String, String> states(String app) {
    var states = new HashMap<String, String>();
    for (var replica : json(http.get("/status?appName=" + app))) {
      states.put(replica.path("id").asString(""), replica.path("state").asString(""));
    }
    return states;
  }

  private long up(String app) {
    return states(app).values().stream().filter("up"::equals).count();
  }

  private String state(String id) {
    return states(id.replaceAll("-[0-9]+$", "")).getOrDefault(id, "absent");
  }

  /// The replicas that answer a dozen requests.
  private Set<String> turns() {
    var names = new HashSet<String>();
    for (int i = 0; i < 12; i++) {
      http.get(DOCUMENT).headers().firstValue("X-Served-By").ifPresent(names::add);
    }
    return names;
  }
}
