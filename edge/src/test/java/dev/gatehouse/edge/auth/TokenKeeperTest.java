package dev.gatehouse.edge.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.auth.TokenSettings.Grant;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import no.nav.security.mock.oauth2.OAuth2Config;
import no.nav.security.mock.oauth2.token.DefaultOAuth2TokenCallback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Tokens for an upstream, against a real authorisation server.
class TokenKeeperTest {
  private static final String ISSUER = "meli";

  @TempDir Path directory;

  /// Gives a new refresh token with every use and forgets the old one.
  private final MockOAuth2Server server =
      new MockOAuth2Server(new OAuth2Config(false, null, null, true));

  private Optional<GuardedEdge> running = Optional.empty();

  @BeforeEach
  void start() {
    server.start();
  }

  @AfterEach
  void stop() {
    running.ifPresent(GuardedEdge::close);
    server.shutdown();
  }

  private TokenSettings settings(Grant grant, String redirect) {
    return new TokenSettings(
        "meli",
        grant,
        URI.create(server.tokenEndpointUrl(ISSUER).toString()),
        Optional.of(URI.create(server.authorizationEndpointUrl(ISSUER).toString())),
        "gatehouse",
        Optional.of("very secret"),
        true,
        Optional.of("openid offline_access"),
        URI.create(redirect));
  }

  private TokenSettings settings(Grant grant) {
    return settings(grant, "http://127.0.0.1/callback");
  }

  private GuardedEdge edge(TokenSettings settings) {
    var made =
        new GuardedEdge(
            () -> {
              throw new IllegalStateException("no database is needed");
            },
            AuthSettings.SESSIONS,
            Map.of("open", Route.Authentication.NONE),
            doors -> Optional.of(doors.tokens(settings, tokens())));
    running = Optional.of(made);
    return made;
  }

  private Path tokens() {
    return directory.resolve("tokens");
  }

  /// Every token that is given from now on lasts so long.
  private void lasting(long seconds, int times) {
    for (int i = 0; i < times; i++) {
      server.enqueueCallback(
          new DefaultOAuth2TokenCallback(ISSUER, "edge", "JWT", List.of("x"), Map.of(), seconds));
    }
  }

  /// How many requests the server has had since this was asked last.
  private int asked() {
    for (int count = 0; ; count++) {
      try {
        var _ = server.takeRequest(50, TimeUnit.MILLISECONDS);
      } catch (RuntimeException none) {
        return count;
      }
    }
  }

  private Path allowed(TokenSettings settings, Consumer<URI> browser)
      throws IOException, InterruptedException {
    return new CodeFlow(settings, tokens(), InstantSource.system(), new SecureRandom())
        .run(url -> Thread.startVirtualThread(() -> browser.accept(url)), Duration.ofSeconds(20));
  }

  private static int get(URI url) {
    try {
      var connection = (HttpURLConnection) url.toURL().openConnection();
      connection.setInstanceFollowRedirects(true);
      return connection.getResponseCode();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String shown(HttpMessage request) {
    return request.header("Authorization").orElse("");
  }

  @Test
  void a_person_allows_it_once_and_only_the_owner_can_read_what_is_kept() throws Exception {
    var file = allowed(settings(Grant.AUTHORIZATION_CODE), TokenKeeperTest::get);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(tokens())))
        .isEqualTo("rwx------");
    var edge = edge(settings(Grant.AUTHORIZATION_CODE));
    assertThat(edge.get("/far/open", "Authorization: Bearer of-the-client").status())
        .isEqualTo(200);
    assertThat(shown(edge.origin.lastReceived())).startsWith("Bearer ey");
    assertThat(edge.origin.lastReceived().headers("Authorization")).hasSize(1);
  }

  @Test
  void an_answer_without_our_state_is_refused_and_the_right_one_after_it_counts() throws Exception {
    var statuses = ConcurrentHashMap.<Integer>newKeySet();
    allowed(
        settings(Grant.AUTHORIZATION_CODE),
        url -> {
          var query = url.getRawQuery();
          assertThat(query).contains("code_challenge_method=S256", "code_challenge=", "state=");
          var back =
              java.net.URLDecoder.decode(
                  query.replaceAll(".*redirect_uri=([^&]*).*", "$1"),
                  java.nio.charset.StandardCharsets.UTF_8);
          statuses.add(get(URI.create(back + "?code=stolen&state=forged")));
          statuses.add(get(URI.create(back + "?code=stolen")));
          get(url);
        });

    assertThat(statuses).containsExactly(400);
  }

  @Test
  void a_refusal_by_the_person_ends_it_with_a_sentence() {
    assertThatThrownBy(() ->
            allowed(
                settings(Grant.AUTHORIZATION_CODE),
                url -> {
                  var query = url.getRawQuery();
                  var back =
                      java.net.URLDecoder.decode(
                          query.replaceAll(".*redirect_uri=([^&]*).*", "$1"),
                          java.nio.charset.StandardCharsets.UTF_8);
                  var state = query.replaceAll(".*state=([^&]*).*", "$1");
                  get(URI.create(back + "?error=access_denied&state=" + state));
                }))
        .isInstanceOf(IOException.class)
        .hasMessage("it was not allowed (access_denied)");
  }

