package dev.gatehouse.app.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// "Did you mean": the nearest of the words that would have been right.
final class Suggest {
  private Suggest() {}

  /// The word nearest to what was written, if one is near enough to be meant.
  static Optional<String> nearest(String written, Collection<String> words) {
    int reach = Math.max(1, Math.min(3, written.length() / 3));
    var lower = written.toLowerCase(Locale.ROOT);
    return words.stream()
        .filter(word -> distance(lower, word.toLowerCase(Locale.ROOT)) <= reach)
        .min(Comparator.comparingInt(word -> distance(lower, word.toLowerCase(Locale.ROOT))));
  }

  /// `; did you mean 'x'?`, or what is known instead.
  static String among(String written, Collection<String> words) {
    return nearest(written, words)
        .map(word -> "; did you mean '" + word + "'?")
        .orElseGet(() -> words.isEmpty() ? "" : "; known are " + String.join(", ", words));
  }

  /// How many insertions, deletions, substitutions and swaps of neighbours lie between two words
  /// (optimal string alignment, the usual extension of Levenshtein's distance).
  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + change);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
