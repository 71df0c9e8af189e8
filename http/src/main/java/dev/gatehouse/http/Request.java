package dev.gatehouse.http;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A whole request as a service sees it: the head, the path's parameters, and the body in memory.
///
/// @param method as it came, in capitals; a `HEAD` arrives as `GET`, and the server drops the body
/// @param path the decoded values of the template's `{name}` parameters
/// @param headers every field, names in lower case, values in the order they came
/// @param client the address the edge decided on; behind the edge this is not the peer's
/// @param user who is signed in, as the edge found out; a client can never set it
/// @param requestId the id that every log line and answer carries
public record Request(
    String method,
    Target target,
    Map<String, String> path,
    Map<String, List<String>> headers,
    byte[] body,
    InetSocketAddress client,
    Optional<String> user,
    String requestId) {

  /// A path parameter of the template this request matched.
  public String path(String name) {
    var value = path.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the route has no parameter " + name);
    }
    return value;
  }

  public Optional<String> query(String name) {
    return target.query(name);
  }

  /// The first value of a header field; `name` in lower case.
  public Optional<String> header(String name) {
    var values = headers.get(name);
    return values == null ? Optional.empty() : Optional.of(values.getFirst());
  }

  /// A cookie's value (RFC 6265 section 5.4), the first of that name.
  public Optional<String> cookie(String name) {
    return Cookies.find(headers.getOrDefault("cookie", List.of()), name);
  }

  /// The media type without its parameters, in lower case; empty when there is none.
  public Optional<String> contentType() {
    return header("content-type")
        .map(value -> value.split(";", 2)[0].trim().toLowerCase(java.util.Locale.ROOT));
  }

  public String bodyText() {
    return new String(body, StandardCharsets.UTF_8);
  }
}
