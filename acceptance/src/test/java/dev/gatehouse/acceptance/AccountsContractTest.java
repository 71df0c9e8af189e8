package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class AccountsContractTest {
  private static final String UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

  private final Http http = Shared.edge();
  private final String email = "Foo.%s@example.org".formatted(UUID.randomUUID());
  private final String password = "correct horse battery";

  @Test
  void a_new_user_is_200_with_id_and_email() {
    var created = http.post("/api/users", credentials(email, password));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(200);
    var user = json(created);
    assertThat(user.propertyNames()).containsExactly("id", "email");
    assertThat(user.path("id").asString("")).matches(UUID_PATTERN);
    assertThat(user.path("email").asString("")).isEqualToIgnoringCase(email);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"email\":\"a@example.org\"}",
        "{\"password\":\"correct horse\"}",
        "{\"email\":\"\",\"password\":\"correct horse\"}",
        "{\"email\":\"a@example.org\",\"password\":\"\"}",
        "{\"email\":null,\"password\":null}",
      })
  void a_missing_field_says_so_in_its_own_words(String body) {
    var response = http.post("/api/users", body);
    problem(response, 400);
    assertThat(response.body()).contains("\"message\":\"email and password must be provided\"");
  }

  @Test
  void a_second_user_of_the_same_email_is_refused_whatever_the_case() {
    register();
    for (var same :
        List.of(email, email.toUpperCase(Locale.ROOT), email.toLowerCase(Locale.ROOT))) {
      var response = http.post("/api/users", credentials(same, "another good one"));
      problem(response, 400);
      assertThat(response.body()).contains("\"message\":\"User already exists\"");
    }
  }

  @Test
  void passwords_have_8_to_1024_characters_and_are_not_the_commonest() {
    problem(http.post("/api/users", credentials(email, "1234567")), 400);
    problem(http.post("/api/users", credentials(email, "x1".repeat(512) + "y")), 400);
    problem(http.post("/api/users", credentials(email, "password")), 400);
    problem(http.post("/api/users", credentials(email, "12345678")), 400);
    assertThat(http.post("/api/users", credentials(email, "\u00e91".repeat(512))).statusCode())
        .isEqualTo(200);
    assertThat(http.post("/api/sessions", credentials(email, "\u00e91".repeat(512))).statusCode())
        .isEqualTo(201);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "[]",
        "null",
        "1",
        "{\"email\":1,\"password\":\"correct horse\"}",
        "{\"email\":[],\"password\":{}}",
        "{\"email\":\"no-at-sign\",\"password\":\"correct horse\"}",
        "{\"email\":\"a\\u0000b@example.org\",\"password\":\"correct horse\"}",
        "{\"email\":\"a@example.org\",\"password\":\"correct horse\",\"admin\":true}",
      })
  void what_is_no_user_is_400(String body) {
    problem(http.post("/api/users", body), 400);
  }

  @Test
  void a_session_is_a_cookie_that_scripts_cannot_read() {
    register();
    var session = http.post("/api/sessions", credentials(email, password));
    assertThat(session.statusCode()).isEqualTo(201);
    assertThat(session.body()).isEmpty();
    var cookie = List.of(header(session, "Set-Cookie").split("; *"));
    assertThat(cookie.getFirst()).matches("session=[A-Za-z0-9_-]{22,}");
    assertThat(cookie.subList(1, cookie.size()))
        .containsExactlyInAnyOrder("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400");
  }

  @Test
  void a_session_says_who_it_belongs_to_until_it_is_deleted() {
    var id = register();
    var cookie = signIn();
    var whoami = http.get("/api/sessions", "Cookie", cookie);
    assertThat(whoami.statusCode()).isEqualTo(200);
    assertThat(whoami.body()).isEqualTo("{\"userId\":\"%s\"}".formatted(id));
    assertThat(http.delete("/api/sessions", "Cookie", cookie).statusCode()).isEqualTo(200);
    problem(http.get("/api/sessions", "Cookie", cookie), 401);
    problem(http.post("/api/increment", "{\"key\":\"k\",\"value\":1}", "Cookie", cookie), 401);
    assertThat(http.delete("/api/sessions", "Cookie", cookie).statusCode()).isEqualTo(200);
    assertThat(http.delete("/api/sessions").statusCode()).isEqualTo(200);
  }

  @Test
  void signing_out_ends_that_session_only() {
    register();
    var first = signIn();
    var second = signIn();
    assertThat(first).isNotEqualTo(second);
    http.delete("/api/sessions", "Cookie", first);
    problem(http.get("/api/sessions", "Cookie", first), 401);
    assertThat(http.get("/api/sessions", "Cookie", second).statusCode()).isEqualTo(200);
  }

  @Test
  void no_session_or_a_forged_one_is_401() {
    problem(http.get("/api/sessions"), 401);
    for (var forged :
        List.of("session=", "session=x", "session=" + "A".repeat(43), "session=\"", "=;")) {
      problem(http.get("/api/sessions", "Cookie", forged), 401);
    }
  }

  @Test
  void a_missing_field_at_sign_in_is_401() {
    for (var body :
        List.of("{}", "{\"email\":\"a@example.org\"}", "{\"password\":\"correct horse\"}")) {
      problem(http.post("/api/sessions", body), 401);
    }
  }

  @Test
  void a_wrong_user_and_a_wrong_password_are_told_the_same() {
    register();
    var wrongPassword = http.post("/api/sessions", credentials(email, "not this one"));
    var wrongUser = http.post("/api/sessions", credentials("x" + email, "not this one"));
    problem(wrongPassword, 403);
    problem(wrongUser, 403);
    assertThat(withoutId(wrongUser)).isEqualTo(withoutId(wrongPassword));
    assertThat(wrongPassword.headers().firstValue("Set-Cookie")).isEmpty();
  }

  @Test
  void emails_are_compared_without_case_at_sign_in() {
    register();
    assertThat(
            http.post("/api/sessions", credentials(email.toUpperCase(Locale.ROOT), password))
                .statusCode())
        .isEqualTo(201);
  }

  @Test
  void guessing_is_throttled_without_locking_the_owner_s_browser_out() {
    register();
    var known = http.post("/api/sessions", credentials(email, password));
    var cookies = new StringBuilder();
    for (var cookie : known.headers().allValues("Set-Cookie")) {
      cookies.append(cookies.isEmpty() ? "" : "; ").append(cookie.split(";", 2)[0]);
    }
    int throttled = 0;
    for (int i = 0; i < 40 && throttled == 0; i++) {
      var guess = http.post("/api/sessions", credentials(email, "guess number " + i));
      if (guess.statusCode() == 429) {
        problem(guess, 429);
        header(guess, "Retry-After");
        throttled++;
      } else {
        problem(guess, 403);
      }
    }
    assertThat(throttled).isPositive();
    assertThat(
            http.post("/api/sessions", credentials(email, password), "Cookie", cookies.toString())
                .statusCode())
        .isEqualTo(201);
  }

  @Test
  void a_changed_password_ends_every_other_session() {
    register();
    var here = signIn();
    var elsewhere = signIn();
    var fresh = "{\"current\":\"%s\",\"new\":\"a whole new one\"}".formatted(password);
    problem(http.put("/api/users/me/password", fresh), 401);
    var changed = http.put("/api/users/me/password", fresh, "Cookie", here);
    assertThat(changed.statusCode()).as(changed.body()).isEqualTo(204);
    var renewed = header(changed, "Set-Cookie").split(";", 2)[0];
    assertThat(http.get("/api/sessions", "Cookie", renewed).statusCode()).isEqualTo(200);
    for (var old : List.of(here, elsewhere)) {
      problem(http.get("/api/sessions", "Cookie", old), 401);
      problem(http.post("/api/increment", "{\"key\":\"k\",\"value\":1}", "Cookie", old), 401);
    }
    problem(http.post("/api/sessions", credentials(email, password)), 403);
    var again = http.post("/api/sessions", credentials(email, "a whole new one"));
    assertThat(again.statusCode()).isEqualTo(201);
    assertThat(http.delete("/api/users/me/sessions", "Cookie", renewed).statusCode())
        .isEqualTo(200);
    problem(http.get("/api/sessions", "Cookie", header(again, "Set-Cookie").split(";", 2)[0]), 401);
  }

  /// The address is the edge's word: what a client says of it changes nothing.
  @Test
  void an_invented_address_does_not_slip_past_the_throttle() {
    register();
    var statuses = new ArrayList<Integer>();
    for (int i = 0; i < 12; i++) {
      var address = "203.0.113." + i;
      statuses.add(
          http.post(
                  "/api/sessions",
                  credentials(email, "guess number " + i),
                  "X-Forwarded-For",
                  address,
                  "X-Gatehouse-Client",
                  address,
                  "Forwarded",
                  "for=" + address)
              .statusCode());
    }
    assertThat(statuses).contains(403, 429);
  }

  @Test
  void another_sites_page_cannot_act_with_the_cookie_here_or_at_another_service() {
    register();
    var cookie = signIn();
    for (var evil : List.of("Origin=http://evil.example", "Sec-Fetch-Site=cross-site")) {
      var field = evil.split("=", 2);
      problem(http.delete("/api/sessions", "Cookie", cookie, field[0], field[1]), 403);
      problem(
          http.post(
              "/api/increment",
              "{\"key\":\"k\",\"value\":1}",
              "Cookie",
              cookie,
              field[0],
              field[1]),
          403);
    }
    assertThat(http.get("/api/sessions", "Cookie", cookie).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api/health", "/health", "/health/", "/healthz"})
  void health_is_200(String path) {
    assertThat(http.get(path).statusCode()).isEqualTo(200);
    methodNotAllowed(http.post(path, "1"), "GET", "HEAD");
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(http.get("/api/users"), "POST");
    methodNotAllowed(http.put("/api/sessions", "{}"), "GET", "HEAD", "POST", "DELETE");
    problem(http.get("/api/nothing"), 404);
  }

  private String register() {
    var created = http.post("/api/users", credentials(email, password));
    assertThat(created.statusCode()).as(created.body()).isEqualTo(200);
    return json(created).path("id").asString("");
  }

  private String signIn() {
    var session = http.post("/api/sessions", credentials(email, password));
    assertThat(session.statusCode()).as(session.body()).isEqualTo(201);
    return header(session, "Set-Cookie").split(";", 2)[0];
  }

  private static String credentials(String email, String password) {
    return Http.JSON.writeValueAsString(Map.of("email", email, "password", password));
  }

  private static String withoutId(HttpResponse<String> response) {
    return response.body().replace(header(response, "X-Request-Id"), "ID");
  }
}