  @Test
  void a_hundred_requests_at_once_are_one_request_for_a_token() throws Exception {
    var edge = edge(settings(Grant.CLIENT_CREDENTIALS));
    var all = new ArrayList<Future<HttpMessage>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 100; i++) {
        all.add(threads.submit(() -> edge.get("/far/open")));
      }
      for (var one : all) {
        assertThat(one.get().status()).isEqualTo(200);
      }
    }

    assertThat(asked()).isEqualTo(1);
    assertThat(edge.origin.received().stream().map(TokenKeeperTest::shown).distinct()).hasSize(1);
  }

  @Test
  void a_token_is_renewed_before_it_expires_and_no_request_fails() throws Exception {
    lasting(3, 20);
    var edge = edge(settings(Grant.CLIENT_CREDENTIALS));
    var tokens = new HashSet<String>();

    await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> {
          assertThat(edge.get("/far/open").status()).isEqualTo(200);
          tokens.add(shown(edge.origin.lastReceived()));
          return tokens.size() >= 3;
        });
  }

  @Test
  void a_401_has_the_token_renewed_once_and_the_request_repeated_once() throws Exception {
    var edge = edge(settings(Grant.CLIENT_CREDENTIALS));
    assertThat(edge.get("/far/open").status()).isEqualTo(200);
    var first = shown(edge.origin.lastReceived());
    edge.origin.answering((request, wire) ->
        wire.send(
            shown(request).equals(first)
                ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    edge.origin.forget();
    asked();

    assertThat(edge.send("POST", "/far/open", "once").bodyText()).isEqualTo("ok");

    assertThat(edge.origin.received()).hasSize(2);
    assertThat(edge.origin.lastReceived().bodyText()).isEqualTo("once");
    assertThat(asked()).isEqualTo(1);

    edge.origin.answering(
        (request, wire) -> wire.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    edge.origin.forget();
    assertThat(edge.get("/far/open").status()).isEqualTo(401);
    assertThat(edge.origin.received()).hasSize(2);
    edge.origin.forget();
    assertThat(edge.send("POST", "/far/open", "x".repeat(200_000)).status()).isEqualTo(401);
    assertThat(edge.origin.received()).hasSize(1);
  }

  @Test
  void a_new_refresh_token_is_on_the_disk_before_it_is_used_and_survives_a_restart()
      throws Exception {
    var settings = settings(Grant.AUTHORIZATION_CODE);
    var file = new TokenFile(tokens(), "meli");
    allowed(settings, TokenKeeperTest::get);
    var before = file.read().orElseThrow();
    file.write(
        new TokenFile.Kept(
            before.access(), before.from(), Instant.now().minusSeconds(1), before.refresh()));

    var edge = edge(settings);
    assertThat(edge.get("/far/open").status()).isEqualTo(200);

    var after = file.read().orElseThrow();
    assertThat(shown(edge.origin.lastReceived())).isEqualTo("Bearer " + after.access());
    assertThat(after.access()).isNotEqualTo(before.access());
    assertThat(after.refresh()).isPresent().isNotEqualTo(before.refresh());
    edge.close();
    assertThat(asked()).isPositive();
    var again = edge(settings);
    assertThat(again.get("/far/open").status()).isEqualTo(200);
    assertThat(shown(again.origin.lastReceived())).isEqualTo("Bearer " + after.access());
    assertThat(asked()).isZero();
  }

  @Test
  void a_token_of_a_short_life_is_used_after_a_restart_too() throws Exception {
    var settings = settings(Grant.AUTHORIZATION_CODE);
    lasting(4, 1);
    allowed(settings, TokenKeeperTest::get);
    asked();

    var edge = edge(settings);
    assertThat(edge.get("/far/open").status()).isEqualTo(200);

    assertThat(asked()).isZero();
    assertThat(shown(edge.origin.lastReceived()))
        .isEqualTo("Bearer " + new TokenFile(tokens(), "meli").read().orElseThrow().access());
  }

  @Test
  void of_threads_and_processes_one_at_a_time_renews_and_the_others_take_their_turn()
      throws Exception {
    var file = new TokenFile(tokens(), "meli");
    var inside = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var all = new ArrayList<Future<Integer>>();
      for (int i = 0; i < 20; i++) {
        all.add(
            threads.submit(() ->
                new TokenFile(tokens(), "meli")
                    .alone(() -> {
                      int together = inside.incrementAndGet();
                      file.write(
                          new TokenFile.Kept("a", Instant.EPOCH, Instant.EPOCH, Optional.empty()));
                      inside.decrementAndGet();
                      return together;
                    })));
      }
      for (var one : all) {
        assertThat(one.get()).isEqualTo(1);
      }
    }
  }

  @Test
  void without_a_token_nothing_is_sent_and_the_client_gets_503() {
    var edge = edge(settings(Grant.AUTHORIZATION_CODE));

    var answer = edge.get("/far/open");

    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.bodyText()).contains("no-token").doesNotContain("secret");
    assertThat(edge.origin.received()).isEmpty();
  }

  @Test
  void a_token_server_that_is_down_or_talks_nonsense_is_503_and_not_hammered() {
    try (var nonsense = RecordingOrigin.start()) {
      nonsense.answering(RecordingOrigin.ok("<html>"));
      var settings =
          new TokenSettings(
              "meli",
              Grant.CLIENT_CREDENTIALS,
              URI.create(nonsense.url() + "/token"),
              Optional.empty(),
              "gatehouse",
              Optional.of("very secret"),
              false,
              Optional.empty(),
              URI.create("http://127.0.0.1/callback"));
      var edge = edge(settings);

      for (int i = 0; i < 20; i++) {
        assertThat(edge.get("/far/open").status()).isEqualTo(503);
      }

      assertThat(nonsense.received()).hasSizeLessThan(4);
      assertThat(settings.toString()).doesNotContain("secret");
      assertThat(Set.of(settings).toString()).doesNotContain("secret");
    }
  }
}
