package dev.gatehouse.app.config;

/// One thing that is wrong, and where.
///
/// @param file the file, or the variable or option that holds the wrong value
/// @param line from 1; 0 where there is no line
/// @param column from 1, in characters of the file's line
/// @param sentence what is wrong and what would be right, passwords masked
/// @param sourceLine the line, or what matters of it, passwords masked; empty where there is none
/// @param caret how many characters of `sourceLine` stand before what is wrong
public record Mistake(
    String file, int line, int column, String sentence, String sourceLine, int caret) {

  /// `file:line:col: sentence`, the source line and a caret below what is wrong.
  public String render() {
    var head = (line > 0 ? file + ":" + line + ":" + column : file) + ": " + sentence;
    if (sourceLine.isBlank()) {
      return head;
    }
    var number = line > 0 ? line + " " : "";
    return head
        + ("\n  " + number + "| " + sourceLine)
        + ("\n  " + " ".repeat(number.length()) + "| " + indent() + "^");
  }

  /// White space as wide as what stands before the caret: tabs stay tabs.
  private String indent() {
    var indent = new StringBuilder();
    sourceLine.codePoints().limit(caret).forEach(c -> indent.append(c == '\t' ? '\t' : ' '));
    return indent.toString();
  }
}
