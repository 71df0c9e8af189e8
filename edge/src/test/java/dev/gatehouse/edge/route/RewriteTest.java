package dev.gatehouse.edge.route;

import static dev.gatehouse.edge.route.Requests.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Target;
import dev.gatehouse.testkit.Seeded;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewriteTest {
  private static String rewritten(Rewrite rewrite, String target) {
    return rewrite.apply(get("http://client.example" + target)).target().raw();
  }

  private static Rewrite moving(int strip, String prefix) {
    return new Rewrite(strip, prefix, Optional.empty(), Optional.empty());
  }

  private static Rewrite path(String route, String to) {
    return new Rewrite(
        0,
        "",
        Optional.of(Template.parse(to, PathPattern.parse(route), List.of())),
        Optional.empty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          1 |      | /api           | /
          1 |      | /api/          | /
          1 |      | /api/a%2Fb/c   | /a%2Fb/c
          1 |      | /%61pi/x?y=%20 | /x?y=%20
          2 | /v2  | /api/old/x?    | /v2/x?
          1 | /v2  | /api           | /v2
          0 | /v2  | /x             | /v2/x
          """)
  void a_prefix_goes_and_another_comes_byte_for_byte(
      int strip, String prefix, String from, String to) {
    assertThat(rewritten(moving(strip, prefix == null ? "" : prefix), from)).isEqualTo(to);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /items/{id}      | /x/{id}       | /items/a%2F7?q=1  | /x/a%2F7?q=1
          /{a}/{b}         | /{b}/{a}      | /1/2              | /2/1
          /old/**          | /new/**       | /old/a/b?q        | /new/a/b?q
          /old/**          | /new/**       | /old              | /new
          /old/{x}/**      | /{x}/**       | /old/1/2/3        | /1/2/3
          /a               | /index.html   | /a?q=1            | /index.html?q=1
          """)
  void a_path_is_written_anew_from_its_segments(
      String route, String to, String from, String result) {
    assertThat(rewritten(path(route, to), from)).isEqualTo(result);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api//evil.example/x", "/api//"})
  void a_path_that_an_origin_could_take_for_a_host_is_refused(String target) {
    assertThatThrownBy(() -> rewritten(moving(1, ""), target)).isInstanceOf(Refusal.class);
  }

  @Test
  void no_rewrite_makes_of_a_clear_path_one_that_could_be_read_in_two_ways() {
    var rewrites =
        List.of(
            moving(1, ""),
            moving(2, "/v2"),
            path("/{a}/{b}/**", "/x/{b}/{a}/**"),
            path("/{a}/{b}/**", "/{a}.{b}"));
    Seeded.check(
        3000,
        random -> {
          var target = new StringBuilder();
          for (int i = 0; i < 3; i++) {
            target.append('/').append(Target.encodeSegment(Seeded.text(random, 4)));
          }
          try {
            Target.parse(target.toString());
          } catch (Refusal unclear) {
            return;
          }
          for (var rewrite : rewrites) {
            try {
              var result = rewritten(rewrite, target.toString());
              assertThat(result).doesNotStartWith("//");
              assertThat(Target.parse(result).segments()).doesNotContain(".", "..");
            } catch (Refusal refused) {
              assertThat(refused.problem().status()).isEqualTo(400);
            }
          }
        });
  }

  @Test
  void an_origin_can_be_told_another_host() {
    var all = List.of(Template.Place.HOST);
    var kept =
        new Rewrite(
            0,
            "",
            Optional.empty(),
            Optional.of(Template.parse("{host}", PathPattern.parse("/**"), all)));

    assertThat(kept.host(get("http://Client.example:8080/a"))).contains("client.example");
    assertThatThrownBy(() -> kept.host(get("http://a@evil/a"))).isInstanceOf(Refusal.class);
  }
}
