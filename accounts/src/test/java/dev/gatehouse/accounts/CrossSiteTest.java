package dev.gatehouse.accounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CrossSiteTest {
  private final Database database = TestPostgres.database();
  private final Uncached uncached = new Uncached(database, new FakeTicker());
  private final Accounts accounts = uncached.accounts(AccountsSettings.defaults(2));
  private final Browser browser = new Browser(accounts, "192.0.2.1");

  @BeforeEach
  void signedIn() throws Exception {
    browser.signUp("ada@example.org", "a quiet heron");
    browser.signIn("ada@example.org", "a quiet heron");
  }

  @AfterEach
  void close() {
    accounts.close();
    uncached.close();
    database.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://evil.example",
        "http://here.example",
        "http://here.example:8081",
        "http://here.example:8080.evil.example",
        "http://evil.example/here.example:8080",
        "null",
        "",
        "file://here.example:8080"
      })
  void a_foreign_origin_changes_nothing(String origin) throws Exception {
    browser.headers.put("origin", List.of(origin));
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(403);
    assertThat(browser.signUp("bob@example.org", "a quiet heron").status()).isEqualTo(403);
    assertThat(browser.signIn("ada@example.org", "a quiet heron").status()).isEqualTo(403);
    assertThat(browser.get("/api/sessions").status()).isEqualTo(200);
  }

  @Test
  void sec_fetch_site_cross_site_is_refused_whatever_the_origin() throws Exception {
    browser.headers.put("origin", List.of("http://here.example:8080"));
    browser.headers.put("sec-fetch-site", List.of("cross-site"));
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(403);
    browser.headers.put("sec-fetch-site", List.of("same-origin"));
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "http://here.example:8080, here.example:8080",
    "HTTP://Here.Example:8080, hERE.example:8080",
    "http://here.example, here.example:80",
    "https://here.example, here.example",
    "https://here.example, here.example:443",
    "http://[2001:db8::1]:8080, [2001:DB8::1]:8080"
  })
  void the_hosts_own_pages_may(String origin, String host) throws Exception {
    browser.headers.put("origin", List.of(origin));
    browser.headers.put("host", List.of(host));
    assertThat(browser.delete("/api/sessions").status()).isEqualTo(200);
  }

  @Test
  void a_request_without_our_cookies_may_come_from_anywhere() throws Exception {
    var stranger = new Browser(accounts, "192.0.2.2");
    stranger.headers.put("origin", List.of("http://app.example"));
    assertThat(stranger.signIn("ada@example.org", "a quiet heron").status()).isEqualTo(201);
  }
}
