package dev.gatehouse.app.config;

import java.util.regex.Pattern;

/// Keeps passwords out of what is shown.
///
/// It works on any text, not on parsed URLs, since a mistyped URL is what error messages show most.
/// So it rather hides too much: whatever stands between a colon and the last `@` of a word, and the
/// values of parameters that are called like a secret.
final class Secrets {
  static final String HIDDEN = "***";

  private static final Pattern SECRET =
      Pattern.compile(
          "(?<=[^\\s\"']:)(?!//)[^\\s\"']+(?=@)"
              + "|(?<=[?&][^\\s=&]{0,40}(?i:password|passwd|secret|token)[^\\s=&]{0,20}=)[^&\\s\"']+");

  private Secrets() {}

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
