package dev.gatehouse.http;

import java.util.LinkedHashMap;
import java.util.Map;

/// An error as every surface tells it: `application/problem+json` (RFC 9457).
///
/// `slug` names the kind of error for good: it ends the `type` URI
/// (`urn:gatehouse:problem:<slug>`). `detail` is one sentence about this case, `members` are the
/// extension members (`hint`, `field`, ...) and `headers` go with it.
public record Problem(
    int status,
    String slug,
    String title,
    String detail,
    Map<String, Object> members,
    Map<String, String> headers) {

  public Problem {
    members = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(members));
    headers = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(headers));
  }

  public Problem(int status, String slug, String title, String detail) {
    this(status, slug, title, detail, Map.of(), Map.of());
  }

  public static Problem badRequest(String detail) {
    return new Problem(400, "bad-request", "Bad request", detail);
  }

  /// A 400 that names the field which is wrong.
  public static Problem badField(String field, String detail) {
    return badRequest(detail).with("field", field);
  }

  public static Problem unauthorized(String detail) {
    return new Problem(401, "unauthorized", "Sign in first", detail);
  }

  public static Problem forbidden(String detail) {
    return new Problem(403, "forbidden", "Forbidden", detail);
  }

  public static Problem notFound(String detail) {
    return new Problem(404, "not-found", "Not found", detail);
  }

  /// `allow` is the value of the `Allow` field: the methods this path knows.
  public static Problem methodNotAllowed(String allow) {
    return new Problem(
            405, "method-not-allowed", "Method not allowed", "This path answers " + allow + ".")
        .header("Allow", allow);
  }

  public static Problem conflict(String detail) {
    return new Problem(409, "conflict", "Conflict", detail);
  }

  public static Problem preconditionFailed(String detail) {
    return new Problem(412, "precondition-failed", "Precondition failed", detail);
  }

  public static Problem tooLarge(long limit) {
    return new Problem(
        413,
        "content-too-large",
        "Content too large",
        "The body is larger than the " + limit + " bytes this path takes.");
  }

  public static Problem unsupportedMediaType(String detail) {
    return new Problem(415, "unsupported-media-type", "Unsupported media type", detail);
  }

  public static Problem tooManyRequests(String detail, long retryAfterSeconds) {
    return new Problem(429, "too-many-requests", "Too many requests", detail)
        .header("Retry-After", Long.toString(retryAfterSeconds));
  }

  public static Problem internal() {
    return new Problem(
        500, "internal", "Internal error", "Something broke on our side; the log has the details.");
  }

  public static Problem unavailable(String detail, long retryAfterSeconds) {
    return new Problem(503, "unavailable", "Unavailable", detail)
        .header("Retry-After", Long.toString(retryAfterSeconds));
  }

  public static Problem timedOut(String detail) {
    return new Problem(504, "timed-out", "Timed out", detail);
  }

  /// This problem with a hint that says what to do next.
  public Problem hint(String hint) {
    return with("hint", hint);
  }

  /// This problem with one more extension member; `value` is anything [Json] can write.
  public Problem with(String name, Object value) {
    var more = new LinkedHashMap<>(members);
    more.put(name, value);
    return new Problem(status, slug, title, detail, more, headers);
  }

  /// This problem with one more header on its response.
  public Problem header(String name, String value) {
    var more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new Problem(status, slug, title, detail, members, more);
  }

  public Refusal refusal() {
    return new Refusal(this);
  }

  /// The response that says this; `requestId` may be empty where a connection has not read a
  /// request yet.
  public Response response(String requestId) {
    var body = new LinkedHashMap<String, Object>();
    body.put("type", "urn:gatehouse:problem:" + slug);
    body.put("title", title);
    body.put("status", status);
    body.put("detail", detail);
    body.putAll(members);
    if (!requestId.isEmpty()) {
      body.put("requestId", requestId);
    }
    var response = Response.of(status, "application/problem+json", Json.bytes(body));
    for (var header : headers.entrySet()) {
      response = response.with(header.getKey(), header.getValue());
    }
    return response;
  }
}
