package dev.gatehouse.edge.route;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConflictsTest {
  private static List<Conflicts.Conflict> conflicts(Set<String> listeners, String... words) {
    return Conflicts.find(
        Arrays.stream(words).map(Requests::pattern).toList(), listeners, Map.of());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /a/{id}              | /a/{name}
          *.a.b /x             | *.a.b /x
          /a X-A=1             | /a x-a=1
          GET,PUT /a           | PUT,HEAD,GET /a
          """)
  void two_routes_for_the_same_requests_are_told(String one, String other) {
    assertThat(conflicts(Set.of("main"), one, "/elsewhere", other))
        .containsExactly(new Conflicts.Conflict.Same(2, 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          GET,POST /a          | POST,PUT /a
          GET /a               | /a X-A=*
          /a X-A=1             | /a X-B=1
          /a X-A=1             | /a ?q=1
          /a X-A=!             | /a cookie:c=*
          """)
  void two_routes_that_share_requests_and_rank_tie(String one, String other) {
    assertThat(conflicts(Set.of("main"), one, other))
        .containsExactly(new Conflicts.Conflict.Tie(1, 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          GET /a               | POST /a
          GET /a               | HEAD /a
          GET /a               | GET,POST /a
          GET /a X-A=1         | GET,POST /a X-A=1
          /a X-A=1             | /a X-A=2
          /a X-A=1             | /a X-A=*
          /a X-A=*             | /a X-A=!
          /a ?q=1              | /a
          /a                   | /b
          /a/b                 | /a/{x}
          /a/**                | /a
          main> /a             | /a
          a.b /a               | *.b /a
          *.a.b /a             | *.b /a
          /a                   | /a/
          """)
  void routes_that_differ_in_what_they_ask_do_not_tie(String one, String other) {
    assertThat(conflicts(Set.of("main", "inner"), one, other)).isEmpty();
    assertThat(conflicts(Set.of("main", "inner"), other, one)).isEmpty();
  }

  @Test
  void a_route_behind_the_only_listeners_route_is_shadowed() {
    assertThat(conflicts(Set.of("main"), "/a", "main> /**"))
        .containsExactly(new Conflicts.Conflict.Shadowed(0, List.of(1)));
    assertThat(conflicts(Set.of("main", "inner"), "/a", "main> /**", "inner> /**"))
        .containsExactly(new Conflicts.Conflict.Shadowed(0, List.of(1, 2)));
    assertThat(conflicts(Set.of("main", "inner"), "/a", "main> /**")).isEmpty();
    assertThat(conflicts(Set.of("main"), "a.b.c /x", "main> *.c /**", "d.c /x"))
        .containsExactly(
            new Conflicts.Conflict.Shadowed(0, List.of(1)),
            new Conflicts.Conflict.Shadowed(2, List.of(1)));
  }

  @Test
  void routes_that_together_leave_nothing_shadow() {
    assertThat(conflicts(Set.of("main"), "/a X-A=*", "/a X-A=!", "/a"))
        .containsExactly(new Conflicts.Conflict.Shadowed(2, List.of(0, 1)));
    assertThat(conflicts(Set.of("main"), "GET /a X-A=*", "GET /a X-A=!", "GET /a", "/a"))
        .containsExactly(new Conflicts.Conflict.Shadowed(2, List.of(0, 1)));
    assertThat(conflicts(Set.of("main"), "/a X-A=1", "/a X-A=!", "/a")).isEmpty();
    assertThat(conflicts(Set.of("main"), "GET /a", "POST /a", "/a")).isEmpty();
    assertThat(conflicts(Set.of("main"), "POST /a", "GET /a", "GET,POST /a"))
        .containsExactly(new Conflicts.Conflict.Shadowed(2, List.of(0, 1)));
  }

  @Test
  void a_route_that_its_listeners_are_closed_for_is_told() {
    var patterns =
        IntStream.range(0, 3)
            .mapToObj(
                i -> Requests.pattern(List.of("door> /data/**", "door> /{x}/y", "/data").get(i)))
            .toList();
    var only = Map.of("door", List.of(PathPattern.parse("/api/**")));

    assertThat(Conflicts.find(patterns, Set.of("door", "main"), only))
        .containsExactly(new Conflicts.Conflict.Closed(0));
    assertThat(Conflicts.find(patterns, Set.of("door"), only))
        .containsExactly(new Conflicts.Conflict.Closed(0), new Conflicts.Conflict.Closed(2));
  }

  @Test
  void a_thousand_routes_have_no_conflict() {
    var words =
        IntStream.range(0, 1000)
            .mapToObj(
                i -> (i % 2 == 0 ? "GET " : "POST ") + "/s" + i / 4 + (i % 4 < 2 ? "/**" : ""))
            .toArray(String[]::new);

    assertThat(conflicts(Set.of("main"), words)).isEmpty();
  }
}
