package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.accounts.AccountsSettings.HashCost;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How sessions end without anybody signing out: unused, replaced, or with a password that changes.
class SessionLifeTest {
  private static final String ADA = "ada@example.org";
  private static final String PASSWORD = "a quiet heron";
  private static final String FRESH = "a louder heron";
  private static final AccountsSettings SETTINGS =
      AccountsSettings.defaults(2).idle(Duration.ofMinutes(60));

  private final Database database = TestPostgres.database();
  private final FakeTicker ticker = new FakeTicker();
  private final Uncached uncached = new Uncached(database, ticker);
  private final Accounts accounts = start(SETTINGS);
  private final Accounts replica = start(SETTINGS);
  private final Browser browser = new Browser(accounts, "192.0.2.1");
  private final Browser elsewhere = new Browser(replica, "192.0.2.2");

  private Accounts start(AccountsSettings settings) {
    return uncached.accounts(settings);
  }

  @BeforeEach
  void signedInTwice() throws Exception {
    browser.signUp(ADA, PASSWORD);
    assertThat(browser.signIn(ADA, PASSWORD).status()).isEqualTo(201);
    assertThat(elsewhere.signIn(ADA, PASSWORD).status()).isEqualTo(201);
  }

  @AfterEach
  void close() {
    accounts.close();
    replica.close();
    uncached.close();
    database.close();
  }

  @Test
  void a_session_that_is_not_used_ends_and_is_removed() throws Exception {
    unused("59 minutes 50 seconds");
    assertThat(who(browser)).isEqualTo(200);
    unused("1 hour");
    assertThat(who(browser)).isEqualTo(401);
    assertThat(accounts.userOf(session(browser))).isEmpty();

    ticker.advance(Duration.ofMinutes(1));
    new Browser(accounts, "192.0.2.3").signIn(ADA, PASSWORD);
    assertThat(count("SELECT count(*) FROM account_sessions")).isEqualTo(1);
  }

  @Test
  void a_session_that_is_used_lasts_but_not_beyond_its_day() throws Exception {
    for (int i = 0; i < 3; i++) {
      unused("40 minutes");
      assertThat(who(browser)).isEqualTo(200);
      assertThat(who(elsewhere)).isEqualTo(200);
    }
    execute("UPDATE account_sessions SET expires_at = now() - interval '1 second'");
    assertThat(who(browser)).isEqualTo(401);
  }

  @Test
  void its_use_is_written_down_now_and_then_and_not_with_every_request() throws Exception {
    unused("2 minutes");
    who(browser);
    assertThat(usedNow()).isZero();
    unused("4 minutes");
    who(browser);
    assertThat(usedNow()).isEqualTo(1);
  }

  @Test
  void changing_the_password_ends_every_other_session_and_renews_this_one() throws Exception {
    var before = session(browser);
    var answer = browser.changePassword(PASSWORD, FRESH);
    assertThat(answer.status()).isEqualTo(204);
    assertThat(answer.header("Set-Cookie").orElseThrow())
        .matches("session=[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");

    assertThat(session(browser)).isNotEqualTo(before);
    assertThat(who(browser)).isEqualTo(200);
    assertThat(who(elsewhere)).isEqualTo(401);
    for (var instance : List.of(accounts, replica)) {
      assertThat(instance.userOf(before)).isEmpty();
      assertThat(instance.userOf(session(elsewhere))).isEmpty();
      assertThat(instance.userOf(session(browser))).isPresent();
    }
    assertThat(elsewhere.signIn(ADA, PASSWORD).status()).isEqualTo(403);
    assertThat(elsewhere.signIn(ADA, FRESH).status()).isEqualTo(201);
  }

