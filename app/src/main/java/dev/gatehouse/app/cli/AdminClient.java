package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.PlainError;
import dev.gatehouse.http.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// The admin port of a running edge, as commands ask it.
///
/// The port is found as `up` finds it, in the configuration; the token in the data directory.
///
/// @param base such as `http://127.0.0.1:9000`
record AdminClient(String base, String token) {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// What came back.
  ///
  /// @param next where the next page is, if there is one
  record Answer(JsonNode body, Optional<String> next) {}

  static AdminClient of(Optional<Path> file, Optional<Path> data) {
    var config = Assembly.load(file, data).config();
    var listen = config.admin().listen().socket();
    var host =
        listen.getAddress() == null || listen.getAddress().isAnyLocalAddress()
            ? "127.0.0.1"
            : listen.getAddress().getHostAddress();
    return new AdminClient(
        "http://%s:%d".formatted(host.contains(":") ? "[" + host + "]" : host, listen.getPort()),
        token(Assembly.data(config).resolve("admin.token")));
  }

  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new PlainError(
          "There is no admin token in " + file + ": start the assembly, or name its --data.");
    }
  }

  /// Without the token.
  @Override
  public String toString() {
    return base;
  }

  /// @param path with its query
  Answer get(String path) {
    return send("GET", path, Map.of());
  }

  /// @param body nothing is sent if it is empty
  /// @throws PlainError with what the edge says, when that is not a success
  Answer send(String method, String path, Map<String, ?> body) {
    try (var client = HttpClient.newHttpClient()) {
      var request =
          HttpRequest.newBuilder(URI.create(base + path))
              .timeout(PATIENCE)
              .header("Authorization", "Bearer " + token)
              .method(
                  method,
                  body.isEmpty()
                      ? BodyPublishers.noBody()
                      : BodyPublishers.ofByteArray(Json.bytes(body)))
              .build();
      var response = client.send(request, BodyHandlers.ofByteArray());
      var answer =
          response.body().length == 0
              ? MissingNode.getInstance()
              : Json.mapper().readTree(response.body());
      if (response.statusCode() / 100 != 2) {
        throw new PlainError(
            answer.path("detail").asString("the edge answered " + response.statusCode()));
      }
      return new Answer(
          answer,
          response.headers().firstValue("Link").map(link -> link.replaceAll("^<|>.*$", "")));
    } catch (IOException e) {
      throw new PlainError(
          "No edge answers at " + base + ": is it running, with this -f and --data?");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlainError("Interrupted.");
    }
  }
}
