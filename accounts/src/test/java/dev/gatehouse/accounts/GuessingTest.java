package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.accounts.AccountsSettings.HashCost;
import dev.gatehouse.http.Guessing.Allowance;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GuessingTest {
  private static final String ADA = "ada@example.org";
  private static final String PASSWORD = "a quiet heron";
  private static final String WRONG = "a loud heron";

  private final Database database = TestPostgres.database();
  private final FakeTicker ticker = new FakeTicker();
  private final Uncached uncached = new Uncached(database, ticker);
  private final Accounts accounts =
      uncached.accounts(
          new AccountsSettings(
              HashCost.LEAST,
              2,
              64,
              new Allowance(3, Duration.ofMinutes(1)),
              new Allowance(5, Duration.ofSeconds(30)),
              Duration.ofHours(8)));
  private final Browser owner = new Browser(accounts, "192.0.2.1");
  private final Browser attacker = new Browser(accounts, "198.51.100.7");

  @BeforeEach
  void aUser() throws Exception {
    owner.signUp(ADA, PASSWORD);
  }

  @AfterEach
  void close() {
    accounts.close();
    uncached.close();
    database.close();
  }

  @Test
  void wrong_passwords_for_one_account_are_429_after_the_allowance() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(from("198.51.100." + i).signIn(ADA, WRONG).status()).isEqualTo(403);
    }
    long hashes = accounts.hashed();
    var refused = attacker.signIn(ADA, PASSWORD);
    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.header("Retry-After")).contains("60");
    assertThat(accounts.hashed()).isEqualTo(hashes);

    ticker.advance(Duration.ofSeconds(59));
    assertThat(attacker.signIn(ADA, WRONG).header("Retry-After")).contains("1");
    ticker.advance(Duration.ofSeconds(1));
    assertThat(attacker.signIn(ADA, WRONG).status()).isEqualTo(403);
    assertThat(attacker.signIn(ADA, WRONG).status()).isEqualTo(429);
  }

  @Test
  void unknown_accounts_are_throttled_like_known_ones() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(from("198.51.100." + i).signIn("Nobody@x", WRONG).status()).isEqualTo(403);
    }
    assertThat(attacker.signIn("nobody@X", WRONG).status()).isEqualTo(429);
  }

  @Test
  void wrong_passwords_from_one_address_are_429_whatever_the_account() throws Exception {
    for (int i = 0; i < 5; i++) {
      assertThat(attacker.signIn("user" + i + "@x", WRONG).status()).isEqualTo(403);
    }
    var refused = attacker.signIn("another@x", WRONG);
    assertThat(refused.status()).isEqualTo(429);
    assertThat(accounts.attempts().get("sign-in")).containsEntry("throttled", 1L);
    assertThat(refused.header("Retry-After")).contains("30");
    assertThat(owner.signIn(ADA, PASSWORD).status()).isEqualTo(201);
  }

  @Test
  void a_guess_refused_for_the_account_is_not_counted_for_the_address() throws Exception {
    for (int i = 0; i < 20; i++) {
      attacker.signIn(ADA, WRONG);
    }
    assertThat(attacker.signIn("another@x", WRONG).status()).isEqualTo(403);
    assertThat(attacker.signIn("another@x", WRONG).status()).isEqualTo(403);
    assertThat(attacker.signIn("another@x", WRONG).status()).isEqualTo(429);
  }

  @Test
  void one_ipv6_network_is_one_address() throws Exception {
    for (int i = 0; i < 5; i++) {
      from("2001:db8:0:1::" + i).signIn("user" + i + "@x", WRONG);
    }
    assertThat(from("2001:db8:0:1:ffff::1").signIn("new@x", WRONG).status()).isEqualTo(429);
    assertThat(from("2001:db8:0:2::1").signIn("new@x", WRONG).status()).isEqualTo(403);
  }

  @Test
  void finding_out_which_emails_are_taken_costs_the_address_like_wrong_passwords()
      throws Exception {
    for (int i = 0; i < 5; i++) {
      assertThat(attacker.signUp("free" + i + "@example.org", PASSWORD).status()).isEqualTo(200);
      assertThat(attacker.signUp(ADA, PASSWORD).status()).isEqualTo(400);
    }
    assertThat(attacker.signUp(ADA, PASSWORD).status()).isEqualTo(429);
    assertThat(attacker.signIn(ADA, WRONG).status()).isEqualTo(429);
    assertThat(from("192.0.2.9").signUp(ADA, PASSWORD).status()).isEqualTo(400);
  }

  @Test
  void the_owners_browser_is_not_locked_out_by_others_who_guess() throws Exception {
    assertThat(owner.signIn(ADA, PASSWORD).status()).isEqualTo(201);
    for (int i = 0; i < 9; i++) {
      attacker.signIn(ADA, WRONG);
      from("192.0.2.1").signIn("user" + i + "@x", WRONG);
    }
    assertThat(attacker.signIn(ADA, PASSWORD).status()).isEqualTo(429);
    assertThat(from("192.0.2.1").signIn(ADA, PASSWORD).status()).isEqualTo(429);
    assertThat(owner.signIn(ADA, PASSWORD).status()).isEqualTo(201);
  }

  @Test
  void a_known_browser_has_an_allowance_too() throws Exception {
    owner.signIn(ADA, PASSWORD);
    for (int i = 0; i < 3; i++) {
      assertThat(owner.signIn(ADA, WRONG).status()).isEqualTo(403);
    }
    assertThat(owner.signIn(ADA, PASSWORD).status()).isEqualTo(429);
    assertThat(attacker.signIn(ADA, PASSWORD).status()).isEqualTo(201);
  }

  @Test
  void a_browser_known_to_one_account_is_a_stranger_to_another() throws Exception {
    attacker.signUp("mallory@x", PASSWORD);
    attacker.signIn("mallory@x", PASSWORD);
    for (int i = 0; i < 3; i++) {
      assertThat(attacker.signIn(ADA, WRONG).status()).isEqualTo(403);
    }
    assertThat(attacker.signIn(ADA, WRONG).status()).isEqualTo(429);
    assertThat(from("203.0.113.1").signIn(ADA, WRONG).status()).isEqualTo(429);
  }

  @Test
  void right_passwords_are_never_throttled() throws Exception {
    for (int i = 0; i < 20; i++) {
      assertThat(from("192.0.2.1").signIn(ADA, PASSWORD).status()).isEqualTo(201);
    }
  }

  @Test
  void many_guesses_at_once_do_not_slip_by_together() throws Exception {
    var answers = new ArrayList<Future<Response>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 20; i++) {
        var guesser = from("198.51.100." + i);
        answers.add(threads.submit(() -> guesser.signIn(ADA, WRONG)));
      }
    }
    int checked = 0;
    for (var answer : answers) {
      assertThat(answer.get().status()).isIn(403, 429);
      checked += answer.get().status() == 403 ? 1 : 0;
    }
    assertThat(checked).isEqualTo(3);
  }

  @Test
  void a_guess_that_could_not_be_checked_does_not_count() throws Exception {
    try (var shut =
        uncached.accounts(
            new AccountsSettings(
                HashCost.LEAST,
                1,
                1,
                new Allowance(1, Duration.ofMinutes(1)),
                new Allowance(1, Duration.ofMinutes(1)),
                Duration.ofHours(8)))) {
      shut.close();
      for (int i = 0; i < 3; i++) {
        var refused = new Browser(shut, "192.0.2.1").signIn(ADA, PASSWORD);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isPresent();
      }
    }
  }

  @Test
  void more_than_the_line_for_hashes_holds_is_503_with_retry_after() throws Exception {
    try (var small =
            uncached.accounts(
                new AccountsSettings(
                    HashCost.LEAST,
                    1,
                    1,
                    new Allowance(1000, Duration.ofMinutes(1)),
                    new Allowance(1000, Duration.ofMinutes(1)),
                    Duration.ofHours(8)));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new ArrayList<Future<Response>>();
      for (int i = 0; i < 30; i++) {
        answers.add(threads.submit(() -> new Browser(small, "192.0.2.1").signIn(ADA, PASSWORD)));
      }
      var statuses = new ArrayList<Integer>();
      for (var answer : answers) {
        statuses.add(answer.get().status());
        if (answer.get().status() == 503) {
          assertThat(answer.get().header("Retry-After")).isPresent();
        }
      }
      assertThat(statuses).containsOnly(201, 503);
    }
  }

  private Browser from(String address) {
    return new Browser(accounts, address);
  }
}
