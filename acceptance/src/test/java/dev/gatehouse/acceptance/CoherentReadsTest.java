package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.TestPostgres;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Three replicas remember what they read, writers and readers meet all of them, and nobody ever
/// reads less than was acknowledged before; whatever befalls a replica meanwhile.
class CoherentReadsTest {
  private static final Duration LONG = Duration.ofMinutes(30);

  private static String url;
  private static ProgramUnderTest program;
  private static Http http;

  @BeforeAll
  static void start() {
    url = TestPostgres.emptyUrl();
    program = ProgramUnderTest.assembly().with("GATEHOUSE_DATABASE", url).start();
    http = new Http(program.edgePort());
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  @Test
  void no_read_is_older_than_an_acknowledged_write_while_a_replica_is_stopped_cut_off_and_killed()
      throws Exception {
    readAndWrite(10_000, Duration.ofSeconds(6));
  }

  @Test
  @Tag("full")
  void of_a_million_reads_none_is_older_than_an_acknowledged_write() throws Exception {
    readAndWrite(1_000_000, Duration.ofSeconds(60));
  }

  private static void readAndWrite(long reads, Duration stopped) throws Exception {
    try (var recorder = new ReadRecorder(program.edgePort())) {
      recorder.start(4, 6);
      await().atMost(Duration.ofSeconds(60)).until(() -> recorder.reads() > 1000);

      // Stopped for longer than its lease: writers wait for that once, readers go elsewhere.
      var second = program.replica("storage-2").orElseThrow();
      long before = recorder.writes();
      Processes.signal(second, "STOP");
      Processes.elapse(stopped);
      assertThat(recorder.writes()).isGreaterThan(before);
      Processes.signal(second, "CONT");

      // Its bus is cut while it lives.
      address("storage-3", "127.0.0.1:1");
      long during = recorder.writes();
      await().atMost(Duration.ofSeconds(60)).until(() -> recorder.writes() > during + 10);
      program.replica("storage-1").orElseThrow().destroyForcibly();
      long killed = recorder.writes();
      await().atMost(Duration.ofSeconds(60)).until(() -> recorder.writes() > killed + 10);

      await().atMost(LONG).until(() -> recorder.reads() > reads);
      recorder.stop();
      System.out.println(recorder);
      assertThat(recorder.stale()).isEmpty();
      assertThat(recorder.servedBy()).contains("storage-1", "storage-2", "storage-3");
    }
    await().atMost(Duration.ofSeconds(60)).until(CoherentReadsTest::allUp);
    // The one that was killed has counted from zero again.
    assertThat(hits()).as("reads answered from memory").isGreaterThan(reads / 10.0);
  }

  @Test
  void of_writers_that_expect_the_same_version_exactly_one_gets_200_through_the_edge()
      throws Exception {
    var tag = http.put("/data/cas/one", "0").headers().firstValue("ETag").orElseThrow();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int round = 0; round < 60; round++) {
        var expected = tag;
        Callable<HttpResponse<String>> left =
            () -> http.put("/data/cas/one", "\"left\"", "If-Match", expected);
        Callable<HttpResponse<String>> right =
            () -> http.put("/data/cas/one", "\"right\"", "If-Match", expected);
        var answers =
            threads.invokeAll(List.of(left, right)).stream().map(Future::resultNow).toList();
        assertThat(answers).extracting(answer -> answer.statusCode()).containsOnlyOnce(200);
        assertThat(answers).extracting(answer -> answer.statusCode()).containsOnlyOnce(412);
        var won = answers.stream().filter(answer -> answer.statusCode() == 200).findFirst();
        tag = won.orElseThrow().headers().firstValue("ETag").orElseThrow();
        assertThat(http.get("/data/cas/one").headers().firstValue("ETag")).contains(tag);
      }
    }
  }

  @Test
  void pages_show_every_entry_that_stays_exactly_once_while_others_come_and_go() throws Exception {
    var lasting = new ArrayList<String>();
    for (int i = 0; i < 40; i++) {
      lasting.add("stays-%03d".formatted(i));
      http.put("/data/paging/stays-%03d".formatted(i), "1");
    }
    try (var load = new Load()) {
      load.with(1, i -> http.put("/data/paging/stays-%03d-not".formatted(i % 40), "1"))
          .with(
              1,
              i -> {
                http.put("/data/paging/a-%03d".formatted(i % 40), "1");
                return http.delete("/data/paging/a-%03d".formatted(i % 40));
              });
      await().until(() -> load.answered() > 20);
      for (int i = 0; i < 20; i++) {
        var seen = walk("/data/paging?limit=7");
        assertThat(seen).isSorted().doesNotHaveDuplicates().containsAll(lasting);
      }
      assertThat(load.failed()).isEmpty();
    }
  }

  private static List<String> walk(String first) {
    var seen = new ArrayList<String>();
    var next = Optional.of(first);
    while (next.isPresent()) {
      var page = http.get(next.get());
      Http.json(page).forEach(entry -> seen.add(entry.asString()));
      next = page.headers().firstValue("Link").map(link -> link.substring(1, link.indexOf('>')));
    }
    return seen;
  }

  /// Where others find a replica's bus; those that are connected take the new one, too.
  private static void address(String replica, String address) {
    try (var database = Database.open(new DatabaseSettings(url, 1, "test"))) {
      database.with(handle ->
          handle.execute("UPDATE state_leases SET address = ? WHERE name = ?", address, replica));
    }
  }

  private static boolean allUp() {
    var up = 0;
    for (var replica : Http.json(http.get("/status?appName=storage"))) {
      up += replica.path("state").asString().equals("up") ? 1 : 0;
    }
    return up == 3;
  }

  private static double hits() {
    double hits = 0;
    var address = Pattern.compile("\"address\":\"127.0.0.1:(\\d+)\"");
    for (var replica : Http.json(http.get("/status?appName=storage"))) {
      var found = address.matcher(replica.toString());
      if (found.find()) {
        var line =
            new Http(Integer.parseInt(found.group(1)))
                .get("/metrics")
                .body()
                .lines()
                .filter(metric ->
                    metric.startsWith("gatehouse_near_cache_reads_total{result=\"hit\"} "))
                .findFirst();
        hits += Double.parseDouble(line.orElseThrow().split(" ", -1)[1]);
      }
    }
    return hits;
  }
}
