package dev.gatehouse.app.config;

import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.HeaderEdits;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Redirect;
import dev.gatehouse.edge.route.Rewrite;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.Split;
import dev.gatehouse.edge.route.Template;
import dev.gatehouse.http.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The part of the declaration that says which requests a route takes, where they go, and what is
/// changed on the way.
final class RouteKeys {
  private static final String NOTHING = "";

  // ---- which requests

  private static final Key<String> LISTEN =
      Key.optional(
          "listen",
          new Shape.Scalar<>("the name of a listener", Checks::listener, Map.of("type", "string")),
          "the listener it arrived at");
  private static final Key<String> HOST =
      Key.optional(
          "host",
          new Shape.Scalar<>("a host name", Checks::hostPattern, Map.of("type", "string")),
          "the host it asks for; *.example.com is every name below");
  private static final Key<dev.gatehouse.app.config.PathPattern> PATH =
      Key.with("path", Texts.pathPattern(), "/**", "/a/b, /a/** (and /a itself), or /a/{id}");
  private static final Key<List<String>> METHOD =
      Key.optional(
          "method",
          new OneOrMore<>(Texts.text("a method in capitals, such as GET", "[A-Z]{1,32}")),
          "its method, or a list of them; GET takes HEAD along");
  private static final Shape.Scalar<String> WANTED =
      Texts.anyText("a value, \"*\" for any, or \"!\" for none");
  private static final Key<Map<String, String>> HEADER =
      Key.optional(
          "header",
          new Pairs<>("header field", Texts::headerName, WANTED),
          "header fields it has: {X-Beta: \"1\"}; \"*\" is any value, \"!\" is without it");
  private static final Key<Map<String, String>> QUERY =
      Key.optional(
          "query",
          new Pairs<>("parameter", Texts::name, WANTED),
          "parameters of its query: {debug: \"*\"}, likewise");
  private static final Key<Map<String, String>> COOKIE =
      Key.optional(
          "cookie",
          new Pairs<>("cookie", Texts::headerName, WANTED),
          "cookies it has: {plan: gold}, likewise");
  static final Key<RouteConfig.Match> MATCH =
      Key.required(
          "match",
          Shape.Section.of(
              List.of(LISTEN, HOST, PATH, METHOD, HEADER, QUERY, COOKIE),
              v ->
                  new RouteConfig.Match(
                      v.find(LISTEN),
                      v.find(HOST),
                      v.get(PATH),
                      new LinkedHashSet<>(v.find(METHOD).orElse(List.of())),
                      conditions(v))),
          "what a request must be, such as {path: /api/**}");

  private static List<Condition> conditions(Values v) {
    var all = new ArrayList<Condition>();
    v.find(HEADER)
        .orElse(Map.of())
        .forEach((name, text) -> all.add(Condition.parse(Condition.Source.HEADER, name, text)));
    v.find(QUERY)
        .orElse(Map.of())
        .forEach((name, text) -> all.add(Condition.parse(Condition.Source.QUERY, name, text)));
    v.find(COOKIE)
        .orElse(Map.of())
        .forEach((name, text) -> all.add(Condition.parse(Condition.Source.COOKIE, name, text)));
    return all;
  }

  // ---- where they go

  private static final Shape.Scalar<Destination> DESTINATION =
      new Shape.Scalar<>(
          "a service, an upstream or a URL", Checks::destination, Map.of("type", "string"));
  static final Key<Destination> TO =
      Key.optional(
          "to",
          new TextOr<>(
              DESTINATION,
              new Pairs<>("destination", Checks::destination, Texts.number(0, 1_000_000)),
              shares -> new Destination.Split(shares, Split.Sticky.NONE)),
          "a service, an upstream, or a URL such as http://127.0.0.1:5000; or several with their"
              + " weights, {old: 95, new: 5}");
  static final Key<Split.Sticky> STICKY =
      Key.optional(
          "sticky",
          Texts.oneOf(Split.Sticky.class),
          "client: with several destinations, a client's address decides once and for all");

