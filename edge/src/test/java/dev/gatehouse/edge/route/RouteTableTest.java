package dev.gatehouse.edge.route;

import static dev.gatehouse.edge.route.Requests.get;
import static dev.gatehouse.edge.route.Requests.request;
import static dev.gatehouse.edge.route.Requests.route;
import static dev.gatehouse.edge.route.Requests.routes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.RequestHead;
import dev.gatehouse.testkit.Seeded;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RouteTableTest {
  private static RouteTable table(String... words) {
    var shuffled = new ArrayList<>(routes(words));
    Collections.shuffle(shuffled, new Random(7));
    return new RouteTable(shuffled, Map.of());
  }

  private static String winner(RouteTable table, String listener, RequestHead head) {
    return switch (table.match(listener, head)) {
      case RouteTable.Match.Found(var route) -> route.name();
      case RouteTable.Match.WrongMethod(var allow) -> "405 " + allow;
      case RouteTable.Match.Unknown() -> "404";
    };
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          http://x/                     | /**
          http://x/a                    | /a
          http://x/a/                   | /a/**
          http://x/a/b                  | /a/b
          http://x/a/b/c                | /a/**
          http://x/a/z                  | /a/{id}
          http://x/a/z/edit             | /a/{id}/edit
          http://x/a/z/other            | /a/**
          http://x/z                    | /{any}
          http://x/z/edit               | /**
          http://x/%61/%62              | /a/b
          http://x/a%2Fb                | /{any}
          """)
  void the_path_that_says_more_wins(String url, String winner) {
    var table = table("/**", "/a", "/a/**", "/a/{id}", "/a/b", "/a/{id}/edit", "/{any}");

    assertThat(winner(table, "main", get(url))).isEqualTo(winner);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          http://api.example.com/a      | api.example.com /**
          http://API.Example.com:81/a   | api.example.com /**
          http://api.example.com./a     | api.example.com /**
          http://b.eu.example.com/a     | *.eu.example.com /**
          http://eu.example.com/a       | *.example.com /**
          http://.example.com/a         | /a
          http://example.com/a          | /a
          http://app.localhost/a        | *.localhost /**
          http://localhost/a            | /a
          http://[::1]:8080/a           | [::1] /**
          http://evilexample.com/a      | /a
          """)
  void an_exact_host_beats_a_wildcard_and_the_longest_wildcard_wins(String url, String winner) {
    var table =
        table(
            "/a",
            "api.example.com /**",
            "*.example.com /**",
            "*.eu.example.com /**",
            "*.localhost /**",
            "[::1] /**");

    assertThat(winner(table, "main", get(url))).isEqualTo(winner);
  }

  @Test
  void a_listener_beats_a_host_and_a_host_beats_a_path() {
    var table = table("inner> /**", "api.example.com /**", "/a/b/c");

    assertThat(winner(table, "inner", get("http://api.example.com/a/b/c"))).isEqualTo("inner> /**");
    assertThat(winner(table, "main", get("http://api.example.com/a/b/c")))
        .isEqualTo("api.example.com /**");
    assertThat(winner(table, "main", get("http://x/a/b/c"))).isEqualTo("/a/b/c");
  }

  @Test
  void more_conditions_win_then_exact_ones_then_fewer_methods() {
    var table =
        table(
            "/a",
            "GET,POST /a",
            "GET /a",
            "HEAD /a",
            "/a X-Beta=*",
            "/a X-Beta=1",
            "GET /a X-Beta=1 ?debug=*",
            "/a cookie:plan=gold ?debug=! X-Beta=!");

    assertThat(winner(table, "main", request("PUT", "http://x/a"))).isEqualTo("/a");
    assertThat(winner(table, "main", request("POST", "http://x/a"))).isEqualTo("GET,POST /a");
    assertThat(winner(table, "main", get("http://x/a"))).isEqualTo("GET /a");
    assertThat(winner(table, "main", request("HEAD", "http://x/a"))).isEqualTo("HEAD /a");
    assertThat(winner(table, "main", request("PUT", "http://x/a", "x-beta: 2")))
        .isEqualTo("/a X-Beta=*");
    assertThat(winner(table, "main", request("PUT", "http://x/a", "x-beta: 1", "X-Beta: 2")))
        .isEqualTo("/a X-Beta=1");
    assertThat(winner(table, "main", get("http://x/a?b=c&debug", "X-Beta: 1")))
        .isEqualTo("GET /a X-Beta=1 ?debug=*");
    assertThat(winner(table, "main", get("http://x/a", "Cookie: a=b; plan=gold")))
        .isEqualTo("/a cookie:plan=gold ?debug=! X-Beta=!");
  }

  @Test
  void a_wrong_method_is_told_all_methods_of_the_routes_that_would_take_the_rest() {
    var table = table("GET /a", "PUT,DELETE /a X-Beta=1", "POST /{any}", "x.example PATCH /**");

    assertThat(winner(table, "main", request("OPTIONS", "http://x/a")))
        .isEqualTo("405 GET, HEAD, POST");
    assertThat(winner(table, "main", request("OPTIONS", "http://x/a", "X-Beta: 1")))
        .isEqualTo("405 DELETE, GET, HEAD, POST, PUT");
    assertThat(winner(table, "main", request("OPTIONS", "http://x.example/a")))
        .isEqualTo("405 GET, HEAD, PATCH, POST");
    assertThat(winner(table, "main", get("http://x/b/c"))).isEqualTo("404");
  }

  @Test
  void a_query_that_cannot_be_decoded_has_no_parameters() {
    var table = table("/a", "/a ?debug=*");

    assertThat(winner(table, "main", get("http://x/a?x=%zz&debug=1"))).isEqualTo("/a ?debug=*");
    assertThat(winner(table, "main", get("http://x/a?%zz=1&debug=1"))).isEqualTo("/a");
  }

  @Test
  void only_what_leads_to_a_service_of_ours_reserves_its_first_segment() {
    var ours = new Route.Destination.Local("s");
    var shared =
        new Route.Destination.Shared(
            new Split(
                List.of(
                    new Split.Share(ours, 1),
                    new Split.Share(new Route.Destination.External("o"), 1)),
                Split.Sticky.NONE));
    var table =
        new RouteTable(
            List.of(
                route("/**"),
                route("/ours/a", ours),
                route("/shared/a", shared),
                route("/fixed/a", Requests.fixed(204))),
            Map.of());

    assertThat(winner(table, "main", get("http://x/ours/b"))).isEqualTo("404");
    assertThat(winner(table, "main", get("http://x/shared/b"))).isEqualTo("404");
    assertThat(winner(table, "main", get("http://x/healthy"))).isEqualTo("404");
    assertThat(winner(table, "main", get("http://x/fixed/b"))).isEqualTo("/**");
  }

  @Test
  void the_index_finds_what_trying_every_route_in_order_finds() {
    Seeded.check(
        400,
        random -> {
          var routes = new ArrayList<Route>();
          int count = 1 + random.nextInt(30);
          for (int i = 0; i < count; i++) {
            var to =
                random.nextInt(6) == 0
                    ? new Route.Destination.Local("s")
                    : new Route.Destination.External("o");
            routes.add(route(words(random), to));
          }
          var table = new RouteTable(routes, Map.of());
          for (int i = 0; i < 40; i++) {
            var listener = one(random, "main", "inner");
            var head = randomRequest(random);
            assertThat(table.match(listener, head))
                .as("%s by %s among %s", head, listener, table.routes())
                .isEqualTo(naive(table, listener, head));
          }
        });
  }

  private static RouteTable.Match naive(RouteTable table, String listener, RequestHead head) {
    var segments = head.target().segments();
    boolean literally = table.reserved(segments.getFirst());
    var allow = new TreeSet<String>();
    for (var route : table.routes()) {
      var match = route.match();
      if ((match.listener().isPresent() && !match.listener().get().equals(listener))
          || (match.host().isPresent() && !fits(match.host().get(), head.host()))
          || (literally && !route.path().firstLiteral().equals(segments.getFirst()))
          || !route.path().matches(segments)
          || !match.conditionsHold(head)) {
        continue;
      }
      if (match.takesMethod(head.method())) {
        return new RouteTable.Match.Found(route);
      }
      allow.addAll(match.methods());
    }
    return allow.isEmpty()
        ? new RouteTable.Match.Unknown()
        : new RouteTable.Match.WrongMethod(String.join(", ", allow));
  }

  private static boolean fits(String pattern, String host) {
    return pattern.startsWith("*.")
        ? host.endsWith(pattern.substring(1)) && host.length() >= pattern.length()
        : host.equals(pattern);
  }

  private static String words(Random random) {
    var words = new ArrayList<String>();
    if (random.nextInt(4) == 0) {
      words.add(one(random, "main>", "inner>"));
    }
    if (random.nextInt(3) == 0) {
      words.add(one(random, "GET", "POST", "GET,PUT"));
    }
    if (random.nextInt(3) == 0) {
      words.add(one(random, "a.b.c", "b.c", "*.b.c", "*.c"));
    }
    var path = new StringBuilder();
    for (int i = random.nextInt(4); i > 0; i--) {
      path.append('/').append(one(random, "a", "b", "{x}"));
    }
    words.add(path.isEmpty() ? one(random, "/", "/**") : path + one(random, "", "/", "/**"));
    if (random.nextInt(4) == 0) {
      words.add(one(random, "X-A=1", "X-A=*", "X-A=!"));
    }
    if (random.nextInt(4) == 0) {
      words.add(one(random, "?q=1", "?q=*", "?q=!"));
    }
    return String.join(" ", words);
  }

  private static RequestHead randomRequest(Random random) {
    var path = new StringBuilder();
    for (int i = random.nextInt(4); i > 0; i--) {
      path.append('/').append(one(random, "a", "b", "c", ""));
    }
    var url =
        "http://"
            + one(random, "a.b.c", "b.c", "x.c", "x")
            + (path.isEmpty() ? "/" : path)
            + one(random, "", "?q=1", "?q=2");
    var method = one(random, "GET", "HEAD", "POST", "PUT");
    return random.nextBoolean() ? request(method, url, "X-A: 1") : request(method, url);
  }

  private static String one(Random random, String... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
