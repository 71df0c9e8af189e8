package dev.gatehouse.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A whole response of a service: a status, header fields in order, and a body held in memory.
///
/// `Content-Length`, `Date` and `X-Request-Id` are the server's business and never stand here.
public record Response(int status, List<Field> headers, byte[] body) {
  private static final byte[] NOTHING = new byte[0];

  /// One header field; names are compared without case.
  public record Field(String name, String value) {}

  public Response {
    headers = List.copyOf(headers);
  }

  public static Response empty(int status) {
    return new Response(status, List.of(), NOTHING);
  }

  public static Response of(int status, String contentType, byte[] body) {
    return new Response(status, List.of(new Field("Content-Type", contentType)), body);
  }

  /// `value` as JSON; see [Json] for what can be written.
  public static Response json(int status, Object value) {
    return of(status, "application/json", Json.bytes(value));
  }

  public static Response text(int status, String text) {
    return of(status, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8))
        .with("X-Content-Type-Options", "nosniff");
  }

  /// This response with one more header field.
  public Response with(String name, String value) {
    var more = new ArrayList<>(headers);
    more.add(new Field(name, value));
    return new Response(status, more, body);
  }

  public Optional<String> header(String name) {
    return headers.stream()
        .filter(field -> field.name().equalsIgnoreCase(name))
        .map(Field::value)
        .findFirst();
  }

  public String bodyText() {
    return new String(body, StandardCharsets.UTF_8);
  }
}
