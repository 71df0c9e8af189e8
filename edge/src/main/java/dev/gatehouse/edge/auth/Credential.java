package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.filter.Visit;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/// What a request's `Authorization` field carries.
final class Credential {
  static final String FIELD = HttpHeaderNames.AUTHORIZATION.toString();

  private Credential() {}

  /// What follows the scheme, when it is this one; schemes are compared without case.
  static Optional<String> of(Visit visit, String scheme) {
    var value = visit.head().headers().get(FIELD);
    if (value == null
        || value.length() < scheme.length()
        || !value.substring(0, scheme.length()).toLowerCase(Locale.ROOT).equals(scheme)
        || (value.length() > scheme.length() && value.charAt(scheme.length()) != ' ')) {
      return Optional.empty();
    }
    return Optional.of(value.substring(scheme.length()).strip());
  }

  /// What a 401 says about tokens and keys in this field (RFC 6750 section 3).
  ///
  /// @param refused whether one was presented and does not count
  static String bearerChallenge(boolean refused) {
    return refused
        ? "Bearer realm=\"gatehouse\", error=\"invalid_token\""
        : "Bearer realm=\"gatehouse\"";
  }

  static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
