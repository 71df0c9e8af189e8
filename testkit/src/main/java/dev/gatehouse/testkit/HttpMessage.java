package dev.gatehouse.testkit;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// One HTTP/1.1 message as it stood on the wire, a request or a response.
///
/// @param startLine without its CRLF
/// @param headers in the order they came, names as they came
/// @param body decoded when it was chunked
/// @param trailers of a chunked body
/// @param wire every byte of the message, framing included
public record HttpMessage(
    String startLine, List<Field> headers, byte[] body, List<Field> trailers, byte[] wire) {

  public record Field(String name, String value) {}

  /// The status of a response.
  public int status() {
    return Integer.parseInt(startLine.split(" ", 3)[1]);
  }

  /// The method of a request.
  public String method() {
    return startLine.split(" ", 3)[0];
  }

  /// The target of a request, byte for byte.
  public String target() {
    return startLine.split(" ", 3)[1];
  }

  /// The first value of a field, whatever the case of its name.
  public Optional<String> header(String name) {
    return headers(name).stream().findFirst();
  }

  public List<String> headers(String name) {
    return headers.stream()
        .filter(field -> field.name().equalsIgnoreCase(name))
        .map(Field::value)
        .toList();
  }

  public String bodyText() {
    return new String(body, StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return new String(wire, StandardCharsets.UTF_8);
  }

  /// Reads one message; empty when the stream ended before its first byte.
  ///
  /// @param bodyless true for a response to `HEAD`
  /// @throws EOFException when the stream ends inside the message
  static Optional<HttpMessage> read(InputStream in, boolean bodyless) throws IOException {
    return read(in, bodyless, () -> {});
  }

  /// The same; `onExpect` runs before the body of a request that expects `100-continue`.
  static Optional<HttpMessage> read(InputStream in, boolean bodyless, OnExpect onExpect)
      throws IOException {
    return new Reader(in).message(bodyless, onExpect);
  }

  @FunctionalInterface
  interface OnExpect {
    void run() throws IOException;
  }

  private static final class Reader {
    private final InputStream in;
    private final ByteArrayOutputStream wire = new ByteArrayOutputStream();

    Reader(InputStream in) {
      this.in = in;
    }

    Optional<HttpMessage> message(boolean bodyless, OnExpect onExpect) throws IOException {
      var startLine = line();
      if (startLine.isEmpty()) {
        return Optional.empty();
      }
      var headers = fields();
      var head = new HttpMessage(startLine.get(), headers, new byte[0], List.of(), new byte[0]);
      if (head.header("expect").isPresent()) {
        onExpect.run();
      }
      boolean response = startLine.get().startsWith("HTTP/");
      var body = new ByteArrayOutputStream();
      List<Field> trailers = List.of();
      if (bodyless || (response && hasNoBody(head.status()))) {
        // Nothing follows, whatever the fields say.
      } else if (head.headers("transfer-encoding").stream()
          .anyMatch(value -> value.toLowerCase(Locale.ROOT).contains("chunked"))) {
        trailers = chunks(body);
      } else if (head.header("content-length").isPresent()) {
        copy(length(head.header("content-length").get()), body);
      } else if (response) {
        int next;
        while ((next = in.read()) >= 0) {
          wire.write(next);
          body.write(next);
        }
      }
      return Optional.of(
          new HttpMessage(
              startLine.get(), headers, body.toByteArray(), trailers, wire.toByteArray()));
    }

    private static int length(String text) throws IOException {
      try {
        return Integer.parseInt(text.trim());
      } catch (NumberFormatException e) {
        throw new IOException("no usable Content-Length: " + text, e);
      }
    }

    private static boolean hasNoBody(int status) {
      return status < 200 || status == 204 || status == 304;
    }

    private List<Field> chunks(ByteArrayOutputStream body) throws IOException {
      while (true) {
        int size = Integer.parseInt(mustLine().split(";", 2)[0].trim(), 16);
        if (size == 0) {
          return fields();
        }
        copy(size, body);
        mustLine();
      }
    }

    private List<Field> fields() throws IOException {
      var fields = new ArrayList<Field>();
      while (true) {
        var line = mustLine();
        if (line.isEmpty()) {
          return List.copyOf(fields);
        }
        int colon = line.indexOf(':');
        fields.add(
            colon < 0
                ? new Field(line, "")
                : new Field(line.substring(0, colon), line.substring(colon + 1).strip()));
      }
    }

    private String mustLine() throws IOException {
      return line().orElseThrow(() -> cut());
    }

    private Optional<String> line() throws IOException {
      var line = new ByteArrayOutputStream();
      while (true) {
        int next = in.read();
        if (next < 0) {
          if (line.size() == 0) {
            return Optional.empty();
          }
          throw cut();
        }
        wire.write(next);
        if (next == '\n') {
          var text = line.toString(StandardCharsets.ISO_8859_1);
          return Optional.of(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
        }
        line.write(next);
      }
    }

    private void copy(int count, ByteArrayOutputStream body) throws IOException {
      var bytes = in.readNBytes(count);
      wire.writeBytes(bytes);
      if (bytes.length < count) {
        throw cut();
      }
      body.writeBytes(bytes);
    }

    private EOFException cut() {
      return new EOFException(
          "the stream ended inside a message; so far: "
              + wire.toString(StandardCharsets.ISO_8859_1));
    }
  }
}
