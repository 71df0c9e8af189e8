package dev.gatehouse.edge.route;

import java.util.ArrayList;
import java.util.List;

/// A path pattern over decoded segments: `/a/b` is exact, `{x}` is any one segment, a last `**` is
/// any rest, also none.
///
/// Patterns are ordered by how much they say: segment by segment a literal beats a parameter beats
/// `**`, and an exact end beats an open one.
public final class PathPattern implements Comparable<PathPattern> {
  private final String text;
  private final List<String> segments;
  private final boolean open;

  private PathPattern(String text, List<String> segments, boolean open) {
    this.text = text;
    this.segments = segments;
    this.open = open;
  }

  /// @throws IllegalArgumentException in one sentence
  public static PathPattern parse(String text) {
    if (!text.startsWith("/")) {
      throw new IllegalArgumentException("a path pattern begins with '/'");
    }
    var segments = new ArrayList<>(List.of(text.substring(1).split("/", -1)));
    boolean open = segments.getLast().equals("**");
    if (open) {
      segments.removeLast();
    }
    if (segments.contains("**")) {
      throw new IllegalArgumentException("'**' can only be the last segment");
    }
    return new PathPattern(text, List.copyOf(segments), open);
  }

  public boolean matches(List<String> path) {
    int size = segments.size();
    if (open ? path.size() < size : path.size() != size) {
      return false;
    }
    for (int i = 0; i < size; i++) {
      var want = segments.get(i);
      var have = path.get(i);
      if (isParameter(want) ? have.isEmpty() : !want.equals(have)) {
        return false;
      }
    }
    return true;
  }

  /// The first segment where it is a literal; empty otherwise.
  public String firstLiteral() {
    return segments.isEmpty() || isParameter(segments.getFirst()) ? "" : segments.getFirst();
  }

  /// Without a last `**`.
  public List<String> segments() {
    return segments;
  }

  /// Whether any rest may follow.
  public boolean open() {
    return open;
  }

  public static boolean isParameter(String segment) {
    return segment.startsWith("{");
  }

  /// Whether every path that fits `other` also fits this.
  boolean covers(PathPattern other) {
    if (open ? other.segments.size() < segments.size() : !sameLength(other)) {
      return false;
    }
    for (int i = 0; i < segments.size(); i++) {
      var mine = segments.get(i);
      var theirs = other.segments.get(i);
      if (isParameter(mine) ? theirs.isEmpty() : isParameter(theirs) || !mine.equals(theirs)) {
        return false;
      }
    }
    return true;
  }

  private boolean sameLength(PathPattern other) {
    return !other.open && other.segments.size() == segments.size();
  }

  /// Whether some path fits both.
  boolean meets(PathPattern other) {
    int common = Math.min(segments.size(), other.segments.size());
    if ((segments.size() > common && !other.open) || (other.segments.size() > common && !open)) {
      return false;
    }
    for (int i = 0; i < common; i++) {
      var mine = segments.get(i);
      var theirs = other.segments.get(i);
      boolean fits =
          isParameter(mine)
              ? !theirs.isEmpty()
              : isParameter(theirs) ? !mine.isEmpty() : mine.equals(theirs);
      if (!fits) {
        return false;
      }
    }
    return true;
  }

  /// The same for two patterns that match the same paths: parameters lose their names.
  String shape() {
    var shape = new StringBuilder();
    for (var segment : segments) {
      shape.append('/').append(isParameter(segment) ? "{}" : segment);
    }
    return open ? shape + "/**" : shape.toString();
  }

  /// The most specific first.
  @Override
  public int compareTo(PathPattern other) {
    int common = Math.min(segments.size(), other.segments.size());
    for (int i = 0; i < common; i++) {
      boolean literal = !isParameter(segments.get(i));
      boolean otherLiteral = !isParameter(other.segments.get(i));
      if (literal != otherLiteral) {
        return literal ? -1 : 1;
      }
    }
    if (segments.size() != other.segments.size()) {
      return other.segments.size() - segments.size();
    }
    return Boolean.compare(open, other.open);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PathPattern that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
