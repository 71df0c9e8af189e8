package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/// Two edges on one database, and a load whose every request is known.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UsageTest {
  private static final int CONNECTIONS = 4;
  private static final int EACH = 500;

  /// How long the second edge gathers: what a crash may lose.
  private static final Duration INTERVAL = Duration.ofMillis(500);

  private final String database = TestPostgres.emptyUrl();
  private final ProgramUnderTest one = edge("5s");
  private final ProgramUnderTest two = edge(INTERVAL.toMillis() + "ms");

  private ProgramUnderTest edge(String interval) {
    return ProgramUnderTest.assembly(
            """
            edge: {trusted-proxies: [127.0.0.0/8]}
            stats: {flush-every: %s}
            routes:
              - {name: all, match: {path: /**}, respond: {status: 200, body: "0123456789"}}
              - {name: gone, match: {path: /gone/**}, respond: {status: 410, body: gone}}
              - {name: moved, match: {path: /moved}, redirect: "https://a.example/"}
              - {name: down, match: {path: /down}, to: "http://127.0.0.1:1"}
            """
                .formatted(interval))
        .with("GATEHOUSE_DATABASE", database)
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
  }

  @Test
  void statistics_add_up_exactly_to_what_was_sent_to_two_edges_also_after_sigterm_and_kill_9()
      throws Exception {
    var sent = new TreeMap<String, Long>();
    load(one, 1, sent);
    load(two, 2, sent);

    // The first edge's own counts are in its answer at once, the other's within its interval.
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(counted(one, "route,client,status")).isEqualTo(sent));
    var report = ask(one, "by=route");
    assertThat(report.path("total").path("requests").asLong()).isEqualTo(2L * CONNECTIONS * EACH);
    assertThat(byRoute(report, "all", "bytesOut"))
        .isEqualTo(10 * byRoute(report, "all", "requests"));
    assertThat(byRoute(report, "all", "p99Ms")).isPositive();
    var table = one.run("stats", "-f", one.file().toString(), "--by", "route,status");
    assertThat(table.exit()).as(table.err()).isZero();
    assertThat(table.out()).contains("ROUTE").containsPattern("gone +4xx +[0-9]+ ");

    load(one, 3, sent);
    one.stop();
    assertThat(counted(two, "route,client,status")).as("after SIGTERM").isEqualTo(sent);

    long before = sum(sent);
    load(two, 4, sent);
    await().atMost(Duration.ofSeconds(20)).until(() -> stored(two) == 2L * CONNECTIONS * EACH);
    for (int i = 0; i < 50; i++) {
      get(two, "/x", "10.9.9.9");
    }
    two.killSupervisor();
    two.awaitEnd();
    two.start("run", "edge");
    assertThat(ask(two, "by=route").path("total").path("requests").asLong())
        .as("only what came after the last write may be lost")
        .isBetween(sum(sent), sum(sent) + 50);
    assertThat(sum(sent)).isEqualTo(before + CONNECTIONS * EACH);
  }

  @Test
  void a_question_that_cannot_be_answered_is_400_and_says_what_can() {
    var admin = new Http(two.adminPort());
    for (var query : List.of("by=%00", "by=x", "window=1", "client=%00", "route=nowhere")) {
      problem(admin.get("/admin/stats?" + query, "Authorization", "Bearer " + token(two)), 400);
    }
    problem(admin.get("/admin/stats"), 401);
  }

  /// Sends requests of several clients to several routes, and notes what is to be counted.
  private void load(ProgramUnderTest edge, int seed, Map<String, Long> sent) throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var done = new ArrayList<java.util.concurrent.Future<Map<String, Long>>>();
      for (int i = 0; i < CONNECTIONS; i++) {
        var random = new Random(100L * seed + i);
        done.add(threads.submit(() -> send(edge, random)));
      }
      for (var part : done) {
        part.get().forEach((key, count) -> sent.merge(key, count, (a, b) -> a + b));
      }
    }
  }

  private static Map<String, Long> send(ProgramUnderTest edge, Random random) {
    var kinds =
        List.of(
            List.of("/x?y", "all", "2xx"),
            List.of("/gone/" + random.nextInt(), "gone", "4xx"),
            List.of("/moved", "moved", "3xx"),
            List.of("/down", "down", "5xx"),
            List.of("/admin", "gatehouse", "4xx"));
    var sent = new TreeMap<String, Long>();
    try (var client = RawClient.connect(edge.edgePort())) {
      for (int i = 0; i < EACH; i++) {
        var kind = kinds.get(random.nextInt(kinds.size()));
        // What no route takes has no filters, so it is the peer's.
        var address = "10.0.0." + random.nextInt(5);
        var counted = kind.get(1).equals("gatehouse") ? "127.0.0.1" : address;
        client.send(request(kind.getFirst(), address)).read();
        sent.merge(kind.get(1) + " " + counted + " " + kind.get(2), 1L, (a, b) -> a + b);
      }
    }
    return sent;
  }

  private static String request(String path, String client) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + client + "\r\n\r\n";
  }

  private static void get(ProgramUnderTest edge, String path, String client) {
    try (var connection = RawClient.connect(edge.edgePort())) {
      connection.send(request(path, client)).read();
    }
  }

  private static Map<String, Long> counted(ProgramUnderTest edge, String by) {
    var counted = new TreeMap<String, Long>();
    for (var row : ask(edge, "by=" + by).path("rows")) {
      var name = new ArrayList<String>();
      for (var word : by.split(",")) {
        name.add(row.path(word).asString());
      }
      counted.put(String.join(" ", name), row.path("requests").asLong());
    }
    return counted;
  }

  private static double byRoute(JsonNode report, String route, String figure) {
    for (var row : report.path("rows")) {
      if (row.path("route").asString().equals(route)) {
        return row.path(figure).asDouble();
      }
    }
    throw new AssertionError("no row for " + route + " in " + report);
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(count -> count).sum();
  }

  private static JsonNode ask(ProgramUnderTest edge, String query) {
    var answer =
        new Http(edge.adminPort())
            .get("/admin/stats?" + query, "Authorization", "Bearer " + token(edge));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer);
  }

  /// Requests that the edge has counted and stored.
  private static long stored(ProgramUnderTest edge) {
    return new Http(edge.adminPort())
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith("gatehouse_stats_stored_requests_total "))
        .mapToLong(line -> (long) Double.parseDouble(line.split(" ")[1]))
        .findFirst()
        .orElseThrow();
  }

  private static String token(ProgramUnderTest edge) {
    try {
      return Files.readString(edge.data().resolve("admin.token")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
