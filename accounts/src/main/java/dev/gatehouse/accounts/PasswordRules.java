package dev.gatehouse.accounts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Which passwords may be chosen: by length, and none of the commonest. No rules of composition,
/// which only make passwords harder to remember (NIST SP 800-63B section 3.1.1.2).
final class PasswordRules {
  static final int MIN = 8;
  static final int MAX = 1024;
  private static final String LIST = "common-passwords.txt";

  private final Set<String> common;

  PasswordRules() {
    try (var in = PasswordRules.class.getResourceAsStream(LIST)) {
      if (in == null) {
        throw new IllegalStateException(LIST + " is missing from this build");
      }
      common =
          new String(in.readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .collect(Collectors.toUnmodifiableSet());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Why this password is refused, in one sentence.
  ///
  /// @param emailKey of its user: the address or its first part is the first thing that is guessed
  Optional<String> objection(String password, String emailKey) {
    int length = password.codePointCount(0, password.length());
    if (length < MIN) {
      return Optional.of("The password must have at least " + MIN + " characters.");
    }
    if (length > MAX) {
      return Optional.of("The password must have at most " + MAX + " characters.");
    }
    var plain = Email.fold(password);
    if (plain.equals(emailKey) || plain.equals(emailKey.substring(0, emailKey.lastIndexOf('@')))) {
      return Optional.of("The password must not be the email; choose another.");
    }
    return common.contains(password.toLowerCase(Locale.ROOT))
        ? Optional.of("The password is one of the commonest; choose another.")
        : Optional.empty();
  }
}
