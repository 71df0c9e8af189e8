package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// An ordinary HTTP/1.1 client of one port, which holds every answer to what all of them promise: a
/// request id, no 500, and no trace of our insides.
final class Http {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private static final HttpClient CLIENT =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  private final String base;

  Http(int port) {
    base = "http://127.0.0.1:" + port;
  }

  static String encoded(String segment) {
    return java.net.URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  HttpResponse<String> get(String path, String... headers) {
    return send("GET", path, BodyPublishers.noBody(), headers);
  }

  HttpResponse<String> delete(String path, String... headers) {
    return send("DELETE", path, BodyPublishers.noBody(), headers);
  }

  HttpResponse<String> put(String path, String json, String... headers) {
    return send("PUT", path, BodyPublishers.ofString(json), withType(headers));
  }

  HttpResponse<String> post(String path, String json, String... headers) {
    return send("POST", path, BodyPublishers.ofString(json), withType(headers));
  }

  HttpResponse<String> form(String path, String form) {
    return send(
        "POST",
        path,
        BodyPublishers.ofString(form),
        "Content-Type",
        "application/x-www-form-urlencoded");
  }

  HttpResponse<String> send(String method, String path, BodyPublisher body, String... headers) {
    var request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, body);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    try {
      var response = CLIENT.send(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
      assertHarmless(method + " " + path, response);
      return response;
    } catch (IOException e) {
      throw new AssertionError(method + " " + base + path + " got no answer: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  static JsonNode json(HttpResponse<String> response) {
    return JSON.readTree(response.body());
  }

  static String header(HttpResponse<String> response, String name) {
    return response
        .headers()
        .firstValue(name)
        .orElseThrow(() -> new AssertionError("no " + name + " in " + response.headers().map()));
  }

  /// A problem of this status in the shape of RFC 9457; returns its members.
  static JsonNode problem(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    var problem = json(response);
    assertThat(problem.path("status").asInt()).isEqualTo(status);
    assertThat(problem.path("type").asString("")).startsWith("urn:gatehouse:problem:");
    assertThat(problem.path("title").asString("")).isNotBlank();
    assertThat(problem.path("detail").asString("")).isNotBlank();
    assertThat(problem.path("requestId").asString("")).isEqualTo(header(response, "X-Request-Id"));
    return problem;
  }

  /// A 405 whose `Allow` names exactly these methods.
  static void methodNotAllowed(HttpResponse<String> response, String... methods) {
    problem(response, 405);
    assertThat(new TreeSet<>(Set.of(header(response, "Allow").split(", *"))))
        .isEqualTo(new TreeSet<>(Set.of(methods)));
  }

  private static void assertHarmless(String what, HttpResponse<String> response) {
    assertThat(response.statusCode()).as(what + ": " + response.body()).isNotEqualTo(500);
    assertThat(response.headers().firstValue("X-Request-Id")).as(what).isPresent();
    if (response.statusCode() >= 400) {
      assertThat(response.body())
          .as(what)
          .doesNotContain("Exception", "\tat ", "dev.gatehouse.", "java.");
    }
  }

  private static String[] withType(String... headers) {
    var all = new String[headers.length + 2];
    System.arraycopy(headers, 0, all, 0, headers.length);
    all[headers.length] = "Content-Type";
    all[headers.length + 1] = "application/json";
    return all;
  }
}
