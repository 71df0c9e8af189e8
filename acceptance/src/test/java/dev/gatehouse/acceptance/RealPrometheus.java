package dev.gatehouse.acceptance;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Prometheus itself, which finds an assembly by `/prometheus/targets`, scrapes it every second and
/// evaluates the rules that ship; of the machine's package.
final class RealPrometheus implements AutoCloseable {
  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String base;

  private RealPrometheus(Process process, int port) {
    this.process = process;
    base = "http://127.0.0.1:" + port;
  }

  /// @param rules the folder with the rules
  /// @param features of those that Prometheus has switched off, the ones to switch on
  static RealPrometheus start(Path temp, int adminPort, Path rules, String features)
      throws IOException {
    var config = temp.resolve("prometheus.yml");
    Files.writeString(
        config,
        """
        global: {scrape_interval: 1s, evaluation_interval: 1s}
        rule_files: ['%s/*.rules.yml']
        scrape_configs:
          - job_name: gatehouse
            http_sd_configs: [{url: 'http://127.0.0.1:%d/prometheus/targets', refresh_interval: 1s}]
        """
            .formatted(rules.toAbsolutePath().normalize(), adminPort));
    int port = freePort();
    var process =
        new ProcessBuilder(
                "prometheus",
                "--config.file=" + config,
                "--enable-feature=" + features,
                "--storage.tsdb.path=" + temp.resolve("tsdb"),
                "--web.listen-address=127.0.0.1:" + port)
            .redirectErrorStream(true)
            .redirectOutput(temp.resolve("prometheus.log").toFile())
            .start();
    return new RealPrometheus(process, port);
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /// Whether a query has a result, and one that is a number.
  boolean hasData(String query) {
    try {
      var answer = get("/api/v1/query?query=" + Http.encoded(query));
      return answer
          .at("/data/result")
          .valueStream()
          .anyMatch(one -> !one.at("/value/1").asString("NaN").equals("NaN"));
    } catch (IOException | JacksonException starting) {
      return false;
    }
  }

  /// Whether one of the series that are selected has an exemplar with that label.
  boolean hasExemplar(String selector, String label) {
    try {
      var answer = get("/api/v1/query_exemplars?start=0&end=4e9&query=" + Http.encoded(selector));
      return answer
          .path("data")
          .valueStream()
          .flatMap(series -> series.path("exemplars").valueStream())
          .anyMatch(exemplar -> !exemplar.at("/labels/" + label).asString("").isEmpty());
    } catch (IOException | JacksonException starting) {
      return false;
    }
  }

  /// Not by [Http]: Prometheus gives no request ids.
  private JsonNode get(String path) throws IOException {
    try {
      var request = HttpRequest.newBuilder(URI.create(base + path)).build();
      return Http.JSON.readTree(client.send(request, BodyHandlers.ofString()).body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
