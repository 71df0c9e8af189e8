package dev.gatehouse.accounts;

import dev.gatehouse.http.Json;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// An email and a password as a body gives them, not yet judged.
record Credentials(String email, String password) {
  /// Empty when the body has no such fields or one is empty or no text.
  ///
  /// @throws dev.gatehouse.http.Refusal 400 when the body is not JSON or has other fields besides
  static Optional<Credentials> parse(byte[] body) {
    if (body.length == 0) {
      return Optional.empty();
    }
    var node = Json.parse(body);
    var email = text(node, "email");
    var password = text(node, "password");
    if (email.isEmpty() || password.isEmpty()) {
      return Optional.empty();
    }
    if (node.size() > 2) {
      Json.parseObject(body, "email", "password");
    }
    return Optional.of(new Credentials(email.get(), password.get()));
  }

  /// A field that is text and not empty.
  static Optional<String> text(JsonNode node, String field) {
    var value = node.get(field);
    return value != null && value.isString() && !value.stringValue().isEmpty()
        ? Optional.of(value.stringValue())
        : Optional.empty();
  }

  /// Never the password: records end up in logs.
  @Override
  public String toString() {
    return "Credentials[" + email + "]";
  }
}
