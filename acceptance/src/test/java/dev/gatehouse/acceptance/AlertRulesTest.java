package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// The alert rules that ship for Prometheus: about metrics that there are, and firing when they
/// should.
@ExtendWith(Shared.class)
class AlertRulesTest {
  private static final Path RULES = Path.of("..", "deploy", "prometheus");
  private static final Pattern METRIC = Pattern.compile("gatehouse_counters_\\w+");

  @Test
  void the_alerts_about_the_counters_ask_for_metrics_that_a_counters_process_has()
      throws IOException {
    var address =
        Http.json(Shared.edge().get("/status?id=counters-1")).get(0).path("address").asString("");
    var port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    var metrics = new TreeSet<String>();
    new Http(port)
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> metrics.add(line.split("[ {]", 2)[0]));
    var asked = new TreeSet<String>();
    var rules = METRIC.matcher(Files.readString(RULES.resolve("counters.rules.yml")));
    while (rules.find()) {
      asked.add(rules.group());
    }
    assertThat(asked).isNotEmpty();
    assertThat(metrics).containsAll(asked);
  }

  @Test
  @Tag("full")
  void prometheus_reads_the_rules_and_they_fire_when_they_should_and_only_then() throws Exception {
    for (var rules : files(".rules.yml")) {
      promtool("check", "rules", rules);
    }
    var cases = files(".rules.test.yml");
    assertThat(cases).isNotEmpty();
    for (var test : cases) {
      promtool("test", "rules", test);
    }
  }

  private static List<String> files(String suffix) throws IOException {
    try (var files = Files.list(RULES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(suffix))
          .toList();
    }
  }

  private static void promtool(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("promtool"));
    command.addAll(List.of(arguments));
    var process =
        new ProcessBuilder(command).directory(RULES.toFile()).redirectErrorStream(true).start();
    var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }
}
