package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Routes by their paths, a tree with one level per segment, so that a match looks at the routes of
/// a few nodes and not at all there are.
///
/// The order in which a node is searched is the order of [PathPattern]: what the next segment says
/// literally, what leaves it open, the path that ends here, and only then `**`. A search allocates
/// nothing.
final class PathIndex {
  private final Map<String, PathIndex> literals = new HashMap<>();
  private final List<RouteTable.Match.Found> exact = new ArrayList<>(1);
  private final List<RouteTable.Match.Found> open = new ArrayList<>(1);
  private @Nullable PathIndex parameter;

  /// Those of one path must be added with the most specific first.
  void add(RouteTable.Match.Found found) {
    var path = found.route().path();
    var node = this;
    for (var segment : path.segments()) {
      node = node.below(segment);
    }
    (path.open() ? node.open : node.exact).add(found);
  }

  private PathIndex below(String segment) {
    if (!PathPattern.isParameter(segment)) {
      return literals.computeIfAbsent(segment, _ -> new PathIndex());
    }
    var next = parameter;
    if (next == null) {
      next = new PathIndex();
      parameter = next;
    }
    return next;
  }

  /// The first route that takes this request.
  ///
  /// @param depth how many segments led here
  /// @param literally only routes that name the next segment
  /// @param refused if given, gets the methods of routes that would take the request but for its
  ///   own
  RouteTable.Match.@Nullable Found find(
      RequestHead head, int depth, boolean literally, @Nullable Set<String> refused) {
    var segments = head.target().segments();
    boolean ends = depth == segments.size();
    if (!ends) {
      var segment = segments.get(depth);
      var literal = literals.get(segment);
      if (literal != null) {
        var found = literal.find(head, depth + 1, false, refused);
        if (found != null) {
          return found;
        }
      }
      var next = parameter;
      if (next != null && !literally && !segment.isEmpty()) {
        var found = next.find(head, depth + 1, false, refused);
        if (found != null) {
          return found;
        }
      }
    }
    if (literally) {
      return null;
    }
    var found = ends ? first(exact, head, refused) : null;
    return found == null ? first(open, head, refused) : found;
  }

  private static RouteTable.Match.@Nullable Found first(
      List<RouteTable.Match.Found> all, RequestHead head, @Nullable Set<String> refused) {
    for (int i = 0; i < all.size(); i++) {
      var match = all.get(i).route().match();
      if (match.conditionsHold(head)) {
        if (match.takesMethod(head.method())) {
          return all.get(i);
        }
        if (refused != null) {
          refused.addAll(match.methods());
        }
      }
    }
    return null;
  }
}
