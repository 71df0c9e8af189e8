package dev.gatehouse.app.config;

import java.util.List;

/// A path as a route matches it, segment by decoded segment.
///
/// `/a/b` is that path alone, `/a/**` is `/a` and everything below it, `{name}` is any one segment
/// that is not empty.
///
/// @param text as it was written
/// @param segments without a last `**`
/// @param prefix whether it ended in `**`
public record PathPattern(String text, List<String> segments, boolean prefix) {
  static final String EXPECTS = "a path such as /a/b, /a/** or /a/{id}";

  /// The pattern that this text is.
  ///
  /// @throws Wrong with a sentence
  static PathPattern parse(String text) throws Wrong {
    if (!text.startsWith("/")) {
      throw new Wrong("'" + text + "' is not " + EXPECTS + ": it must begin with '/'");
    }
    var all = List.of(text.substring(1).split("/", -1));
    for (int i = 0; i < all.size(); i++) {
      check(text, all.get(i), i == all.size() - 1);
    }
    boolean prefix = all.getLast().equals("**");
    return new PathPattern(text, prefix ? all.subList(0, all.size() - 1) : all, prefix);
  }

  private static void check(String text, String segment, boolean last) throws Wrong {
    if (segment.equals("**") && last) {
      return;
    }
    if (segment.contains("*")) {
      throw new Wrong(
          "'"
              + text
              + "' is not a path pattern: '**' may only be the whole last segment, as in /a/**");
    }
    if (segment.isEmpty() && !last) {
      throw new Wrong("'" + text + "' has an empty segment");
    }
    if (segment.equals(".") || segment.equals("..")) {
      throw new Wrong("'" + text + "' has a dot segment; no request with one gets this far");
    }
    if (segment.matches(".*[?#%\\\\\\s\\p{Cntrl}].*")) {
      throw new Wrong(
          "'"
              + text
              + "' is not a path pattern: write it decoded, without query, spaces or escapes");
    }
    if (segment.matches(".*[{}].*") && !segment.matches("\\{[A-Za-z][A-Za-z0-9_-]*}")) {
      throw new Wrong("'" + text + "' is not a path pattern: {name} must be a whole segment");
    }
  }

  /// Whether the decoded segments of a path fit; `/a/` has the segments `a` and an empty one.
  public boolean matches(List<String> path) {
    if (prefix ? path.size() < segments.size() : path.size() != segments.size()) {
      return false;
    }
    for (int i = 0; i < segments.size(); i++) {
      var want = segments.get(i);
      if (want.startsWith("{") ? path.get(i).isEmpty() : !want.equals(path.get(i))) {
        return false;
      }
    }
    return true;
  }

  /// The same for two patterns that match the same paths: parameters lose their names.
  String shape() {
    var shape = new StringBuilder();
    for (var segment : segments) {
      shape.append('/').append(segment.startsWith("{") ? "{}" : segment);
    }
    return prefix ? shape + "/**" : shape.toString();
  }

  @Override
  public String toString() {
    return text;
  }
}
