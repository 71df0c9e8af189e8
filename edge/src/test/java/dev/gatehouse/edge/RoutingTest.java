package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatehouse.edge.route.HeaderEdits;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.edge.route.Redirect;
import dev.gatehouse.edge.route.Rewrite;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.Split;
import dev.gatehouse.edge.route.Template;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Response;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What routes change, on the wire.
final class RoutingTest {
  private static final Route.Destination ORIGIN = new Route.Destination.External("origin");
  private static final Route.Destination ECHO = new Route.Destination.Local("echo");

  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);
  private final RawClient client = edge.client();

  @AfterEach
  void close() {
    client.close();
    edge.close();
  }

  private void serve(Route... routes) throws IOException {
    edge.gateway.reconfigure(edge.settings(List.of(routes)));
  }

  private static Route route(String path, Route.Destination to, Route.Changes changes) {
    return route(path, to, changes, Route.Authentication.NONE, Optional.empty());
  }

  private static Route route(
      String path,
      Route.Destination to,
      Route.Changes changes,
      Route.Authentication authentication,
      Optional<Route.Maintenance> maintenance) {
    var plain = EdgeUnderTest.route(path, to, authentication);
    return new Route(
        path,
        plain.match(),
        to,
        changes,
        maintenance,
        plain.retry(),
        plain.allDown(),
        authentication,
        plain.bodyLimit(),
        plain.connectTimeout(),
        plain.timeout(),
        plain.cache());
  }

  private static Route.Changes rewriting(int strip, String prefix, Optional<String> host) {
    return new Route.Changes(
        Optional.of(
            new Rewrite(
                strip,
                prefix,
                Optional.empty(),
                host.map(text ->
                    Template.parse(text, PathPattern.parse("/**"), List.of(Template.Place.HOST))))),
        HeaderEdits.NONE,
        HeaderEdits.NONE);
  }

  private static HeaderEdits edits(String set, String add, String remove) {
    return new HeaderEdits(
        List.of(new HeaderEdits.Field(set, "set")),
        List.of(new HeaderEdits.Field(add, "added")),
        List.of(remove));
  }

  private HttpMessage get(String target, String... lines) {
    var more = lines.length == 0 ? "" : String.join("\r\n", lines) + "\r\n";
    return client
        .send("GET " + target + " HTTP/1.1\r\nHost: client.example:80\r\n" + more + "\r\n")
        .read();
  }

  @Test
  void the_origin_gets_the_rewritten_path_and_host_and_the_client_keeps_its_connection()
      throws IOException {
    edge.external.answering(RecordingOrigin.ok("origin"));
    serve(
        route("/api/**", ORIGIN, rewriting(1, "/v2", Optional.empty())),
        route("/kept/**", ORIGIN, rewriting(1, "", Optional.of("{host}"))),
        route("/moved/**", ORIGIN, rewriting(0, "", Optional.of("inner.example"))));

    assertThat(get("/api/a%2Fb//c;d?x=%20&y").bodyText()).isEqualTo("origin");
    var sent = edge.external.lastReceived();
    assertThat(sent.target()).isEqualTo("/v2/a%2Fb//c;d?x=%20&y");
    assertThat(sent.header("Host")).contains("127.0.0.1:" + edge.external.port());
    assertThat(sent.header("X-Forwarded-Host")).contains("client.example:80");

    get("/kept");
    assertThat(edge.external.lastReceived().target()).isEqualTo("/");
    assertThat(edge.external.lastReceived().headers("Host")).containsExactly("client.example");
    get("/moved/x");
    assertThat(edge.external.lastReceived().target()).isEqualTo("/moved/x");
    assertThat(edge.external.lastReceived().headers("Host")).containsExactly("inner.example");
  }

  @Test
  void a_rewrite_that_would_lead_to_another_host_is_400_and_never_reaches_the_origin()
      throws IOException {
    serve(route("/api/**", ORIGIN, rewriting(1, "", Optional.empty())));

    assertThat(get("/api//evil.example/x").status()).isEqualTo(400);
    assertThat(edge.external.received()).isEmpty();
  }

  @Test
  void a_service_of_ours_is_asked_for_the_rewritten_path_with_the_edited_header()
      throws IOException {
    serve(
        route(
            "/v1/**",
            ECHO,
            new Route.Changes(
                rewriting(1, "", Optional.empty()).rewrite(),
                edits("X-Tenant", "X-More", "X-Gone"),
                HeaderEdits.NONE)));

    assertThat(get("/v1/echo").bodyText()).isEqualTo("hello");
    assertThat(get("/v1/tenant", "X-Tenant: forged").bodyText()).isEqualTo("set");
    assertThat(
            client
                .send("POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
                .read()
                .bodyText())
        .isEqualTo("body");
  }

  @Test
  void header_fields_are_set_added_and_removed_both_ways() throws IOException {
    edge.external.answering(
        RecordingOrigin.bytes(
            "HTTP/1.1 200 OK\r\nServer: x\r\nX-Down: 1\r\nX-More: 1\r\nContent-Length: 2\r\n\r\nok"));
    serve(
        route(
            "/**",
            ORIGIN,
            new Route.Changes(
                Optional.empty(),
                edits("X-Up", "X-Extra", "Referer"),
                edits("X-Down", "X-More", "Server"))));

    var answer = get("/", "x-up: 1", "X-UP: 2", "X-Extra: 1", "Referer: http://a/");

    var sent = edge.external.lastReceived();
    assertThat(sent.headers("X-Up")).containsExactly("set");
    assertThat(sent.headers("X-Extra")).containsExactly("1", "added");
    assertThat(sent.header("Referer")).isEmpty();
    assertThat(answer.headers("X-Down")).containsExactly("set");
    assertThat(answer.headers("X-More")).containsExactly("1", "added");
    assertThat(answer.header("Server")).isEmpty();
    assertThat(answer.bodyText()).isEqualTo("ok");
  }

  @Test
  void a_client_cannot_have_an_added_field_left_behind() throws IOException {
    edge.external.answering(RecordingOrigin.ok(""));
    serve(
        route(
            "/**",
            ORIGIN,
            new Route.Changes(
                Optional.empty(), edits("X-Inner", "X-Key", "X-Gone"), HeaderEdits.NONE)));

    get("/", "Connection: X-Inner, X-Key, X-Named", "X-Named: 1");

    var sent = edge.external.lastReceived();
    assertThat(sent.header("X-Inner")).contains("set");
    assertThat(sent.header("X-Key")).contains("added");
    assertThat(sent.header("X-Named")).isEmpty();
    assertThat(sent.header("Connection")).isEmpty();
  }

  @Test
  void answers_of_every_kind_of_destination_are_edited_and_refusals_before_it_are_not()
      throws IOException {
    var changes =
        new Route.Changes(
            Optional.empty(), HeaderEdits.NONE, edits("X-Set", "X-Added", "Content-Type"));
    edge.external.refuse();
    serve(
        route("/echo", ECHO, changes),
        route("/origin", ORIGIN, changes),
        route("/away", redirect("/echo", "/away"), changes),
        route("/fixed", fixed(), changes),
        route("/mine", ECHO, changes, Route.Authentication.SESSION, Optional.empty()));

    for (var path : List.of("/echo", "/origin", "/away", "/fixed")) {
      var answer = get(path);
      assertThat(answer.headers("X-Set")).as(path).containsExactly("set");
      assertThat(answer.header("Content-Type")).as(path).isEmpty();
      assertThat(answer.header("X-Request-Id")).as(path).isPresent();
    }
    assertThat(get("/mine").status()).isEqualTo(401);
    assertThat(get("/mine").header("X-Set")).isEmpty();
    assertThat(get("/mine", "Cookie: session=good").header("X-Set")).contains("set");
  }

  @Test
  void a_stored_answer_is_edited_too_and_never_shared_with_a_route_that_names_another_host()
      throws IOException {
    edge.external.answering((request, wire) -> {
      var host = request.header("Host").orElseThrow();
      wire.send(
          "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: "
              + host.length()
              + "\r\n\r\n"
              + host);
    });
    serve(kept("/a/**", "a.example"), kept("/b/**", "b.example"));

    assertThat(get("/a/x").bodyText()).isEqualTo("a.example");
    assertThat(get("/b/x").bodyText()).isEqualTo("b.example");
    var stored = get("/a/x");

    assertThat(stored.bodyText()).isEqualTo("a.example");
    assertThat(stored.headers("X-Set")).containsExactly("set");
    assertThat(edge.external.received()).hasSize(2);
  }

  private static Route kept(String path, String host) {
    var rewrite = rewriting(1, "", Optional.of(host)).rewrite();
    var plain =
        route(
            path,
            ORIGIN,
            new Route.Changes(rewrite, HeaderEdits.NONE, edits("X-Set", "X-Added", "X-Gone")));
    return new Route(
        path,
        plain.match(),
        ORIGIN,
        plain.changes(),
        Optional.empty(),
        plain.retry(),
        plain.allDown(),
        plain.authenticate(),
        plain.bodyLimit(),
        plain.connectTimeout(),
        plain.timeout(),
        Optional.of(
            new Route.Caching(
                false, Optional.empty(), Duration.ofHours(1), Duration.ZERO, 1 << 20)));
  }

  private static Route.Destination redirect(String to, String path) {
    return new Route.Destination.Elsewhere(Redirect.of(to, 308, PathPattern.parse(path)));
  }

  private static Route.Destination fixed() {
    return new Route.Destination.Fixed(
        Response.of(410, "text/plain", "gone".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void a_redirect_and_a_fixed_answer_need_no_origin() throws IOException {
    serve(
        route("/old/**", redirect("https://new.example/**?{query}", "/old/**"), Route.Changes.NONE),
        route("/host", redirect("https://{host}/", "/host"), Route.Changes.NONE),
        route("/gone", fixed(), Route.Changes.NONE));

    var away = get("/old/a%20b?q=1");
    assertThat(away.status()).isEqualTo(308);
    assertThat(away.header("Location")).contains("https://new.example/a%20b?q=1");
    assertThat(get("/gone").status()).isEqualTo(410);
    assertThat(get("/gone").bodyText()).isEqualTo("gone");
    client.send("GET /host HTTP/1.1\r\nHost: a@evil.example\r\n\r\n");
    assertThat(client.read().status()).isEqualTo(400);
  }

  @Test
  void a_route_in_maintenance_says_when_to_come_back_and_asks_nobody() throws IOException {
    serve(
        route(
            "/**",
            ORIGIN,
            new Route.Changes(Optional.empty(), HeaderEdits.NONE, edits("X-Set", "X-A", "X-B")),
            Route.Authentication.SESSION,
            Optional.of(new Route.Maintenance(Duration.ofMinutes(10), "Back at noon."))));

    var closed = get("/a");

    assertThat(closed.status()).isEqualTo(503);
    assertThat(closed.header("Retry-After")).contains("600");
    assertThat(closed.header("Content-Type")).contains("application/problem+json");
    assertThat(closed.header("X-Set")).isEmpty();
    assertThat(closed.bodyText()).contains("urn:gatehouse:problem:maintenance", "Back at noon.");
    assertThat(edge.external.received()).isEmpty();
  }

  @Test
  void a_canary_gets_its_share_of_requests() throws IOException {
    edge.external.answering(RecordingOrigin.ok("old"));
    try (var canary = RecordingOrigin.start()) {
      canary.answering(RecordingOrigin.ok("new"));
      edge.replicas(canary);
      serve(route("/**", split(Split.Sticky.NONE, 80, 20), Route.Changes.NONE));
      int met = 0;
      for (int i = 0; i < 500; i++) {
        met += get("/").bodyText().equals("new") ? 1 : 0;
      }

      assertThat(met).isCloseTo(100, within(40));
    }
  }

  @Test
  void a_sticky_client_always_meets_the_same_destination() throws IOException {
    edge.external.answering(RecordingOrigin.ok("old"));
    try (var canary = RecordingOrigin.start()) {
      canary.answering(RecordingOrigin.ok("new"));
      edge.replicas(canary);
      serve(route("/**", split(Split.Sticky.CLIENT, 50, 50), Route.Changes.NONE));
      var first = get("/").bodyText();
      for (int i = 0; i < 50; i++) {
        try (var again = edge.client()) {
          again.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          assertThat(again.read().bodyText()).isEqualTo(first);
        }
      }
    }
  }

  private static Route.Destination split(Split.Sticky sticky, int old, int canary) {
    return new Route.Destination.Shared(
        new Split(
            List.of(
                new Split.Share(ORIGIN, old),
                new Split.Share(new Route.Destination.Replicated("storage"), canary)),
            sticky));
  }
}
