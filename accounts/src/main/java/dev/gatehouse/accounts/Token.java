package dev.gatehouse.accounts;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/// A bearer token: 256 random bits in base64url. Only its SHA-256 is ever stored; a slow hash would
/// add nothing, since there is nothing to guess.
record Token(String text) {
  private static final int BYTES = 32;
  private static final Pattern SHAPE = Pattern.compile("[A-Za-z0-9_-]{43}");

  static Token random(SecureRandom random) {
    var bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return new Token(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
  }

  /// The token, if the text can be one of ours.
  static Optional<Token> parse(String text) {
    return SHAPE.matcher(text).matches() ? Optional.of(new Token(text)) : Optional.empty();
  }

  byte[] hash() {
    return sha256(text);
  }

  /// The hash as text: what a session is known by.
  String key() {
    return HexFormat.of().formatHex(hash());
  }

  static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /// Never the token itself: records end up in logs.
  @Override
  public String toString() {
    return "Token";
  }
}
