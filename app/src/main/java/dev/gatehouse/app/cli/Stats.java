package dev.gatehouse.app.cli;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// `gatehouse stats`: asks the admin port of a running edge for the usage and prints it.
final class Stats {
  private Stats() {}

  static int run(AdminClient admin, Map<String, String> query, boolean json) {
    var answer = admin.get("/admin/stats?" + text(query)).body();
    System.out.println(json ? answer.toPrettyString() : table(answer));
    return 0;
  }

  private static String text(Map<String, String> query) {
    return query.entrySet().stream()
        .map(pair ->
            pair.getKey() + "=" + URLEncoder.encode(pair.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining("&"));
  }

  private static String table(JsonNode answer) {
    var by = new ArrayList<String>();
    answer.path("by").forEach(word -> by.add(word.asString()));
    boolean limits = by.contains("limit");
    var figures =
        limits
            ? List.of("allowed", "refused")
            : List.of("requests", "bytesIn", "bytesOut", "meanMs", "p50Ms", "p99Ms");
    var head = new ArrayList<String>();
    by.forEach(word -> head.add(word.toUpperCase(Locale.ROOT)));
    figures.forEach(word -> head.add(shown(word)));
    var rows = new ArrayList<List<String>>();
    for (var row : answer.path("rows")) {
      rows.add(cells(row, by, figures));
    }
    if (answer.has("total")) {
      var total = new ArrayList<>(cells(answer.path("total"), by, figures));
      if (!by.isEmpty()) {
        total.set(0, "all");
        rows.add(total);
      }
    }
    return Table.of(head, rows)
        + (answer.path("more").asBoolean() ? "\n(there are more: --top shows them)" : "");
  }

  private static List<String> cells(JsonNode row, List<String> by, List<String> figures) {
    var cells = new ArrayList<String>();
    by.forEach(word -> cells.add(row.path(word).asString("")));
    figures.forEach(word -> cells.add(row.path(word).asString("")));
    return cells;
  }

  private static String shown(String figure) {
    return switch (figure) {
      case "bytesIn" -> "BYTES IN";
      case "bytesOut" -> "BYTES OUT";
      case "meanMs" -> "MEAN MS";
      case "p50Ms" -> "P50 MS";
      case "p99Ms" -> "P99 MS";
      default -> figure.toUpperCase(Locale.ROOT);
    };
  }
}
