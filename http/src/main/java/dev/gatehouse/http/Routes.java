package dev.gatehouse.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;

/// What a service answers: an immutable table of method, path template and handler.
///
/// A template is `/data/{partition}/{id}`: literal segments and parameters, each one segment. The
/// same table is served in a process of its own or called by the edge in its own. `HEAD` works
/// wherever `GET` does; a known path with another method is 405 with `Allow`; everything else is
/// 404.
public final class Routes {
  /// How a route is answered.
  public sealed interface Target {
    record Blocking(Handler handler) implements Target {}

    record Later(LaterHandler handler) implements Target {}

    record Inline(InlineHandler handler) implements Target {}

    /// Answered on the event loop where `atOnce` knows the answer without waiting for anything,
    /// else by `otherwise`, as if that stood alone: a cache in front of a database.
    record Either(Function<Request, Optional<Response>> atOnce, Handler otherwise)
        implements Target {}
  }

  /// One line of the table. `bodyLimit` is in bytes; 0 means that a body is refused with 413.
  public record Route(String method, String template, int bodyLimit, Target target) {}

  /// What a path and a method lead to.
  public sealed interface Match {
    record Found(Route route, Map<String, String> path) implements Match {}

    /// `allow` is the value for the `Allow` field.
    record WrongMethod(String allow) implements Match {}

    record Unknown() implements Match {}
  }

  private record Line(Route route, List<String> segments) {}

  private final List<Line> lines;

  private Routes(List<Line> lines) {
    this.lines = lines;
  }

  public static Builder builder() {
    return new Builder();
  }

  /// These routes and, after them, those of `other`.
  public Routes and(Routes other) {
    var all = new ArrayList<>(lines);
    all.addAll(other.lines);
    return new Routes(List.copyOf(all));
  }

  public List<Route> all() {
    return lines.stream().map(Line::route).toList();
  }

  public Match match(String method, List<String> segments) {
    var wanted = method.equals("HEAD") ? "GET" : method;
    TreeSet<String> allowed = null;
    for (var line : lines) {
      var path = fit(line.segments, segments);
      if (path.isEmpty()) {
        continue;
      }
      if (line.route.method.equals(wanted)) {
        return new Match.Found(line.route, path.get());
      }
      if (allowed == null) {
        allowed = new TreeSet<>();
      }
      allowed.add(line.route.method);
      if (line.route.method.equals("GET")) {
        allowed.add("HEAD");
      }
    }
    return allowed == null
        ? new Match.Unknown()
        : new Match.WrongMethod(String.join(", ", allowed));
  }

  private static Optional<Map<String, String>> fit(List<String> template, List<String> segments) {
    if (template.size() != segments.size()) {
      return Optional.empty();
    }
    Map<String, String> path = Map.of();
    for (int i = 0; i < template.size(); i++) {
      var want = template.get(i);
      var have = segments.get(i);
      if (want.startsWith("{")) {
        if (have.isEmpty()) {
          return Optional.empty();
        }
        if (path.isEmpty()) {
          path = new LinkedHashMap<>();
        }
        path.put(want.substring(1, want.length() - 1), have);
      } else if (!want.equals(have)) {
        return Optional.empty();
      }
    }
    return Optional.of(path);
  }

  /// Gathers the lines; the first that fits wins, so put literal templates before parameters.
  public static final class Builder {
    private final List<Line> lines = new ArrayList<>();

    private Builder() {}

    public Builder get(String template, Handler handler) {
      return add("GET", template, 0, new Target.Blocking(handler));
    }

    public Builder post(String template, int bodyLimit, Handler handler) {
      return add("POST", template, bodyLimit, new Target.Blocking(handler));
    }

    public Builder put(String template, int bodyLimit, Handler handler) {
      return add("PUT", template, bodyLimit, new Target.Blocking(handler));
    }

    public Builder patch(String template, int bodyLimit, Handler handler) {
      return add("PATCH", template, bodyLimit, new Target.Blocking(handler));
    }

    public Builder delete(String template, Handler handler) {
      return add("DELETE", template, 0, new Target.Blocking(handler));
    }

    /// A route whose answer may become certain after its handler has returned.
    public Builder later(String method, String template, int bodyLimit, LaterHandler handler) {
      return add(method, template, bodyLimit, new Target.Later(handler));
    }

    /// A route answered on the event loop.
    public Builder inline(String method, String template, int bodyLimit, InlineHandler handler) {
      return add(method, template, bodyLimit, new Target.Inline(handler));
    }

    /// A `GET` whose answer may be at hand; see [Target.Either].
    public Builder get(
        String template, Function<Request, Optional<Response>> atOnce, Handler otherwise) {
      return add("GET", template, 0, new Target.Either(atOnce, otherwise));
    }

    private Builder add(String method, String template, int bodyLimit, Target target) {
      if (!template.startsWith("/")) {
        throw new IllegalArgumentException("a template begins with '/': " + template);
      }
      lines.add(
          new Line(
              new Route(method, template, bodyLimit, target),
              List.of(template.substring(1).split("/", -1))));
      return this;
    }

    public Routes build() {
      return new Routes(List.copyOf(lines));
    }
  }
}
