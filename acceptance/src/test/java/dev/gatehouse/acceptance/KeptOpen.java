package dev.gatehouse.acceptance;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/// A client with one connection that it keeps, as small as can be: a million reads must not take
/// all the CPU there is.
final class KeptOpen implements AutoCloseable {
  /// @param stale marked as one from a cache because nobody else could answer
  record Answer(int status, String body, String servedBy, boolean stale) {}

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Socket socket;
  private final InputStream in;

  KeptOpen(int port) throws IOException {
    this(port, PATIENCE);
  }

  /// @param patience after so long without a byte it takes an answer for lost
  KeptOpen(int port, Duration patience) throws IOException {
    socket = new Socket("127.0.0.1", port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
    in = new BufferedInputStream(socket.getInputStream());
  }

  Answer get(String path) throws IOException {
    return send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  Answer delete(String path) throws IOException {
    return send("DELETE " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  Answer put(String path, String json) throws IOException {
    return send(
        "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(path, json.length(), json));
  }

  Answer post(String path, String json, String... fields) throws IOException {
    var head = String.join("\r\n", fields);
    return send(
        "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
            .formatted(path, head.isEmpty() ? "" : head + "\r\n", json.length(), json));
  }

  private Answer send(String request) throws IOException {
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    int status = Integer.parseInt(line().substring(9, 12));
    int length = 0;
    String servedBy = "";
    boolean stale = false;
    for (var line = line(); !line.isEmpty(); line = line()) {
      var field = line.toLowerCase(Locale.ROOT);
      if (field.startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(15).strip());
      } else if (field.startsWith("x-served-by:")) {
        servedBy = line.substring(12).strip();
      } else if (field.startsWith("cache-status:")) {
        stale = field.contains("fwd=stale");
      }
    }
    return new Answer(
        status, new String(in.readNBytes(length), StandardCharsets.UTF_8), servedBy, stale);
  }

  private String line() throws IOException {
    var line = new ByteArrayOutputStream(64);
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new IOException("the connection was closed");
      }
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
