package dev.gatehouse.app.config;

/// Where something is written.
///
/// @param file the name of the file, or of the variable
/// @param line from 1; 0 where there are no lines
/// @param column from 1, in code points
/// @param sourceLine as it stands; empty where there is none
record Place(String file, int line, int column, String sourceLine) {
  private static final int WIDTH = 120;

  static Place ofFile(String file) {
    return new Place(file, 0, 1, "");
  }

  static Place ofVariable(String name, String value) {
    return new Place("environment variable " + name, 0, name.length() + 2, name + "=" + value);
  }

  static Place ofCommandLine(String path, String value) {
    return new Place("command line", 0, path.length() + 2, path + "=" + value);
  }

  /// A mistake here; passwords are masked, control characters shown as a replacement character, and
  /// only the part of a long line that matters is kept.
  Mistake mistake(String sentence) {
    int at = sourceLine.offsetByCodePoints(0, Math.min(column - 1, length(sourceLine)));
    var masked = Secrets.mask(sourceLine);
    int caret = masked.codePointCount(0, Secrets.moved(sourceLine, at));
    int from = caret < WIDTH ? 0 : caret - WIDTH / 2;
    var shown = new StringBuilder();
    masked
        .codePoints()
        .skip(from)
        .limit(WIDTH)
        .map(Place::printable)
        .forEach(shown::appendCodePoint);
    var cut = length(masked) > from + WIDTH ? "..." : "";
    var text = sentence.endsWith("?") || sentence.endsWith(".") ? sentence : sentence + ".";
    return new Mistake(file, line, column, Secrets.mask(clean(text)), shown + cut, caret - from);
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  private static String clean(String text) {
    var clean = new StringBuilder();
    text.codePoints().map(Place::printable).forEach(clean::appendCodePoint);
    return clean.toString();
  }

  private static int printable(int c) {
    return c != '\t' && Character.isISOControl(c) ? 0xFFFD : c;
  }
}
