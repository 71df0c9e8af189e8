package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The dashboards for Grafana and the alerts for Prometheus that ship with Gatehouse: they ask for
/// what there is, and say what they show.
@ExtendWith(Shared.class)
class DashboardsTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path RUNBOOK = Path.of("..", "docs", "runbook");
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  /// The version of the dashboards' JSON; Grafana takes older ones and brings them up to date.
  private static final int SCHEMA = 39;

  private static final Pattern METRIC =
      Pattern.compile(
          "\\b(?:gatehouse|process|jvm)_\\w+|\\brequest_counter_total|\\bhttp_request_\\w+");
  private static final Pattern SELECTOR =
      Pattern.compile("((?:" + METRIC.pattern() + "|\\bup\\b)(?:\\{[^}]*})?)");
  private static final Pattern ALERT = Pattern.compile("- alert: (\\w+)");
  private static final Pattern RUNBOOK_URL =
      Pattern.compile("runbook_url: docs/runbook/(\\w+)\\.md");
  private static final Pattern EXPRESSION =
      Pattern.compile("expr: (?:>-\\s+)?(.*?)\\n\\s+(?:for|labels):", Pattern.DOTALL);

  private record Query(String where, String text) {}

  private static List<Path> files(String folder, String suffix) throws IOException {
    try (var files = Files.list(DEPLOY.resolve(folder))) {
      return files.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private static List<JsonNode> dashboards() throws IOException {
    var all = new ArrayList<JsonNode>();
    for (var file : files("grafana/dashboards", ".json")) {
      all.add(Http.JSON.readTree(Files.readString(file)));
    }
    assertThat(all).hasSizeGreaterThanOrEqualTo(5);
    return all;
  }

  private static List<String> rules() throws IOException {
    var all = new ArrayList<String>();
    for (var file : files("prometheus", ".rules.yml")) {
      all.add(Files.readString(file));
    }
    return all;
  }

  private static List<JsonNode> panels(JsonNode dashboard) {
    return dashboard
        .path("panels")
        .valueStream()
        .filter(panel -> !panel.path("type").asString("").equals("row"))
        .toList();
  }

  private static List<Query> queries() throws IOException {
    var all = new ArrayList<Query>();
    for (var dashboard : dashboards()) {
      for (var panel : panels(dashboard)) {
        var where = dashboard.path("title").asString("") + ", " + panel.path("title").asString("");
        panel
            .path("targets")
            .forEach(target ->
                all.add(
                    new Query(
                        where,
                        target.path("expr").asString("").replace("$__rate_interval", "15s"))));
      }
    }
    return all;
  }

  private static List<String> expressions() throws IOException {
    var all = new ArrayList<String>();
    for (var file : rules()) {
      var found = EXPRESSION.matcher(file);
      while (found.find()) {
        all.add(found.group(1));
      }
    }
    assertThat(all).hasSizeGreaterThan(20);
    return all;
  }

  @Test
  void every_panel_has_a_title_a_unit_a_description_and_a_legend() throws IOException {
    var uids = new HashSet<String>();
    for (var dashboard : dashboards()) {
      var title = dashboard.path("title").asString("");
      assertThat(uids.add(dashboard.path("uid").asString(""))).as(title).isTrue();
      assertThat(dashboard.path("schemaVersion").asInt(0)).as(title).isEqualTo(SCHEMA);
      assertThat(dashboard.path("description").asString("")).as(title).isNotBlank();
      var ids = new HashSet<Integer>();
      var titles = new HashSet<String>();
      for (var panel : panels(dashboard)) {
        var name = panel.path("title").asString("");
        assertThat(titles.add(name)).as(title + ", " + name).isTrue();
        assertThat(ids.add(panel.path("id").asInt(0))).as(name).isTrue();
        assertThat(name).isNotBlank();
        assertThat(panel.path("description").asString("")).as(name).endsWith(".");
        assertThat(panel.at("/fieldConfig/defaults/unit").asString("")).as(name).isNotBlank();
        assertThat(panel.at("/datasource/uid").asString("")).as(name).isEqualTo("prometheus");
        assertThat(panel.at("/options/legend/showLegend").asBoolean(false)).as(name).isTrue();
        assertThat(
                panel.path("gridPos").path("x").asInt(99)
                    + panel.path("gridPos").path("w").asInt(99))
            .as(name)
            .isLessThanOrEqualTo(24);
        assertThat(panel.path("targets").size()).as(name).isPositive();
        panel
            .path("targets")
            .forEach(target ->
                assertThat(target.path("legendFormat").asString("")).as(name).isNotBlank());
      }
    }
  }

  @Test
  void every_alert_has_a_page_that_says_what_to_do() throws IOException {
    var alerts = new TreeSet<String>();
    for (var file : rules()) {
      ALERT.matcher(file).results().forEach(found -> alerts.add(found.group(1)));
      RUNBOOK_URL
          .matcher(file)
          .results()
          .forEach(found -> assertThat(alerts).contains(found.group(1)));
    }
    assertThat(alerts).hasSizeGreaterThan(20);
    for (var alert : alerts) {
      assertThat(Files.readString(RUNBOOK.resolve(alert + ".md")))
          .startsWith("# " + alert)
          .contains("**Look at**", "**Do**");
    }
  }

  @Test
  void dashboards_and_alerts_ask_for_metrics_that_there_are() throws IOException {
    var known = new TreeSet<String>();
    var admin = new Http(Shared.program().adminPort());
    for (var group : Http.json(admin.get("/prometheus/targets"))) {
      var address = group.path("targets").get(0).asString("");
      new Http(Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)))
          .get("/metrics")
          .body()
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(line -> known.add(line.split("[{ ]", 2)[0]));
    }
    // Only there once something has failed.
    known.add("gatehouse_failures_total");
    var asked = new TreeSet<String>();
    Stream.concat(queries().stream().map(Query::text), expressions().stream())
        .forEach(text -> METRIC.matcher(text).results().forEach(found -> asked.add(found.group())));
    assertThat(asked).hasSizeGreaterThan(50);
    assertThat(known).containsAll(asked);
  }

  @Test
  @Tag("full")
  void every_query_finds_data_in_a_prometheus_that_scraped_an_assembly_under_load(
      @TempDir Path temp) throws Exception {
    var over = new AtomicBoolean();
    // Nobody answers there: some requests shall fail.
    try (var program = ProgramUnderTest.assembly().with("MELI_URL", "http://127.0.0.1:1").start();
        var prometheus =
            RealPrometheus.start(
                temp, program.adminPort(), DEPLOY.resolve("prometheus"), "exemplar-storage")) {
      var load =
          Thread.ofVirtual()
              .start(() -> {
                for (int i = 0; !over.get(); i++) {
                  useWhateverComes(new Http(program.edgePort()), i);
                }
              });
      var selectors = new TreeSet<String>();
      for (var text : expressions()) {
        SELECTOR.matcher(text).results().forEach(found -> selectors.add(found.group()));
      }
      var all = new ArrayList<>(queries());
      selectors.forEach(selector -> all.add(new Query("alert rules", selector)));
      for (var query : all) {
        await(query.where() + ": " + query.text())
            .atMost(PATIENCE)
            .until(() -> prometheus.hasData(query.text()));
      }
      over.set(true);
      load.join();
    }
  }

  /// It is load and no more: what comes back is for other tests to judge.
  private static void useWhateverComes(Http edge, int i) {
    try {
      use(edge, i);
    } catch (AssertionError slow) {
      // The next round may be answered.
    }
  }

  /// A little of all that there is.
  private static void use(Http edge, int i) {
    var user = "{\"email\":\"user" + i + "@example.org\",\"password\":\"a long enough one\"}";
    edge.put("/data/dashboards/d" + i % 10, "{\"n\":" + i + "}");
    edge.get("/data/dashboards/d" + i % 10);
    edge.put("/age", "{\"name\":\"dash\",\"age\":3}");
    edge.get("/age/dash");
    edge.post("/increment", "{\"key\":\"dash\",\"value\":1}", "Idempotency-Key", "k" + i);
    edge.get("/counters/dash");
    edge.get("/cpu");
    edge.get("/local_program");
    edge.form("/multivac/data", "data=" + i);
    edge.get("/multivac");
    edge.get("/categories/MLA" + i);
    if (i % 10 == 0) {
      edge.post("/api/users", user);
      edge.post("/api/sessions", user);
    }
  }
}
