package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.TestDns;
import dev.gatehouse.testkit.TestPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Accounts and compute as processes of their own, found by DNS, as containers run them.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OwnProcessesTest {
  private static final String USER =
      "{\"email\":\"ann@example.org\",\"password\":\"a long enough one\"}";

  private final String database = TestPostgres.emptyUrl();
  private final TestDns dns = new TestDns();
  private final ProgramUnderTest accounts = replica();
  private final ProgramUnderTest compute = replica();
  private final ProgramUnderTest edge = process();

  /// Of workers nothing is found: nobody waits for them.
  private ProgramUnderTest process() {
    return ProgramUnderTest.assembly("")
        .with("GATEHOUSE_DATABASE", database)
        .with("GATEHOUSE_SECRET", "0123456789abcdef");
  }

  /// One whose port for probes is its only one.
  private ProgramUnderTest replica() {
    var program = process();
    return program
        .with("GATEHOUSE_REPLICA_LISTEN", "127.0.0.1:" + program.adminPort())
        .with("GATEHOUSE_ADMIN_LISTEN", "127.0.0.1:0");
  }

  @BeforeAll
  void start() {
    var assembly =
        """
        edge: {resolver: "127.0.0.1:%d"}
        admin: {hosts: [edge.test]}
        services:
          accounts: {discover: {dns: "accounts.test:%d", every: 1s}}
          compute: {discover: {dns: "compute.test:%d", every: 1s}}
          multivac: {discover: {dns: "worker.test:9100", every: 1s}}
        routes:
          - {match: {path: /api/**}, to: accounts}
          - {match: {path: /cpu}, to: compute}
          - {match: {path: /mine}, respond: {status: 200, body: yours}, authenticate: session}
        """
            .formatted(dns.address().getPort(), accounts.adminPort(), compute.adminPort());
    dns.addresses("accounts.test", 1, "127.0.0.1", "127.0.0.9");
    dns.addresses("compute.test", 1, "127.0.0.1");
    for (var program : List.of(accounts, compute, edge)) {
      program.rewrite(assembly);
    }
    accounts.start("run", "accounts");
    compute.start("run", "compute");
    // One of the two addresses answers nobody, and an edge of its own waits for all it has found.
    dns.addresses("accounts.test", 1, "127.0.0.1");
    edge.start("run", "edge");
  }

  @AfterAll
  void close() {
    edge.close();
    compute.close();
    accounts.close();
    dns.close();
  }

  @Test
  void sessions_count_at_an_edge_whose_accounts_run_elsewhere_until_they_end_there() {
    var http = new Http(edge.edgePort());
    assertThat(http.post("/api/users", USER).statusCode()).isEqualTo(200);
    var cookie = header(http.post("/api/sessions", USER), "Set-Cookie").split(";", 2)[0];
    assertThat(http.get("/mine").statusCode()).isEqualTo(401);
    assertThat(http.get("/mine", "Cookie", cookie).body()).isEqualTo("yours");
    assertThat(http.delete("/api/sessions", "Cookie", cookie).statusCode()).isLessThan(300);
    assertThat(http.get("/mine", "Cookie", cookie).statusCode()).isEqualTo(401);
  }

  @Test
  void sums_come_from_the_process_that_computes() {
    var answer = new Http(edge.edgePort()).get("/cpu");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body().strip()).matches("[0-9]+");
  }

  @Test
  void prometheus_learns_of_what_dns_knows_and_forgets_what_it_forgets() {
    var own = "127.0.0.1:" + edge.adminPort() + " edge";
    var known =
        List.of(
            own,
            "127.0.0.1:" + accounts.adminPort() + " accounts",
            "127.0.0.1:" + compute.adminPort() + " compute");
    awaitTargets(known);
    dns.addresses("accounts.test", 1, "127.0.0.1", "127.0.0.9");
    var more = new ArrayList<>(known);
    more.add("127.0.0.9:" + accounts.adminPort() + " accounts");
    awaitTargets(more);
    dns.addresses("accounts.test", 1, "127.0.0.1");
    awaitTargets(known);
    for (var group : targets()) {
      assertThat(group.path("labels").path("version").asString("")).isNotBlank();
    }
  }

  @Test
  void the_edge_is_where_prometheus_has_found_it() {
    try (var client = RawClient.connect(edge.adminPort())) {
      var answer =
          client.send("GET /prometheus/targets HTTP/1.1\r\nHost: edge.test:9000\r\n\r\n").read();
      assertThat(answer.bodyText()).contains("\"edge.test:9000\"");
    }
  }

  @Test
  void each_process_knows_where_it_is_asked_for_its_health() {
    for (var program : List.of(accounts, compute, edge)) {
      var outcome = program.run("healthcheck");
      assertThat(outcome.exit()).as(outcome.err()).isZero();
    }
  }

  private void awaitTargets(List<String> expected) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> {
          var found = new ArrayList<String>();
          for (var group : targets()) {
            found.add(
                group.path("targets").path(0).asString("")
                    + " "
                    + group.path("labels").path("service").asString(""));
          }
          assertThat(found).containsExactlyInAnyOrderElementsOf(expected);
        });
  }

  private tools.jackson.databind.JsonNode targets() {
    return json(new Http(edge.adminPort()).get("/prometheus/targets"));
  }
}
