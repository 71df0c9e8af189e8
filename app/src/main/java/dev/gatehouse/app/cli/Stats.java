package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.PlainError;
import dev.gatehouse.http.Json;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// `gatehouse stats`: asks the admin port of a running edge for the usage and prints it.
///
/// The port is found as `up` finds it, in the configuration; the token in the data directory.
final class Stats {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Stats() {}

  static int run(
      Optional<Path> file, Optional<Path> data, Map<String, String> query, boolean json) {
    var config = Assembly.load(file, data).config();
    var listen = config.admin().listen().socket();
    var host =
        listen.getAddress() == null || listen.getAddress().isAnyLocalAddress()
            ? "127.0.0.1"
            : listen.getAddress().getHostAddress();
    var answer =
        ask(
            "http://%s:%d/admin/stats?%s"
                .formatted(
                    host.contains(":") ? "[" + host + "]" : host, listen.getPort(), text(query)),
            token(Assembly.data(config).resolve("admin.token")));
    System.out.println(json ? answer.toPrettyString() : table(answer));
    return 0;
  }

  private static String text(Map<String, String> query) {
    return query.entrySet().stream()
        .map(pair ->
            pair.getKey() + "=" + URLEncoder.encode(pair.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining("&"));
  }

  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new PlainError(
          "There is no admin token in " + file + ": start the assembly, or name its --data.");
    }
  }

  private static JsonNode ask(String url, String token) {
    try (var client = HttpClient.newHttpClient()) {
      var request =
          HttpRequest.newBuilder(URI.create(url))
              .timeout(PATIENCE)
              .header("Authorization", "Bearer " + token)
              .build();
      var response = client.send(request, BodyHandlers.ofByteArray());
      var body = Json.mapper().readTree(response.body());
      if (response.statusCode() != 200) {
        throw new PlainError(
            body.path("detail").asString("the edge answered " + response.statusCode()));
      }
      return body;
    } catch (IOException e) {
      throw new PlainError(
          "No edge answers at "
              + url.replaceAll("/admin.*", "")
              + ": is it running, with this -f and --data?");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlainError("Interrupted.");
    }
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
