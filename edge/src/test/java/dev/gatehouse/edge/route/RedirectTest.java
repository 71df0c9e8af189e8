package dev.gatehouse.edge.route;

import static dev.gatehouse.edge.route.Requests.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.http.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectTest {
  private static String location(String to, String path, String url) {
    var response = Redirect.of(to, 308, PathPattern.parse(path)).response(get(url));
    assertThat(response.status()).isEqualTo(308);
    return response.header("Location").orElseThrow();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          https://new.example/{path}          | /**         | http://x/a%20b/c?q=1    | https://new.example/a%20b/c
          https://new.example/{path}?{query}  | /**         | http://x/a?q=1&r=%26    | https://new.example/a?q=1&r=%26
          https://new.example/{path}?{query}  | /**         | http://x/a              | https://new.example/a
          https://{host}/{path}?{query}       | /**         | http://X.example:8080/a | https://x.example/a
          https://{host}:8443/{path}          | /**         | http://[::1]/a          | https://[::1]:8443/a
          /new/**                             | /old/**     | http://x/old/a/b        | /new/a/b
          /items/{id}?from={host}             | /i/{id}     | http://x/i/a%2Fb        | /items/a%2Fb?from=x
          https://new.example                 | /**         | http://x/a              | https://new.example
          """)
  void places_are_filled_in_byte_for_byte(String to, String path, String url, String location) {
    assertThat(location(to, path, url)).isEqualTo(location);
  }

  @Test
  void no_path_a_client_asks_for_leads_to_a_host_that_nobody_wrote() {
    assertThat(location("/{path}", "/**", "http://x//evil.example/a")).isEqualTo("/evil.example/a");
    assertThat(location("/{path}", "/**", "http://x///evil.example")).isEqualTo("/evil.example");
    assertThat(location("/**", "/old/**", "http://x/old//evil.example")).isEqualTo("/evil.example");
    assertThat(location("/{id}/", "/{id}", "http://x/a")).isEqualTo("/a/");
    assertThat(location("https://new.example/{path}", "/**", "http://x/@evil.example"))
        .isEqualTo("https://new.example/@evil.example");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://evil@x/a", "http://a%0d%0ab/a", "http://a;b/a", "http:///a"})
  void a_host_that_is_none_is_400(String url) {
    assertThatThrownBy(() -> location("https://{host}/", "/**", url)).isInstanceOf(Refusal.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "new.example",
        "https://new.example{path}",
        "https://{id}.example/",
        "https://{path}/",
        "https://a@b/",
        "//evil.example/",
        "javascript:alert(1)",
        "/a b",
        "/a#b",
        "/{nowhere}",
        "/{path",
        "/a/**/b",
        "/*"
      })
  void a_place_to_go_that_a_client_could_bend_is_refused_when_it_is_read(String to) {
    assertThatThrownBy(() -> Redirect.of(to, 308, PathPattern.parse("/{id}/**")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_name_that_means_two_things_is_refused() {
    assertThatThrownBy(() -> Redirect.of("/x/{path}", 308, PathPattern.parse("/{path}")))
        .hasMessageContaining("another name");
    assertThatThrownBy(() -> Redirect.of("/x/**", 308, PathPattern.parse("/a")))
        .hasMessageContaining("does not end in '**'");
    assertThatThrownBy(() -> Redirect.of("/x", 200, PathPattern.parse("/a")))
        .hasMessageContaining("is not a redirect");
  }
}
