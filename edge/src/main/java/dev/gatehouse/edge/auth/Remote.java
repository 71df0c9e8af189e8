package dev.gatehouse.edge.auth;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Small requests of the edge's own: key sets and tokens. Blocks; follows no redirect, since what
/// it sends is for one server only; reads at most 256 KiB.
///
/// The JDK's old client, and neither its new one, which keeps threads and megabytes for a few
/// requests an hour, nor Netty's, which would have to be taught to wait.
final class Remote {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration READ = Duration.ofSeconds(5);
  private static final int LONGEST = 256 * 1024;

  record Answer(int status, byte[] body) {}

  private Remote() {}

  static Answer get(URI url) throws IOException {
    return exchange(open(url));
  }

  /// Sends a form.
  ///
  /// @param authorization the value of that field
  static Answer post(URI url, Map<String, String> form, Optional<String> authorization)
      throws IOException {
    var connection = open(url);
    connection.setRequestMethod("POST");
    connection.setDoOutput(true);
    connection.setRequestProperty("Content-Type", "application/x-www-form-urlencoded");
    authorization.ifPresent(value -> connection.setRequestProperty("Authorization", value));
    var body =
        form.entrySet().stream()
            .map(field -> encoded(field.getKey()) + "=" + encoded(field.getValue()))
            .collect(Collectors.joining("&"));
    // A body of known length is sent once; without it the client may send it again by itself.
    var bytes = body.getBytes(StandardCharsets.UTF_8);
    connection.setFixedLengthStreamingMode(bytes.length);
    try (var out = connection.getOutputStream()) {
      out.write(bytes);
    }
    return exchange(connection);
  }

  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static HttpURLConnection open(URI url) throws IOException {
    if (!(url.toURL().openConnection() instanceof HttpURLConnection connection)) {
      throw new IOException("this is no http or https URL");
    }
    connection.setInstanceFollowRedirects(false);
    connection.setUseCaches(false);
    connection.setConnectTimeout(Math.toIntExact(CONNECT.toMillis()));
    connection.setReadTimeout(Math.toIntExact(READ.toMillis()));
    connection.setRequestProperty("Accept", "application/json");
    return connection;
  }

  private static Answer exchange(HttpURLConnection connection) throws IOException {
    int status = connection.getResponseCode();
    try (var in = status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
      if (in == null) {
        return new Answer(status, new byte[0]);
      }
      var body = in.readNBytes(LONGEST + 1);
      if (body.length > LONGEST) {
        connection.disconnect();
        throw new IOException("the answer is larger than 256 KiB");
      }
      return new Answer(status, body);
    }
  }
}
