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
      if (want.startsWith("{") ? have.isEmpty() : !want.equals(have)) {
        return false;
      }
    }
    return true;
  }

  /// The first segment where it is a literal; empty otherwise.
  public String firstLiteral() {
    return segments.isEmpty() || segments.getFirst().startsWith("{") ? "" : segments.getFirst();
  }

  /// The most specific first.
  @Override
  public int compareTo(PathPattern other) {
    int common = Math.min(segments.size(), other.segments.size());
    for (int i = 0; i < common; i++) {
      boolean literal = !segments.get(i).startsWith("{");
      boolean otherLiteral = !other.segments.get(i).startsWith("{");
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
