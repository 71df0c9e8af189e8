package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.roles.Probe;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/// `gatehouse healthcheck`: asks a process of ours whether it is ready, for whoever reads exit
/// codes.
///
/// The launcher gives the same answer by itself where it has a bash and no options, since a JVM
/// each time costs more than many a process that is asked.
final class HealthCheck {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private HealthCheck() {}

  /// @param address where it answers; empty: what it has noted in its data directory
  static int run(Path data, Optional<String> address) {
    var where = address.orElseGet(() -> noted(data));
    var answer = ask(where);
    System.out.println(answer.body().strip());
    return answer.statusCode() == 200 ? 0 : 1;
  }

  private static String noted(Path data) {
    try {
      return Files.readString(Probe.file(data)).strip();
    } catch (IOException e) {
      throw new PlainError(
          "Nothing has started in " + data + " yet: it would have noted where to ask.");
    }
  }

  private static HttpResponse<String> ask(String address) {
    try (var client = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
      var request =
          HttpRequest.newBuilder(URI.create("http://" + address + "/readyz"))
              .timeout(PATIENCE)
              .build();
      return client.send(request, BodyHandlers.ofString());
    } catch (IllegalArgumentException e) {
      throw new PlainError("'" + address + "' is not an address such as 127.0.0.1:9000.");
    } catch (IOException e) {
      throw new PlainError("Nobody answers at " + address + ".");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
