package dev.gatehouse.edge.route;

import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Response;
import java.util.List;
import java.util.regex.Pattern;

/// Tells clients to ask elsewhere.
///
/// Nothing a client sends can change the host it is sent to, unless the text itself says `{host}`
/// there: a place may stand only behind the first slash of the path, and a path never begins with
/// two slashes, which a browser would take for a host.
public final class Redirect {
  private static final Pattern FORM =
      Pattern.compile(
          "(?<origin>https?://(\\{host}|[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+])(:\\d{1,5})?)?(?<path>/.*)?");
  private static final List<Integer> STATUSES = List.of(301, 302, 303, 307, 308);

  private final Template to;
  private final String origin;
  private final int status;

  private Redirect(Template to, String origin, int status) {
    this.to = to;
    this.origin = origin;
    this.status = status;
  }

  /// @param path the route's
  /// @throws IllegalArgumentException in one sentence
  public static Redirect of(String to, int status, PathPattern path) {
    var form = FORM.matcher(to);
    if (to.isEmpty() || !form.matches() || to.matches(".*[\\s\\p{Cntrl}\\\\#].*")) {
      throw new IllegalArgumentException(
          "'"
              + to
              + "' is not a place to go such as https://example.com/{path} or /new/**; places in braces"
              + " stand behind the host's slash, and {host} alone for the whole host");
    }
    if (form.group("path") != null && form.group("path").startsWith("//")) {
      throw new IllegalArgumentException(
          "'" + to + "' has a path that begins with two slashes, which means another host");
    }
    if (!STATUSES.contains(status)) {
      throw new IllegalArgumentException(status + " is not a redirect: 301, 302, 303, 307 or 308");
    }
    var all = List.of(Template.Place.HOST, Template.Place.PATH, Template.Place.QUERY);
    return new Redirect(
        Template.parse(to, path, all),
        form.group("origin") == null ? "" : form.group("origin"),
        status);
  }

  public int status() {
    return status;
  }

  /// @throws dev.gatehouse.http.Refusal 400 when the host is asked for and is none
  public Response response(RequestHead head) {
    return Response.empty(status).with("Location", location(head));
  }

  private String location(RequestHead head) {
    var text = to.expand(head);
    if (to.asksForQuery() && head.target().rawQuery().isEmpty() && text.endsWith("?")) {
      text = text.substring(0, text.length() - 1);
    }
    if (!origin.isEmpty()) {
      return text;
    }
    int slashes = 0;
    while (slashes < text.length() && text.charAt(slashes) == '/') {
      slashes++;
    }
    return "/" + text.substring(slashes);
  }

  @Override
  public String toString() {
    return status + " " + to;
  }
}
