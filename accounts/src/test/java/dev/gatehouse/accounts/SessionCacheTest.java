package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Two replicas that remember sessions, on one database.
class SessionCacheTest {
  private static final String ADA = "ada@example.org";
  private static final String PASSWORD = "a quiet heron";

  private final Database database = TestPostgres.database();
  private final FakeTicker ticker = new FakeTicker();
  private final Coherence one = coherence("one");
  private final Coherence two = coherence("two");
  private final Accounts here = accounts(one);
  private final Accounts there = accounts(two);
  private final Browser browser = new Browser(here, "192.0.2.1");
  private final Browser elsewhere = new Browser(there, "192.0.2.2");

  private Coherence coherence(String name) {
    try {
      return Coherence.start(
          CoherenceSettings.DEFAULTS,
          database,
          new Coherence.Member(name, "secret"),
          System::nanoTime,
          new SecureRandom());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Accounts accounts(Coherence coherence) {
    return new Accounts(
        AccountsSettings.defaults(2), database, new SecureRandom(), ticker, coherence);
  }

  @BeforeEach
  void twoReplicasWithALease() throws Exception {
    browser.signUp(ADA, PASSWORD);
    await().until(() -> one.hasLease() && two.hasLease());
  }

  @AfterEach
  void close() {
    here.close();
    there.close();
    one.close();
    two.close();
    database.close();
  }

  /// Without its table every query for a session fails.
  @Test
  void a_session_that_is_known_costs_no_query() throws Exception {
    var token = signIn(browser);
    assertThat(here.userOf(token)).isPresent();
    assertThat(there.userOf(token)).isPresent();
    execute("ALTER TABLE account_sessions RENAME TO away");
    for (int i = 0; i < 100; i++) {
      assertThat(here.userOf(token)).isPresent();
      assertThat(there.userOf(token)).isPresent();
    }
    execute("ALTER TABLE away RENAME TO account_sessions");
  }

  @Test
  void a_session_that_is_signed_out_is_dead_on_every_replica_when_that_is_answered()
      throws Exception {
    for (int i = 0; i < 25; i++) {
      var token = signIn(browser);
      assertThat(there.userOf(token)).isPresent();
      assertThat(here.userOf(token)).isPresent();
      assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
      assertThat(there.userOf(token)).isEmpty();
      assertThat(here.userOf(token)).isEmpty();
    }
  }

  @Test
  void so_are_the_others_when_a_password_is_changed() throws Exception {
    var mine = signIn(browser);
    var other = signIn(elsewhere);
    for (var replica : new Accounts[] {here, there}) {
      assertThat(replica.userOf(mine)).isPresent();
      assertThat(replica.userOf(other)).isPresent();
    }
    assertThat(browser.changePassword(PASSWORD, "a louder heron").status()).isEqualTo(204);
    for (var replica : new Accounts[] {here, there}) {
      assertThat(replica.userOf(mine)).isEmpty();
      assertThat(replica.userOf(other)).isEmpty();
      assertThat(replica.userOf(session(browser))).isPresent();
    }
  }

  @Test
  void so_is_the_old_one_when_a_browser_signs_in_again_and_all_when_it_signs_out_everywhere()
      throws Exception {
    var old = signIn(browser);
    assertThat(there.userOf(old)).isPresent();
    var fresh = signIn(browser);
    assertThat(there.userOf(old)).isEmpty();
    assertThat(there.userOf(fresh)).isPresent();
    assertThat(browser.delete("/api/users/me/sessions").status()).isEqualTo(200);
    assertThat(there.userOf(fresh)).isEmpty();
  }

  @Test
  void what_is_remembered_ends_when_it_is_not_used_and_lasts_when_it_is_used_elsewhere()
      throws Exception {
    var token = signIn(browser);
    assertThat(here.userOf(token)).isPresent();
    ticker.advance(Duration.ofHours(9));
    assertThat(here.userOf(token)).as("the row says that it was used just now").isPresent();
    execute("UPDATE account_sessions SET used_at = now() - interval '9 hours'");
    ticker.advance(Duration.ofHours(9));
    assertThat(here.userOf(token)).isEmpty();
  }

  @Test
  void what_is_remembered_ends_after_its_day_however_much_it_is_used() throws Exception {
    var token = signIn(browser);
    for (int hour = 0; hour < 24; hour++) {
      assertThat(here.userOf(token)).isPresent();
      ticker.advance(Duration.ofHours(1));
    }
    assertThat(here.userOf(token)).isEmpty();
  }

  private static String signIn(Browser browser) throws Exception {
    assertThat(browser.signIn(ADA, PASSWORD).status()).isEqualTo(201);
    return session(browser);
  }

  private static String session(Browser browser) {
    return String.valueOf(browser.cookies.get("session"));
  }

  private void execute(String sql) {
    database.with(handle -> handle.execute(sql));
  }
}
