package dev.gatehouse.accounts;

import java.text.Normalizer;
import java.util.Optional;

/// An email address: as it was given, and the key it is compared by.
///
/// Nothing is ever sent to it here, so it is only checked for plausibility.
record Email(String given, String key) {
  /// RFC 5321 section 4.5.3.1.3, less the angle brackets.
  static final int MAX_LENGTH = 254;

  /// The address, when it can be one: `local@domain`, no spaces or controls, 254 characters at
  /// most.
  static Optional<Email> plausible(String text) {
    int at = text.lastIndexOf('@');
    boolean plausible =
        at > 0
            && at < text.length() - 1
            && text.codePointCount(0, text.length()) <= MAX_LENGTH
            && text.codePoints().noneMatch(Email::isOutOfPlace);
    return plausible ? Optional.of(new Email(text, keyOf(text))) : Optional.empty();
  }

  /// What two ways to write one address have in common: compatibility forms are folded (NFKC) and
  /// case is not told apart, character by character as in [String#equalsIgnoreCase].
  static String keyOf(String text) {
    var folded = new StringBuilder();
    Normalizer.normalize(text, Normalizer.Form.NFKC)
        .codePoints()
        .map(c -> Character.toLowerCase(Character.toUpperCase(c)))
        .forEach(folded::appendCodePoint);
    return Normalizer.normalize(folded, Normalizer.Form.NFKC);
  }

  private static boolean isOutOfPlace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || Character.isISOControl(c);
  }
}
