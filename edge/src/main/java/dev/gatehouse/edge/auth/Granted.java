package dev.gatehouse.edge.auth;

import dev.gatehouse.http.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What a token endpoint gave (RFC 6749 section 5.1).
///
/// @param life an hour where the server does not say, or says 0; a 401 before that has it renewed
/// @param refresh empty where the old one stays good
record Granted(String access, Duration life, Optional<String> refresh) {
  private static final Duration UNKNOWN = Duration.ofHours(1);
  private static final long LONGEST = Duration.ofDays(365).toSeconds();

  /// The server says no, and would say it again.
  static final class Denied extends IOException {
    private static final long serialVersionUID = 1L;

    Denied(String sentence) {
      super(sentence);
    }
  }

  static Granted of(Remote.Answer answer) throws IOException {
    JsonNode body;
    try {
      body = Json.parse(answer.body());
    } catch (RuntimeException e) {
      if (answer.status() == 200) {
        throw new IOException("it answered 200 and no JSON", e);
      }
      // The JDK's client keeps the body of a 401 for itself; the status says enough.
      body = MissingNode.getInstance();
    }
    if (answer.status() != 200) {
      var error = body.path("error").asString("");
      var sentence =
          "it answered "
              + answer.status()
              + (error.matches("[a-z_]{1,64}") ? " (" + error + ")" : "");
      throw answer.status() == 400 || answer.status() == 401
          ? new Denied(sentence)
          : new IOException(sentence);
    }
    var access = body.path("access_token").asString("");
    var type = body.path("token_type").asString("bearer");
    // It goes into a header field: nothing but a token's characters (RFC 6750 section 2.1).
    if (!access.matches("[A-Za-z0-9._~+/=|:-]+") || !type.equalsIgnoreCase("bearer")) {
      throw new IOException("it gave no bearer token");
    }
    long seconds = body.path("expires_in").asLong(0);
    return new Granted(
        access,
        seconds <= 0 ? UNKNOWN : Duration.ofSeconds(Math.min(seconds, LONGEST)),
        Optional.of(body.path("refresh_token").asString("")).filter(text -> !text.isEmpty()));
  }

  /// Without the tokens.
  @Override
  public String toString() {
    return "a token for " + life;
  }
}
