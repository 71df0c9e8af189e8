package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;

/// The rule that every name here keeps: partitions, identifiers and the names of ages.
final class Name {
  private static final int MAX = 200;

  private Name() {}

  /// `text`, when it is 1 to 200 characters (code points) that can be stored.
  ///
  /// @throws dev.gatehouse.http.Refusal 400 that names `field`
  static String check(String field, String text) {
    if (text.isEmpty() || text.codePointCount(0, text.length()) > MAX) {
      throw Problem.badField(field, "The " + field + " must be 1 to " + MAX + " characters.")
          .refusal();
    }
    if (!Json.isStorable(text)) {
      throw Problem.badField(field, "The " + field + " must not contain U+0000 or lone surrogates.")
          .refusal();
    }
    if (text.equals(".") || text.equals("..")) {
      throw Problem.badField(
              field, "The " + field + " must not be '.' or '..', which no path can name.")
          .refusal();
    }
    return text;
  }
}
