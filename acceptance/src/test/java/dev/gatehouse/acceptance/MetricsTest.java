package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What Prometheus finds on every process of an assembly: complete, named by its conventions, and
/// bounded whatever clients do.
@ExtendWith(Shared.class)
class MetricsTest {
  /// What every process tells.
  private static final List<String> EVERYWHERE =
      List.of(
          "gatehouse_version",
          "gatehouse_event_loop_lag_seconds",
          "gatehouse_database_up",
          "gatehouse_database_connections",
          "gatehouse_database_connections_limit",
          "gatehouse_database_waiting_threads",
          "process_cpu_seconds_total",
          "process_resident_memory_bytes",
          "jvm_memory_used_bytes",
          "jvm_gc_collection_seconds_count",
          "jvm_threads_current");

  private static final Map<String, List<String>> BY_SERVICE =
      Map.of(
          "edge",
          List.of(
              "request_counter_total",
              "http_request_duration_seconds_bucket",
              "gatehouse_responses_total",
              "gatehouse_route",
              "gatehouse_edge_connections",
              "gatehouse_edge_refused_heads_total",
              "gatehouse_origin_connections_idle",
              "gatehouse_origin_connections_opened_total",
              "gatehouse_origin_up",
              "gatehouse_upstream_retries_total",
              "gatehouse_upstream_retries_denied_total",
              "gatehouse_upstream_retry_budget",
              "gatehouse_upstream_ejections_total",
              "gatehouse_upstream_breaker_open",
              "gatehouse_upstream_turned_away_total",
              "gatehouse_limit_requests_total",
              "gatehouse_cache_requests_total",
              "gatehouse_near_cache_reads_total",
              "gatehouse_bus_lag_seconds",
              "gatehouse_jobs",
              "gatehouse_jobs_oldest_due_seconds",
              "gatehouse_jobs_most_attempts",
              "gatehouse_accounts_attempts_total",
              "gatehouse_compute_ready"),
          "counters",
          List.of(
              "gatehouse_counters_staleness_seconds",
              "gatehouse_counters_pending_keys",
              "gatehouse_counters_journal_bytes"),
          "storage",
          List.of(
              "gatehouse_near_cache_reads_total",
              "gatehouse_near_cache_lease_seconds",
              "gatehouse_bus_lag_seconds",
              "gatehouse_bus_announced_total"),
          "worker",
          List.of(
              "gatehouse_worker_room", "gatehouse_worker_running", "gatehouse_worker_tries_total"));

  private static final Pattern TYPE = Pattern.compile("# TYPE (\\S+) (\\S+)");

  /// The name that the users of the services before this one know; it is a counter and says so.
  private static final String KNOWN_NAME = "request_counter_total";

  private record Scraped(String service, String replica, String text) {
    /// Every series, without its value.
    List<String> series() {
      return text.lines()
          .filter(line -> !line.startsWith("#") && !line.isBlank())
          .map(line -> line.substring(0, line.lastIndexOf(' ')))
          .toList();
    }

    TreeSet<String> names() {
      return series().stream()
          .map(series -> series.split("\\{", 2)[0])
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static List<Scraped> scrape(String accept) {
    var admin = new Http(Shared.program().adminPort());
    var all = new ArrayList<Scraped>();
    for (var group : Http.json(admin.get("/prometheus/targets"))) {
      var address = group.path("targets").get(0).asString("");
      var port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      var labels = group.path("labels");
      all.add(
          new Scraped(
              labels.path("service").asString(""),
              labels.path("replica").asString(""),
              new Http(port).get("/metrics", "Accept", accept).body()));
    }
    assertThat(all).hasSizeGreaterThanOrEqualTo(7);
    return all;
  }

  @Test
  void every_process_tells_of_itself_and_of_what_its_service_does() {
    for (var process : scrape("*/*")) {
      var expected = new ArrayList<>(EVERYWHERE);
      expected.addAll(BY_SERVICE.getOrDefault(process.service, List.of()));
      assertThat(process.names()).as(process.replica).containsAll(expected);
    }
  }

  @Test
  void names_say_what_they_are_and_each_has_a_help() {
    for (var process : scrape("*/*")) {
      var types = new LinkedHashMap<String, String>();
      process
          .text
          .lines()
          .map(TYPE::matcher)
          .filter(found -> found.matches())
          .forEach(found -> types.put(found.group(1), found.group(2)));
      assertThat(types).isNotEmpty();
      types.forEach((name, type) -> {
        assertThat(process.text).contains("# HELP " + name + " ");
        assertThat(name.endsWith("_total"))
            .as(name + " is a " + type)
            .isEqualTo(type.equals("counter"));
        assertThat(name).doesNotContain("millis", "_ms", "_kb", "percent").isLowerCase();
      });
    }
  }

  @Test
  void clients_make_no_time_series_whatever_they_ask_for() {
    var edge = Shared.edge();
    edge.get("/warm-up-of-the-default-route");
    int before = seriesOfTheEdge();
    for (int i = 0; i < 50; i++) {
      edge.get("/some/path/" + i + "?q=" + i, "X-Forwarded-For", "192.0.2." + i);
      edge.send("MAKE" + i, "/made/" + i, java.net.http.HttpRequest.BodyPublishers.noBody());
      edge.get("/data/p" + i + "/d" + i);
    }
    // What comes at the first failure, the first 4xx: a handful, and not one a request.
    assertThat(seriesOfTheEdge()).isLessThan(before + 25);
  }

  private static int seriesOfTheEdge() {
    return scrape("*/*").stream()
        .filter(process -> process.service.equals("edge"))
        .findFirst()
        .orElseThrow()
        .series()
        .size();
  }

  @Test
  void a_scraper_that_asks_for_openmetrics_gets_it() {
    for (var process : scrape("application/openmetrics-text;version=1.0.0")) {
      assertThat(process.text).as(process.replica).endsWith("# EOF\n");
    }
  }

  @Test
  @Tag("full")
  void promtool_finds_nothing_wrong_on_any_process() throws Exception {
    for (var process : scrape("*/*")) {
      assertThat(promtool(process.text)).as(process.replica).isEmpty();
    }
  }

  /// What it says, but for the name that cannot be changed.
  private static List<String> promtool(String metrics) throws IOException, InterruptedException {
    var process =
        new ProcessBuilder("promtool", "check", "metrics").redirectErrorStream(true).start();
    try (var in = process.getOutputStream()) {
      in.write(metrics.getBytes(StandardCharsets.UTF_8));
    }
    var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return Stream.of(said.split("\n", -1))
        .filter(line -> !line.isBlank() && !line.startsWith(KNOWN_NAME + " "))
        .toList();
  }
}