  static final Key<String> REDIRECT_TO =
      Key.required(
          "to",
          Texts.anyText("a place to go such as https://example.com/{path}"),
          "where to go; {host}, {path}, {query} and segments of the route's path are filled in");
  private static final Key<Integer> REDIRECT_STATUS =
      Key.with(
          "status",
          Texts.number(301, 308),
          "307",
          "301, 302 or 303; 307 and 308 keep the method, 301 and 308 are remembered by browsers");
  static final Key<RedirectTo> REDIRECT =
      Key.optional(
          "redirect",
          Shape.Section.of(
                  List.of(REDIRECT_TO, REDIRECT_STATUS),
                  v -> new RedirectTo(v.get(REDIRECT_TO), v.get(REDIRECT_STATUS)))
              .orJust(REDIRECT_TO),
          "instead of 'to': the client is told to ask there");

  /// A redirect before it is known which path it belongs to.
  record RedirectTo(String to, int status) {}

  private static final Key<Integer> RESPOND_STATUS =
      Key.with("status", Texts.number(200, 599), "200", "the status");
  private static final Key<String> RESPOND_BODY =
      Key.optional("body", Texts.anyText("a text"), "the body; empty if absent");
  private static final Key<String> RESPOND_TYPE =
      Key.with(
          "type",
          Texts.text("a media type such as text/plain", "[\\w.+-]+/[\\w.+-]+( *; *[\\w.+=-]+)*"),
          "text/plain; charset=utf-8",
          "the body's Content-Type");
  static final Key<Response> RESPOND =
      Key.optional(
          "respond",
          Shape.Section.of(List.of(RESPOND_STATUS, RESPOND_BODY, RESPOND_TYPE), RouteKeys::respond),
          "instead of 'to': this very answer");

  private static Response respond(Values v) {
    var body = v.find(RESPOND_BODY).orElse(NOTHING);
    return body.isEmpty()
        ? Response.empty(v.get(RESPOND_STATUS))
        : Response.of(
            v.get(RESPOND_STATUS), v.get(RESPOND_TYPE), body.getBytes(StandardCharsets.UTF_8));
  }

  // ---- what is changed

  private static final Shape.Scalar<String> PREFIX =
      Texts.text("a path such as /api, without a last slash", "(/[^/?#%\\s{}*\\\\]+)+");
  static final Key<String> STRIP_PREFIX =
      Key.optional("strip-prefix", PREFIX, "the beginning of the route's path that is taken away");
  static final Key<String> ADD_PREFIX =
      Key.optional("prefix", PREFIX, "what is put before the path");
  static final Key<String> NEW_PATH =
      Key.optional(
          "path",
          Texts.text("a path such as /x/{id} or /new/**", "/[^?#\\s\\\\]*"),
          "instead of both: another path, with segments of the route's");
  static final Key<String> NEW_HOST =
      Key.optional(
          "host",
          Texts.text(
              "a host such as api.internal:81, or {host} for the client's",
              "\\{host}|[A-Za-z0-9_.-]+(:\\d{1,5})?"),
          "the Host that an upstream gets instead of its own address; {host} is the client's");
  static final Key<Changed> REWRITE =
      Key.optional(
          "rewrite",
          Shape.Section.of(
              List.of(STRIP_PREFIX, ADD_PREFIX, NEW_PATH, NEW_HOST),
              v ->
                  new Changed(
                      v.find(STRIP_PREFIX),
                      v.find(ADD_PREFIX),
                      v.find(NEW_PATH),
                      v.find(NEW_HOST))),
          "what the destination is asked instead; the query stays");

  /// A rewrite before it is known which path it belongs to.
  record Changed(
      Optional<String> strip,
      Optional<String> prefix,
      Optional<String> path,
      Optional<String> host) {}

