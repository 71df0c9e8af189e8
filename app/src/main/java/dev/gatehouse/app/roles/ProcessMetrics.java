package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.http.Loops;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What every process tells of itself, whatever its role; the JVM's own come from [Metrics#jvm].
final class ProcessMetrics {
  private ProcessMetrics() {}

  static void of(Loops loops, Metrics metrics) {
    metrics.gauges(
        "gatehouse_version",
        "Which Gatehouse this is; always 1.",
        List.of("version"),
        () -> Map.of(List.of(Version.current()), 1.0));
    metrics.gauges(
        "gatehouse_event_loop_lag_seconds",
        "How long what came to an event loop had to wait at worst, in the last 15 to 30 s.",
        List.of("loop"),
        () -> lags(loops));
  }

  private static Map<List<String>, Double> lags(Loops loops) {
    var all = new LinkedHashMap<List<String>, Double>();
    for (var lag : loops.lags()) {
      all.put(List.of(Integer.toString(all.size())), lag.toNanos() / 1e9);
    }
    return all;
  }

  /// What this process has to do with PostgreSQL.
  static void of(Database database, Metrics metrics) {
    metrics.gauges(
        "gatehouse_database_connections",
        "Connections of this process's pool, by whether somebody uses them.",
        List.of("state"),
        () -> {
          var now = database.figures();
          return Map.of(
              List.of("active"), (double) now.active(), List.of("idle"), (double) now.idle());
        });
    metrics.gauge(
        "gatehouse_database_connections_limit",
        "Connections that the pool may have.",
        () -> database.figures().most());
    metrics.gauge(
        "gatehouse_database_waiting_threads",
        "Who waits for a connection of the pool.",
        () -> database.figures().waiting());
    metrics.gauge(
        "gatehouse_database_up",
        "Whether the last that was heard of the database is that it answers.",
        () -> database.figures().answers() ? 1 : 0);
  }
}
