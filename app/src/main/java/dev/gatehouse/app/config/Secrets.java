package dev.gatehouse.app.config;

import java.util.regex.Pattern;

/// Keeps passwords out of what is shown.
///
/// It works on any text, not on parsed URLs, since a mistyped URL is what error messages show most.
/// So it rather hides too much: whatever stands between a colon and the last `@` of a word, and the
/// values of parameters and header fields that are called like a secret.
final class Secrets {
  static final String HIDDEN = "***";

  private static final Pattern SECRET =
      Pattern.compile(
          "(?<=[^\\s\"']:)(?!//)[^\\s\"']+(?=@)"
              + "|(?<=[\\s{,\"'][\\w-]{0,40}(?i:authorization|password|secret|token|api-?key)[\"']?: {1,3})"
              + "(?:\"[^\"]*\"|'[^']*'|[^\\s,}\"'][^,}]*)"
              + "|(?<=[?&][^\\s=&]{0,40}(?i:password|passwd|secret|token)[^\\s=&]{0,20}=)[^&\\s\"']+");

  /// Header fields whose values are nobody's business.
  private static final Pattern FIELD =
      Pattern.compile(
          "(?i)credentials\\.[^.]+\\.client-secret|.*-headers\\.(set|add)\\..*(authorization|cookie|password|secret|token|api-?key).*");

  private Secrets() {}

  /// The text of one setting as it may be shown.
  static String shown(String path, String text) {
    return FIELD.matcher(path).matches() ? HIDDEN : mask(text);
  }

  static String mask(String text) {
    return SECRET.matcher(text).replaceAll(HIDDEN);
  }

  /// Where index `at` of a text is once that text is masked.
  static int moved(String text, int at) {
    int moved = at;
    var secrets = SECRET.matcher(text);
    while (secrets.find() && secrets.start() < at) {
      moved -= Math.min(at, secrets.end()) - secrets.start();
      moved += secrets.end() <= at ? HIDDEN.length() : 0;
    }
    return moved;
  }
}