  private static final Shape.Scalar<String> FIELD_NAME =
      new Shape.Scalar<>("a header field", Texts::editableHeader, Map.of("type", "string"));
  private static final Pairs<String, String> FIELDS =
      new Pairs<>("header field", Texts::editableHeader, Texts.fieldValue());
  private static final Key<Map<String, String>> SET =
      Key.optional("set", FIELDS, "fields that replace those of their name");
  private static final Key<Map<String, String>> ADD =
      Key.optional("add", FIELDS, "fields besides those of their name");
  private static final Key<List<String>> REMOVE =
      Key.optional("remove", new Shape.Items<>(FIELD_NAME, 1), "fields that are taken away");
  private static final Shape<HeaderEdits> EDITS =
      Shape.Section.of(
          List.of(REMOVE, SET, ADD),
          v ->
              new HeaderEdits(
                  fields(v.find(SET)), fields(v.find(ADD)), v.find(REMOVE).orElse(List.of())));
  static final Key<HeaderEdits> REQUEST_HEADERS =
      Key.optional("request-headers", EDITS, "changes of the header that the destination gets");
  static final Key<HeaderEdits> RESPONSE_HEADERS =
      Key.optional(
          "response-headers",
          EDITS,
          "changes of the header that clients get, once a request was let in");

  private static List<HeaderEdits.Field> fields(Optional<Map<String, String>> pairs) {
    return pairs.orElse(Map.of()).entrySet().stream()
        .map(pair -> new HeaderEdits.Field(pair.getKey(), pair.getValue()))
        .toList();
  }

  private static final Key<Boolean> MAINTENANCE_ON =
      Key.with("on", Texts.flag(), "true", "whether the route is switched off");
  private static final Key<Duration> RETRY_AFTER =
      Key.with(
          "retry-after",
          Texts.duration(Duration.ofSeconds(1), Duration.ofDays(30)),
          "1m",
          "when clients should come back");
  private static final Key<String> MESSAGE =
      Key.with(
          "message",
          Texts.anyText("a sentence"),
          "This part is closed for maintenance; come back later.",
          "what clients are told");
  static final Key<Optional<Route.Maintenance>> MAINTENANCE =
      Key.optional(
          "maintenance",
          Shape.Section.of(
                  List.of(MAINTENANCE_ON, RETRY_AFTER, MESSAGE),
                  v ->
                      v.get(MAINTENANCE_ON)
                          ? Optional.of(new Route.Maintenance(v.get(RETRY_AFTER), v.get(MESSAGE)))
                          : Optional.<Route.Maintenance>empty())
              .orJust(MAINTENANCE_ON),
          "true: every request gets 503 with Retry-After");

  static final List<Key<?>> DESTINATIONS = List.of(TO, REDIRECT, RESPOND);

  private RouteKeys() {}

  // ---- put together

  /// Where a route leads whose keys were checked.
  static Destination destination(Values v) {
    if (v.find(REDIRECT).isPresent()) {
      return new Destination.Redirected(redirect(v.get(REDIRECT), path(v)));
    }
    if (v.find(RESPOND).isPresent()) {
      return new Destination.Answered(v.get(RESPOND));
    }
    return v.get(TO) instanceof Destination.Split(var shares, var _)
        ? new Destination.Split(shares, v.find(STICKY).orElse(Split.Sticky.NONE))
        : v.get(TO);
  }

  static Route.Changes changes(Values v) {
    return new Route.Changes(
        v.find(REWRITE).map(changed -> rewrite(changed, path(v))),
        v.find(REQUEST_HEADERS).orElse(HeaderEdits.NONE),
        v.find(RESPONSE_HEADERS).orElse(HeaderEdits.NONE));
  }

  static PathPattern path(Values v) {
    return PathPattern.parse(v.get(MATCH).path().text());
  }

  /// @throws IllegalArgumentException in one sentence
  static Redirect redirect(RedirectTo to, PathPattern path) {
    return Redirect.of(to.to(), to.status(), path);
  }

  /// @throws IllegalArgumentException in one sentence
  static Rewrite rewrite(Changed changed, PathPattern path) {
    int strip = changed.strip().map(text -> text.split("/", -1).length - 1).orElse(0);
    return new Rewrite(
        strip,
        changed.prefix().orElse(NOTHING),
        changed.path().map(text -> Template.parse(text, path, List.of())),
        changed.host().map(text -> Template.parse(text, path, List.of(Template.Place.HOST))));
  }
}
