package dev.gatehouse.edge.route;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// A text with places that a request fills in.
///
/// `{host}` is the host without its port, `{path}` the path without its first slash, `{query}` the
/// query without its question mark, `{name}` the segment that the route's path calls so, and a
/// `/**` at the end of the path whatever the route's own `/**` took. All of them are what the
/// client sent, byte for byte and still encoded, so a value can never become more segments than it
/// was.
public final class Template {
  /// A part of the text.
  private sealed interface Part {
    record Text(String text) implements Part {}

    record Host() implements Part {}

    record Path() implements Part {}

    record Query() implements Part {}

    record Segment(int index) implements Part {}

    /// What follows the first `after` segments, with its slash.
    record Rest(int after) implements Part {}
  }

  /// What a name in braces may be, besides a segment of the route's path.
  public enum Place {
    HOST,
    PATH,
    QUERY
  }

  private static final Pattern PLACE = Pattern.compile("\\{([^{}]*)}|/\\*\\*(?=$|\\?)");
  private static final Pattern HOST =
      Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\\[[0-9A-Fa-f:.]+]");

  private final String text;
  private final List<Part> parts;

  private Template(String text, List<Part> parts) {
    this.text = text;
    this.parts = List.copyOf(parts);
  }

  /// @param path the route's
  /// @param places which names may stand in braces
  /// @throws IllegalArgumentException in one sentence
  public static Template parse(String text, PathPattern path, List<Place> places) {
    var parts = new ArrayList<Part>();
    var found = PLACE.matcher(text);
    int from = 0;
    while (found.find()) {
      literal(text, from, found.start(), parts);
      var name = found.group(1);
      parts.add(name == null ? rest(path) : part(name, path, places));
      from = found.end();
    }
    literal(text, from, text.length(), parts);
    return new Template(text, parts);
  }

  private static void literal(String text, int from, int to, List<Part> parts) {
    var literal = text.substring(from, to);
    if (literal.contains("{") || literal.contains("}")) {
      throw new IllegalArgumentException("'" + text + "' has a brace without its counterpart");
    }
    if (literal.contains("*")) {
      throw new IllegalArgumentException(
          "'" + text + "' can have a '**' only as the last segment of its path");
    }
    if (!literal.isEmpty()) {
      parts.add(new Part.Text(literal));
    }
  }

  private static Part rest(PathPattern path) {
    if (!path.open()) {
      throw new IllegalArgumentException(
          "'**' is what the route's path leaves open, but '" + path + "' does not end in '**'");
    }
    return new Part.Rest(path.segments().size());
  }

  private static Part part(String name, PathPattern path, List<Place> places) {
    int index = path.segments().indexOf("{" + name + "}");
    var place =
        places.stream()
            .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(name))
            .findFirst();
    if (place.isPresent() && index >= 0) {
      throw new IllegalArgumentException(
          "'{" + name + "}' could also be the segment of '" + path + "'; give that another name");
    }
    if (place.isPresent()) {
      return switch (place.get()) {
        case HOST -> new Part.Host();
        case PATH -> new Part.Path();
        case QUERY -> new Part.Query();
      };
    }
    if (index < 0) {
      throw new IllegalArgumentException(
          "there is no '{" + name + "}' in the route's path '" + path + "'");
    }
    return new Part.Segment(index);
  }

  /// Whether the text has a place of this kind.
  boolean asksForQuery() {
    return parts.stream().anyMatch(Part.Query.class::isInstance);
  }

  /// The text for one request.
  ///
  /// @throws dev.gatehouse.http.Refusal 400 when the host is asked for and is none
  String expand(RequestHead head) {
    var out = new StringBuilder();
    for (var part : parts) {
      switch (part) {
        case Part.Text(var literal) -> out.append(literal);
        case Part.Host() -> out.append(host(head));
        case Part.Path() ->
            out.append(head.target().rawPath(), 1, head.target().rawPath().length());
        case Part.Query() -> out.append(head.target().rawQuery().orElse(""));
        case Part.Segment(int index) -> out.append(segment(head.target().rawPath(), index));
        case Part.Rest(int after) -> out.append(rest(head.target().rawPath(), after));
      }
    }
    return out.toString();
  }

  private static String host(RequestHead head) {
    var name = HostIndex.name(head.host());
    if (!HOST.matcher(name).matches()) {
      throw Problem.badRequest("The Host of this request is not the name of a host.").refusal();
    }
    return name;
  }

  /// The raw path from the slash that ends its first `count` segments; empty where it has no more.
  static String rest(String rawPath, int count) {
    int at = 0;
    for (int i = 0; i < count; i++) {
      at = rawPath.indexOf('/', at + 1);
      if (at < 0) {
        return "";
      }
    }
    return rawPath.substring(at);
  }

  private static String segment(String rawPath, int index) {
    var from = rest(rawPath, index);
    int end = from.indexOf('/', 1);
    return from.substring(1, end < 0 ? from.length() : end);
  }

  @Override
  public String toString() {
    return text;
  }
}
