package dev.gatehouse.testkit;

import java.util.Random;
import java.util.function.Consumer;

/// Runs a property over generated cases, and names the seed of the case that breaks it.
///
/// `-Dgatehouse.seed=N` runs that one case again.
public final class Seeded {
  private Seeded() {}

  /// Runs `property` once for each of `cases` fresh generators.
  public static void check(int cases, Consumer<Random> property) {
    var only = System.getProperty("gatehouse.seed");
    if (only != null) {
      property.accept(new Random(Long.parseLong(only)));
      return;
    }
    var seeds = new Random();
    for (int i = 0; i < cases; i++) {
      long seed = seeds.nextLong();
      try {
        property.accept(new Random(seed));
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(
            "case " + i + " failed; again with -Dgatehouse.seed=" + seed + "\n" + e.getMessage(),
            e);
      }
    }
  }

  /// Text of up to `longest` characters that Gatehouse must carry unharmed: letters, quotes,
  /// slashes, controls but U+0000, other scripts, and characters beyond the basic plane.
  public static String text(Random random, int longest) {
    var text = new StringBuilder();
    int length = 1 + random.nextInt(longest);
    while (text.length() < length) {
      switch (random.nextInt(6)) {
        case 0 -> text.append((char) ('a' + random.nextInt(26)));
        case 1 -> text.append("'\"\\/%;?&#+ ._-{}[]$".charAt(random.nextInt(19)));
        case 2 -> text.append((char) (1 + random.nextInt(0x1f)));
        case 3 -> text.append((char) (0xa0 + random.nextInt(0x500)));
        case 4 -> text.append((char) (0x4e00 + random.nextInt(0x100)));
        default -> {
          if (text.length() + 2 <= length) {
            text.appendCodePoint(0x1f600 + random.nextInt(64));
          }
        }
      }
    }
    return text.toString();
  }
}
