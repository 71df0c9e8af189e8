package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Processes.elapse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.OwnPostgres;
import dev.gatehouse.testkit.ProgramUnderTest;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Two edges that share a limit by way of one database, which stands still and crashes.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedLimitsTest {
  private static final int LIMIT = 1_000;
  private static final Duration WINDOW = Duration.ofSeconds(10);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final OwnPostgres database = OwnPostgres.start();
  private final ProgramUnderTest one = edge(1);
  private final ProgramUnderTest two = edge(1);

  private ProgramUnderTest edge(int expected) {
    return ProgramUnderTest.assembly(
            """
            edge: {limits: {edges: %d}}
            routes: [{name: all, match: {path: /**}, respond: {status: 200, body: in}}]
            limits: [{name: all, rate: %d/s}]
            """
                .formatted(expected, LIMIT))
        .with("GATEHOUSE_DATABASE", database.url())
        .with("GATEHOUSE_SECRET", "0123456789abcdef");
  }

  @BeforeAll
  void start() {
    one.start("run", "edge");
    two.start("run", "edge");
  }

  @AfterAll
  void close() {
    one.close();
    two.close();
    database.close();
  }

  @Test
  void two_edges_let_in_what_one_would_also_while_the_database_is_away() {
    scene(Duration.ofSeconds(4), Duration.ofSeconds(2));
  }

  @Test
  @Tag("full")
  void so_they_do_when_it_is_away_for_half_a_minute() {
    scene(Duration.ofSeconds(15), Duration.ofSeconds(30));
  }

  @Test
  @Tag("full")
  void an_edge_that_starts_without_the_database_keeps_to_its_share_of_the_edges_it_is_told_of() {
    try (var elsewhere = OwnPostgres.start();
        var late = edge(4).with("GATEHOUSE_DATABASE", elsewhere.url())) {
      elsewhere.crash();
      late.start("run", "edge");
      await().atMost(PATIENCE).until(() -> metric(late, "gatehouse_limit_apart") == 1);
      long began = System.nanoTime();
      try (var client = new PacedClient(late.edgePort(), LIMIT)) {
        elapse(Duration.ofSeconds(2));
        client.close();
        // A quarter of the limit in each second, one that was under way when it began included.
        long seconds = Math.ceilDiv(System.nanoTime() - began, 1_000_000_000L) + 1;
        assertThat(client.failed()).isEmpty();
        assertThat(client.admitted()).hasSizeBetween(LIMIT / 8, (int) (LIMIT / 4 * seconds));
      }
    }
  }

  /// Twice the limit, half of it to each edge; calm, then a database that stands still, then one
  /// that crashes.
  private void scene(Duration calm, Duration outage) {
    await().atMost(PATIENCE).until(this::shared);
    try (var first = new PacedClient(one.edgePort(), LIMIT);
        var second = new PacedClient(two.edgePort(), LIMIT)) {
      long before = database.transactions();
      elapse(calm);
      double each = (database.transactions() - before) / 2.0 / calm.toSeconds();
      long quietEnd = System.nanoTime();
      database.freeze();
      try {
        elapse(outage);
      } finally {
        database.thaw();
      }
      elapse(outage.dividedBy(2));
      database.crash();
      elapse(outage);
      database.comeBack();
      await().atMost(PATIENCE).until(this::shared);
      elapse(Duration.ofSeconds(1));
      first.close();
      second.close();

      var admitted =
          Stream.concat(first.admitted().stream(), second.admitted().stream()).sorted().toList();
      var calmly = admitted.stream().filter(then -> then < quietEnd).toList();
      System.out.printf(
          "asked %d, let in %d; %d in %s calmly, at most %d in %s in all; %.1f transactions a second"
              + " and edge%n",
          first.asked() + second.asked(),
          admitted.size(),
          most(calmly, WINDOW),
          calm,
          most(admitted, WINDOW),
          WINDOW,
          each);
      assertThat(first.failed()).isEmpty();
      assertThat(second.failed()).isEmpty();
      assertThat(first.asked() + second.asked()).isGreaterThan(admitted.size());
      if (calm.compareTo(WINDOW) >= 0) {
        assertThat(most(calmly, WINDOW))
            .isLessThanOrEqualTo((int) (1.05 * LIMIT * WINDOW.toSeconds()));
      }
      assertThat(most(admitted, WINDOW))
          .isLessThanOrEqualTo((int) (1.1 * LIMIT * WINDOW.toSeconds()));
      assertThat(each).isLessThanOrEqualTo(20);
    }
    // They are shared again, and not halved: one edge alone lets in all of it.
    elapse(Duration.ofSeconds(1));
    try (var client = new PacedClient(one.edgePort(), 2 * LIMIT)) {
      elapse(Duration.ofSeconds(2));
      client.close();
      assertThat(most(client.admitted(), Duration.ofSeconds(1))).isGreaterThan(LIMIT * 3 / 4);
    }
  }

  /// Whether both edges know of each other and hear from each other.
  private boolean shared() {
    return Stream.of(one, two)
        .allMatch(edge ->
            metric(edge, "gatehouse_limit_edges") == 2
                && metric(edge, "gatehouse_limit_apart") == 0);
  }

  private static double metric(ProgramUnderTest edge, String name) {
    var line =
        Pattern.compile("^" + name + " ([0-9.]+)$", Pattern.MULTILINE)
            .matcher(new Http(edge.adminPort()).get("/metrics").body());
    assertThat(line.find()).as(name).isTrue();
    return Double.parseDouble(line.group(1));
  }

  /// The most of these times that lie within any window of this length.
  private static int most(List<Long> times, Duration window) {
    int most = 0;
    int from = 0;
    for (int to = 0; to < times.size(); to++) {
      while (times.get(to) - times.get(from) >= window.toNanos()) {
        from++;
      }
      most = Math.max(most, to - from + 1);
    }
    return most;
  }
}
