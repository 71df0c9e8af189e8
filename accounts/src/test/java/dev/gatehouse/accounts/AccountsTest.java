package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccountsTest {
  private static final String PASSWORD = "a quiet heron";
  private static final String ADA = "Ada@Example.org";

  private final Database database = TestPostgres.database();
  private final FakeTicker ticker = new FakeTicker();
  private final Uncached uncached = new Uncached(database, ticker);
  private final Accounts accounts = uncached.accounts(AccountsSettings.defaults(2));
  private final Browser browser = new Browser(accounts, "192.0.2.1");

  @AfterEach
  void close() {
    accounts.close();
    uncached.close();
    database.close();
  }

  @Test
  void signing_up_answers_200_with_the_id_and_the_email_as_given() throws Exception {
    var response = browser.signUp(ADA, PASSWORD);
    assertThat(response.status()).isEqualTo(200);
    var body = Json.parse(response.body());
    assertThat(body.propertyNames()).containsExactly("id", "email");
    assertThat(UUID.fromString(body.get("id").stringValue())).isNotNull();
    assertThat(body.get("email").stringValue()).isEqualTo(ADA);
    assertThat(browser.cookies).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "[]",
        "null",
        "3",
        "{\"email\":\"a@b.example\"}",
        "{\"password\":\"a quiet heron\"}",
        "{\"email\":\"\",\"password\":\"a quiet heron\"}",
        "{\"email\":\"a@b.example\",\"password\":\"\"}",
        "{\"email\":null,\"password\":\"a quiet heron\"}",
        "{\"email\":[\"a@b.example\"],\"password\":\"a quiet heron\"}",
        "{\"email\":\"a@b.example\",\"password\":12345678}"
      })
  void a_missing_field_is_400_with_the_exact_message_and_401_when_signing_in(String body)
      throws Exception {
    var refused = browser.post("/api/users", body);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(message(refused)).isEqualTo("email and password must be provided");
    assertThat(browser.post("/api/sessions", body).status()).isEqualTo(401);
  }

  @Test
  void a_taken_email_is_400_with_the_exact_message_however_it_is_written() throws Exception {
    assertThat(browser.signUp(ADA, PASSWORD).status()).isEqualTo(200);
    for (var same : List.of(ADA, "ada@example.org", "ADA@EXAMPLE.ORG", "\uff21da@example.org")) {
      var refused = browser.signUp(same, PASSWORD);
      assertThat(refused.status()).isEqualTo(400);
      assertThat(message(refused)).isEqualTo("User already exists");
      assertThat(browser.signIn(same, PASSWORD).status()).isEqualTo(201);
    }
  }

  @Test
  void a_domain_in_unicode_and_in_ascii_is_one_email() throws Exception {
    assertThat(browser.signUp("ada@b\u00fccher.example", PASSWORD).status()).isEqualTo(200);
    for (var same :
        List.of(
            "ADA@BU\u0308CHER.example",
            "ada@xn--bcher-kva.example",
            "ada@XN--Bcher-KVA.EXAMPLE",
            "ada@b\u00fccher\u3002example")) {
      assertThat(message(browser.signUp(same, PASSWORD))).isEqualTo("User already exists");
      assertThat(browser.signIn(same, PASSWORD).status()).isEqualTo(201);
    }
    for (var another : List.of("ada@bucher.example", "ada@xn--bucher.example")) {
      assertThat(browser.signUp(another, PASSWORD).status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ada@example.org.",
        "ada@.org",
        "ada@a..b",
        "a\\u200bda@b.example",
        "ada",
        "@",
        "ada@",
        "@example.org",
        "a da@example.org",
        "ada@exa\\nmple"
      })
  void what_cannot_be_an_email_is_400_and_says_so(String email) throws Exception {
    var body = "{\"email\":\"" + email + "\",\"password\":\"" + PASSWORD + "\"}";
    var refused = browser.post("/api/users", body);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(Json.parse(refused.body()).get("field").stringValue()).isEqualTo("email");
    assertThat(message(refused)).contains("name@domain");
    assertThat(browser.post("/api/sessions", body).status()).isEqualTo(403);
  }

  @Test
  void an_email_has_254_characters_at_most() throws Exception {
    var longest = "a".repeat(242) + "@example.org";
    assertThat(browser.signUp("a" + longest, PASSWORD).status()).isEqualTo(400);
    assertThat(browser.signUp(longest, PASSWORD).status()).isEqualTo(200);
  }

  @Test
  void a_password_has_8_to_1024_characters_of_any_kind() throws Exception {
    assertThat(browser.signUp("a@example.org", "1f9ac0d").status()).isEqualTo(400);
    assertThat(browser.signUp("b@example.org", "1f9ac0d3").status()).isEqualTo(200);
    assertThat(browser.signUp("c@example.org", "\ud83e\udd86".repeat(8)).status()).isEqualTo(200);
    var longest = "\ud83e\udd86".repeat(1024);
    assertThat(browser.signUp("d@example.org", longest).status()).isEqualTo(200);
    assertThat(browser.signIn("d@example.org", longest).status()).isEqualTo(201);
    assertThat(browser.signUp("e@example.org", longest + "x").status()).isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(strings = {"password", "PASSWORD", "12345678", "iloveyou", "Qwerty123", "!@#$%^&*"})
  void one_of_the_commonest_passwords_is_refused(String common) throws Exception {
    var refused = browser.signUp(ADA, common);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(Json.parse(refused.body()).get("field").stringValue()).isEqualTo("password");
    assertThat(message(refused)).contains("commonest");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ada.lovelace@Example.org", "ADA.Lovelace"})
  void the_email_is_no_password(String password) throws Exception {
    var refused = browser.signUp("Ada.Lovelace@example.org", password);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(message(refused)).contains("must not be the email");
  }

  @Test
  void an_unknown_field_is_400_and_named() throws Exception {
    var body = "{\"email\":\"a@b.example\",\"password\":\"a quiet heron\",\"admin\":true}";
    var refused = browser.post("/api/users", body);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(message(refused)).contains("'admin'");
    assertThat(browser.post("/api/sessions", body).status()).isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "email=a@b.example",
        "{\"email\":\"a@b.example\",\"password\":\"a quiet\\u0000heron\"}",
        "{\"email\":\"a@b.example\",\"password\":\"a quiet\\ud800heron\"}"
      })
  void what_is_not_clean_json_is_400(String body) throws Exception {
    var refused = browser.post("/api/users", body);
    assertThat(refused.status()).isEqualTo(400);
    assertThat(message(refused)).isNotEmpty();
    assertThat(browser.post("/api/sessions", body).status()).isEqualTo(400);
  }

  @Test
  void of_many_who_sign_up_with_one_email_at_once_exactly_one_gets_it() throws Exception {
    var answers = new ArrayList<Future<Response>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 12; i++) {
        var email = i % 2 == 0 ? "ada@example.org" : "ADA@example.org";
        answers.add(
            threads.submit(() -> new Browser(accounts, "192.0.2.1").signUp(email, PASSWORD)));
      }
    }
    int created = 0;
    for (var answer : answers) {
      if (answer.get().status() == 200) {
        created++;
      } else {
        assertThat(answer.get().status()).isEqualTo(400);
        assertThat(message(answer.get())).isEqualTo("User already exists");
      }
    }
    assertThat(created).isEqualTo(1);
  }

  @Test
  void signing_in_answers_201_with_nothing_but_the_cookie() throws Exception {
    browser.signUp(ADA, PASSWORD);
    var response = browser.signIn(ADA, PASSWORD);
    assertThat(response.status()).isEqualTo(201);
    assertThat(response.body()).isEmpty();
    assertThat(response.header("Set-Cookie").orElseThrow())
        .matches("session=[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
  }

  @Test
  void a_wrong_user_and_a_wrong_password_get_the_same_body_at_the_same_cost() throws Exception {
    browser.signUp(ADA, PASSWORD);
    long one = AccountsSettings.HashCost.LEAST.work();
    long before = accounts.hashed();
    var wrongPassword = browser.signIn(ADA, "another heron");
    assertThat(accounts.hashed()).isEqualTo(before + one);
    var wrongUser = browser.signIn("nobody@example.org", PASSWORD);
    assertThat(accounts.hashed()).isEqualTo(before + 2 * one);
    assertThat(wrongPassword.status()).isEqualTo(403);
    assertThat(wrongUser.status()).isEqualTo(403);
    assertThat(wrongUser.bodyText()).isEqualTo(wrongPassword.bodyText());
    assertThat(wrongUser.headers()).isEqualTo(wrongPassword.headers());
  }

  @Test
  void a_session_says_whose_it_is_to_the_client_and_to_the_edge() throws Exception {
    var id = Json.parse(browser.signUp(ADA, PASSWORD).body()).get("id").stringValue();
    assertThat(browser.get("/api/sessions").status()).isEqualTo(401);
    browser.signIn(ADA, PASSWORD);
    var response = browser.get("/api/sessions");
    assertThat(response.status()).isEqualTo(200);
    assertThat(response.bodyText()).isEqualTo("{\"userId\":\"" + id + "\"}");
    assertThat(accounts.userOf(session(browser))).contains(id);
  }

  @Test
  void the_first_of_several_session_cookies_counts() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var token = session(browser);
    var other = new Browser(accounts, "192.0.2.2");
    other.headers.put("cookie", List.of("session=" + "x".repeat(43) + "; session=" + token));
    assertThat(other.get("/api/sessions").status()).isEqualTo(401);
    other.headers.put("cookie", List.of("session=" + token + "; session=" + "x".repeat(43)));
    assertThat(other.get("/api/sessions").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "x", "'; DROP TABLE account_sessions; --", "\u0000", "\ud800"})
  void what_cannot_be_a_token_is_nobodys_and_costs_no_query(String text) {
    database.close();
    assertThat(accounts.userOf(text)).isEmpty();
    assertThat(accounts.userOf(text.repeat(50))).isEmpty();
  }

  @Test
  void signing_out_is_200_with_or_without_a_session_and_clears_the_cookie() throws Exception {
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var token = session(browser);
    try (var replica = uncached.accounts(AccountsSettings.defaults(2))) {
      assertThat(replica.userOf(token)).isPresent();
      var response = browser.delete("/api/sessions");
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.header("Set-Cookie"))
          .contains("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
      assertThat(replica.userOf(token)).isEmpty();
    }
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
  }

  @Test
  void signing_out_is_503_and_keeps_the_cookie_when_it_cannot_be_stored() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    execute("ALTER TABLE account_sessions RENAME TO away");
    var response = browser.delete("/api/sessions");
    assertThat(response.status()).isEqualTo(503);
    assertThat(response.header("Retry-After")).isPresent();
    assertThat(browser.cookies).containsKey("session");
    execute("ALTER TABLE away RENAME TO account_sessions");
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
  }

  @Test
  void signing_in_again_ends_the_browsers_old_session() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signUp("bob@example.org", PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var old = session(browser);
    browser.signIn("bob@example.org", PASSWORD);
    assertThat(session(browser)).isNotEqualTo(old);
    assertThat(accounts.userOf(old)).isEmpty();
    assertThat(accounts.userOf(session(browser))).isPresent();
  }

  @Test
  void a_failed_sign_in_leaves_the_old_session_alone() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var token = session(browser);
    assertThat(browser.signIn(ADA, "another heron").status()).isEqualTo(403);
    assertThat(accounts.userOf(token)).isPresent();
  }

  @Test
  void a_session_ends_after_a_day_by_the_databases_clock_and_is_removed() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var token = session(browser);
    assertThat(
            count(
                """
                SELECT count(*) FROM account_sessions
                WHERE expires_at = created_at + interval '24 hours'
                """))
        .isEqualTo(1);
    execute("UPDATE account_sessions SET expires_at = now() - interval '1 second'");
    assertThat(accounts.userOf(token)).isEmpty();
    assertThat(browser.get("/api/sessions").status()).isEqualTo(401);

    ticker.advance(Duration.ofMinutes(1));
    new Browser(accounts, "192.0.2.2").signIn(ADA, PASSWORD);
    assertThat(count("SELECT count(*) FROM account_sessions")).isEqualTo(1);
  }

  @Test
  void nothing_stored_can_be_used_to_sign_in() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signIn(ADA, PASSWORD);
    var stored =
        database.with(handle ->
            handle
                .createQuery("SELECT token_hash FROM account_sessions")
                .mapTo(byte[].class)
                .one());
    var sha256 = MessageDigest.getInstance("SHA-256");
    assertThat(stored).isEqualTo(sha256.digest(session(browser).getBytes(StandardCharsets.UTF_8)));
    var password =
        database.with(handle ->
            handle.createQuery("SELECT password FROM account_users").mapTo(String.class).one());
    assertThat(password)
        .matches("\\$argon2id\\$v=19\\$m=19456,t=2,p=1\\$[A-Za-z0-9+/]{22}\\$[A-Za-z0-9+/]{43}");
  }

  @Test
  void a_browser_keeps_one_device_cookie_for_all_its_users() throws Exception {
    browser.signUp(ADA, PASSWORD);
    browser.signUp("bob@example.org", PASSWORD);
    var seen = new HashSet<String>();
    for (var user : List.of(ADA, "bob@example.org", ADA)) {
      browser.signIn(user, PASSWORD);
      seen.add(String.valueOf(browser.cookies.get("device")));
    }
    assertThat(seen).hasSize(1);
    assertThat(count("SELECT count(*) FROM account_devices")).isEqualTo(2);

    var invented = new Browser(accounts, "192.0.2.2");
    invented.cookies.put("device", "x".repeat(43));
    invented.signIn(ADA, PASSWORD);
    assertThat(invented.cookies.get("device")).isNotEqualTo("x".repeat(43));
  }

  @Test
  void only_the_latest_browsers_of_a_user_are_remembered() throws Exception {
    browser.signUp(ADA, PASSWORD);
    execute(
        """
        INSERT INTO account_devices (token_hash, user_id, used_at, expires_at)
        SELECT sha256(n::text::bytea), u.id, now() - n * interval '1 hour', now() + interval '1 day'
        FROM account_users u, generate_series(1, 80) n
        """);
    browser.signIn(ADA, PASSWORD);
    assertThat(count("SELECT count(*) FROM account_devices")).isEqualTo(AccountsStore.DEVICES_KEPT);
    assertThat(
            count(
                "SELECT count(*) FROM account_devices WHERE used_at >= now() - '49h30m'::interval"))
        .isEqualTo(AccountsStore.DEVICES_KEPT);
  }

  @Test
  void health_is_200() throws Exception {
    assertThat(browser.get("/api/health").status()).isEqualTo(200);
  }

  private static String session(Browser browser) {
    return String.valueOf(browser.cookies.get("session"));
  }

  private static String message(Response response) {
    return Json.parse(response.body()).get("message").stringValue();
  }

  private void execute(String sql) {
    database.with(handle -> handle.execute(sql));
  }

  private long count(String sql) {
    return database.with(handle -> handle.createQuery(sql).mapTo(Long.class).one());
  }
}
