package dev.gatehouse.accounts;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import tools.jackson.databind.JsonNode;

/// The password somebody has and the one they want, as a body gives them, not yet judged.
record PasswordChange(String current, String fresh) {
  /// @throws dev.gatehouse.http.Refusal 400 that names the field which is missing, no text or
  ///   unknown
  static PasswordChange parse(byte[] body) {
    var node = Json.parseObject(body, "current", "new");
    return new PasswordChange(required(node, "current"), required(node, "new"));
  }

  private static String required(JsonNode node, String field) {
    return Credentials.text(node, field)
        .orElseThrow(() ->
            Problem.badField(field, "'" + field + "' must be a text that is not empty.").refusal());
  }

  /// Never the passwords: records end up in logs.
  @Override
  public String toString() {
    return "PasswordChange";
  }
}
