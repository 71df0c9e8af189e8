package dev.gatehouse.edge.usage;

import dev.gatehouse.http.Problem;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Answers a [Question] in the words of `GET /admin/stats`.
final class Report {
  private Report() {}

  /// @param paths path patterns by route, of all routes there are
  static Map<String, Object> of(
      Question question, ReportSql sql, Instant now, Map<String, String> paths) {
    var from =
        Instant.ofEpochSecond(Batch.Slot.minute(now.minus(question.back()).getEpochSecond()).at());
    var body = new LinkedHashMap<String, Object>();
    body.put("window", question.window());
    body.put("from", from.toString());
    body.put("to", now.toString());
    body.put("by", question.by().stream().map(Question.By::word).toList());
    if (question.ofLimits()) {
      limits(question, sql, from, body);
    } else {
      requests(question, sql, from, paths, body);
    }
    return body;
  }

  private static void limits(
      Question question, ReportSql sql, Instant from, Map<String, Object> body) {
    var found = sql.limits(question, from);
    var rows = new ArrayList<Map<String, Object>>();
    for (var row : first(found, question.top())) {
      var members = new LinkedHashMap<String, Object>();
      members.put("limit", row.name());
      members.put("allowed", row.allowed());
      members.put("refused", row.refused());
      rows.add(members);
    }
    body.put("rows", rows);
    body.put("more", found.size() > question.top());
  }

  private static void requests(
      Question question,
      ReportSql sql,
      Instant from,
      Map<String, String> paths,
      Map<String, Object> body) {
    var found = new ArrayList<>(sql.requests(question, from, paths));
    var whole = found.removeFirst();
    if (whole.requests() == 0) {
      requireKnown(question, paths);
    }
    // Latencies are not kept by client.
    boolean timed = !question.by().contains(Question.By.CLIENT) && question.clients().isEmpty();
    var latencies =
        timed ? sql.latencies(question, from, paths) : Map.<ReportSql.Group, long[]>of();
    var rows = new ArrayList<Map<String, Object>>();
    for (var row : first(found, question.top())) {
      var members = new LinkedHashMap<String, Object>();
      for (var by : question.by()) {
        members.put(by.word(), value(by, row));
      }
      figures(row, members);
      var counts = latencies.get(new ReportSql.Group(row.route(), row.path(), row.status()));
      if (counts != null) {
        members.put("p50Ms", millis(Latency.quantile(counts, 0.5)));
        members.put("p99Ms", millis(Latency.quantile(counts, 0.99)));
      }
      rows.add(members);
    }
    body.put("rows", rows);
    body.put("more", found.size() > question.top());
    var total = new LinkedHashMap<String, Object>();
    figures(whole, total);
    body.put("total", total);
  }

  /// A name that nothing has is a mistake rather than an answer; what was recorded under it before
  /// it left the configuration is one.
  private static void requireKnown(Question question, Map<String, String> paths) {
    for (var route : question.routes()) {
      if (!paths.containsKey(route)) {
        throw Problem.badField(
                "route",
                "There is no route '%s'; there are %s."
                    .formatted(route, String.join(", ", paths.keySet())))
            .refusal();
      }
    }
    for (var path : question.paths()) {
      if (!paths.containsValue(path)) {
        throw Problem.badField(
                "path",
                "No route has the path '%s'; there are %s."
                    .formatted(
                        path, String.join(", ", paths.values().stream().distinct().toList())))
            .refusal();
      }
    }
  }

  private static Object value(Question.By by, ReportSql.Row row) {
    return switch (by) {
      case ROUTE -> row.route();
      case PATH -> row.path();
      case CLIENT -> row.client().equals(Tally.OTHERS) ? Question.OTHER : row.client();
      case STATUS -> Question.statusWord(row.status());
      case LIMIT -> throw new IllegalStateException("limits have rows of their own");
    };
  }

  private static void figures(ReportSql.Row row, Map<String, Object> members) {
    members.put("requests", row.requests());
    members.put("bytesIn", row.bytesIn());
    members.put("bytesOut", row.bytesOut());
    members.put("meanMs", row.requests() == 0 ? 0 : millis((double) row.micros() / row.requests()));
  }

  private static double millis(double micros) {
    return Math.round(micros) / 1000.0;
  }

  private static <T> List<T> first(List<T> all, int top) {
    return all.subList(0, Math.min(top, all.size()));
  }
}
