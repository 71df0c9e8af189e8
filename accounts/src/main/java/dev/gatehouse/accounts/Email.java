package dev.gatehouse.accounts;

import java.net.IDN;
import java.text.Normalizer;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// An email address: as it was given, and the key it is compared by.
///
/// Nothing is ever sent to it here, so it is only checked for plausibility.
record Email(String given, String key) {
  /// RFC 5321 section 4.5.3.1.3, less the angle brackets.
  static final int MAX_LENGTH = 254;

  private static final String ACE_PREFIX = "xn--";

  /// The address, when it can be one: `local@domain`, no spaces, controls or invisible characters,
  /// no empty label in the domain, 254 characters at most.
  static Optional<Email> plausible(String text) {
    int at = text.lastIndexOf('@');
    boolean plausible =
        at > 0
            && text.codePointCount(0, text.length()) <= MAX_LENGTH
            && text.codePoints().noneMatch(Email::isOutOfPlace)
            && Stream.of(dotted(text.substring(at + 1)).split("\\.", -1))
                .noneMatch(String::isEmpty);
    return plausible ? Optional.of(new Email(text, keyOf(text))) : Optional.empty();
  }

  /// What two ways to write one address have in common: compatibility forms are folded (NFKC), case
  /// is not told apart, character by character as in [String#equalsIgnoreCase], and a domain's
  /// labels in their ASCII form (`xn--`, RFC 3490) are read.
  ///
  /// To fold domains to ASCII instead was refused: the JDK's IDNA 2003 makes one of `straße` and
  /// `strasse`, which are two domains today. The price is that an ASCII label with one of the four
  /// characters that it treats so (ß, ς and two joiners) stays a different address from the same
  /// label in Unicode.
  static String keyOf(String text) {
    var folded = fold(text);
    int at = folded.lastIndexOf('@');
    var domain = dotted(folded.substring(at + 1));
    if (!domain.contains(ACE_PREFIX)) {
      return folded.substring(0, at + 1) + domain;
    }
    return folded.substring(0, at + 1)
        + Stream.of(domain.split("\\.", -1))
            .map(label -> label.startsWith(ACE_PREFIX) ? fold(IDN.toUnicode(label)) : label)
            .collect(Collectors.joining("."));
  }

  /// Without compatibility forms and case.
  static String fold(String text) {
    var folded = new StringBuilder();
    Normalizer.normalize(text, Normalizer.Form.NFKC)
        .codePoints()
        .map(c -> Character.toLowerCase(Character.toUpperCase(c)))
        .forEach(folded::appendCodePoint);
    return Normalizer.normalize(folded, Normalizer.Form.NFKC);
  }

  /// All that separates labels as a plain dot (RFC 3490 section 3.1).
  private static String dotted(String domain) {
    return domain.replace('\u3002', '.').replace('\uff0e', '.').replace('\uff61', '.');
  }

  private static boolean isOutOfPlace(int c) {
    return Character.isWhitespace(c)
        || Character.isSpaceChar(c)
        || Character.isISOControl(c)
        || Character.getType(c) == Character.FORMAT;
  }
}