  @Test
  void a_change_needs_a_session_and_the_current_password() throws Exception {
    assertThat(new Browser(accounts, "192.0.2.3").changePassword(PASSWORD, FRESH).status())
        .isEqualTo(401);
    assertThat(browser.changePassword("another heron", FRESH).status()).isEqualTo(403);
    assertThat(who(elsewhere)).isEqualTo(200);
    assertThat(elsewhere.signIn(ADA, PASSWORD).status()).isEqualTo(201);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "[]",
        "{\"current\":\"a quiet heron\"}",
        "{\"new\":\"a louder heron\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"short\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"password\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"ADA@example.org\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"a \\u0000 heron\"}",
        "{\"current\":\"a quiet heron\",\"new\":\"a louder heron\",\"email\":\"x@y.example\"}",
      })
  void what_is_no_change_is_400_and_changes_nothing(String body) throws Exception {
    assertThat(browser.put("/api/users/me/password", body).status()).isEqualTo(400);
    assertThat(who(elsewhere)).isEqualTo(200);
  }

  @Test
  void guessing_the_current_password_of_a_stolen_session_is_throttled() throws Exception {
    for (int i = 0; i < SETTINGS.account().burst(); i++) {
      assertThat(browser.changePassword("guess number " + i, FRESH).status()).isEqualTo(403);
    }
    var refused = browser.changePassword(PASSWORD, FRESH);
    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.header("Retry-After")).isPresent();
    ticker.advance(SETTINGS.account().every());
    assertThat(browser.changePassword(PASSWORD, FRESH).status()).isEqualTo(204);
  }

  @Test
  void others_who_guess_at_the_account_do_not_keep_its_owner_from_changing_the_password()
      throws Exception {
    var stranger = new Browser(accounts, "192.0.2.3");
    for (int i = 0; i < SETTINGS.account().burst(); i++) {
      stranger.signIn(ADA, "guess number " + i);
    }
    assertThat(stranger.signIn(ADA, PASSWORD).status()).isEqualTo(429);
    assertThat(browser.changePassword(PASSWORD, FRESH).status()).isEqualTo(204);
  }

  @Test
  void another_sites_page_cannot_change_the_password_or_end_the_sessions() throws Exception {
    browser.headers.put("sec-fetch-site", List.of("same-site"));
    assertThat(browser.changePassword(PASSWORD, FRESH).status()).isEqualTo(403);
    assertThat(browser.delete("/api/users/me/sessions").status()).isEqualTo(403);
    assertThat(who(elsewhere)).isEqualTo(200);
  }

  @Test
  void of_many_changes_at_once_one_is_made_and_one_session_is_left() throws Exception {
    var answers = new ArrayList<Future<Response>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        var fresh = FRESH + i;
        var who = i % 2 == 0 ? browser : elsewhere;
        answers.add(threads.submit(() -> who.copy().changePassword(PASSWORD, fresh)));
      }
    }
    var statuses = new ArrayList<Integer>();
    for (var answer : answers) {
      statuses.add(answer.get().status());
    }
    assertThat(statuses).containsOnlyOnce(204).allMatch(s -> s == 204 || s == 401 || s == 403);
    assertThat(count("SELECT count(*) FROM account_sessions")).isEqualTo(1);
  }

  /// The sign-ins check the password before the change is stored and start their sessions after.
  @Test
  void a_sign_in_that_was_on_its_way_when_the_password_changed_starts_no_session()
      throws Exception {
    var store = new AccountsStore(database);
    var token = Token.random(new SecureRandom());
    var checked = store.find(ADA, Optional.empty()).orElseThrow();
    assertThat(browser.changePassword(PASSWORD, FRESH).status()).isEqualTo(204);
    assertThat(store.startSession(checked, token, Optional.empty(), token).outcome()).isFalse();
    assertThat(accounts.userOf(token.text())).isEmpty();

    // And the other way round: the change waits for a sign-in that holds the lock, and ends it.
    var before = store.find(ADA, Optional.empty()).orElseThrow();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var change =
          database.inTransaction(handle -> {
            handle.execute("SELECT FROM account_users WHERE id = ? FOR SHARE", before.id());
            var waiting = threads.submit(() -> browser.changePassword(FRESH, PASSWORD));
            await().until(() -> count(BLOCKED) == 1);
            handle.execute(
                """
                INSERT INTO account_sessions (token_hash, user_id, expires_at)
                VALUES (?, ?, now() + interval '1 day')
                """,
                token.hash(),
                before.id());
            return waiting;
          });
      assertThat(change.get().status()).isEqualTo(204);
    }
    assertThat(accounts.userOf(token.text())).isEmpty();
  }

  private static final String BLOCKED =
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'
      """;

  @Test
  void ending_all_sessions_ends_all_of_this_user_and_no_other() throws Exception {
    var bob = new Browser(accounts, "192.0.2.3");
    bob.signUp("bob@example.org", PASSWORD);
    bob.signIn("bob@example.org", PASSWORD);
    var mine = session(browser);
    var answer = browser.delete("/api/users/me/sessions");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(browser.cookies).doesNotContainKey("session");
    assertThat(accounts.userOf(mine)).isEmpty();
    assertThat(who(elsewhere)).isEqualTo(401);
    assertThat(who(bob)).isEqualTo(200);
    assertThat(browser.delete("/api/users/me/sessions").status()).isEqualTo(401);
  }

  @Test
  void when_the_cost_of_hashing_rises_a_password_is_hashed_anew_at_the_next_sign_in()
      throws Exception {
    var before = stored();
    try (var dearer = start(SETTINGS.hashCost(new HashCost(32_768, 3, 1)))) {
      var upgraded = new Browser(dearer, "192.0.2.3");
      assertThat(upgraded.signIn(ADA, "another heron").status()).isEqualTo(403);
      assertThat(stored()).isEqualTo(before);
      assertThat(upgraded.signIn(ADA, PASSWORD).status()).isEqualTo(201);
      assertThat(stored()).startsWith("$argon2id$v=19$m=32768,t=3,p=1$");
      assertThat(who(upgraded)).isEqualTo(200);
    }
    // The sessions stay, and a replica that still runs with the old cost leaves it alone.
    assertThat(who(browser)).isEqualTo(200);
    assertThat(elsewhere.signIn(ADA, PASSWORD).status()).isEqualTo(201);
    assertThat(stored()).startsWith("$argon2id$v=19$m=32768,t=3,p=1$");
  }

  @Test
  void many_sign_ins_at_once_all_succeed_while_the_password_is_hashed_anew() throws Exception {
    try (var dearer = start(SETTINGS.hashCost(new HashCost(19_456, 3, 1)));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new ArrayList<Future<Response>>();
      for (int i = 0; i < 8; i++) {
        answers.add(threads.submit(() -> new Browser(dearer, "192.0.2.3").signIn(ADA, PASSWORD)));
      }
      for (var answer : answers) {
        assertThat(answer.get().status()).isEqualTo(201);
      }
    }
    assertThat(stored()).contains("t=3");
  }

  @Test
  void a_session_tells_no_cache_to_keep_it() throws Exception {
    var answer = browser.get("/api/sessions");
    assertThat(answer.header("Cache-Control")).contains("no-store");
    assertThat(Json.parse(answer.body()).has("userId")).isTrue();
  }

  private static int who(Browser browser) throws Exception {
    return browser.get("/api/sessions").status();
  }

  private static String session(Browser browser) {
    return String.valueOf(browser.cookies.get("session"));
  }

  private void unused(String interval) {
    execute("UPDATE account_sessions SET used_at = now() - interval '" + interval + "'");
  }

  private long usedNow() {
    return count(
        "SELECT count(*) FROM account_sessions WHERE used_at > now() - interval '30 seconds'");
  }

  private String stored() {
    return database.with(handle ->
        handle
            .createQuery("SELECT password FROM account_users WHERE email_key = ?")
            .bind(0, ADA)
            .mapTo(String.class)
            .one());
  }

  private void execute(String sql) {
    database.with(handle -> handle.execute(sql));
  }

  private long count(String sql) {
    return database.with(handle -> handle.createQuery(sql).mapTo(Long.class).one());
  }
}
