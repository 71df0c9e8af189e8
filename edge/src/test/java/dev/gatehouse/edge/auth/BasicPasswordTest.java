package dev.gatehouse.edge.auth;

import static dev.gatehouse.edge.auth.GuardedEdge.basic;
import static dev.gatehouse.edge.auth.GuardedEdge.by;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.route.Identity.Scheme;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BasicPasswordTest {
  /// The example of Apache's documentation.
  private static final String APR1 = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/";

  @TempDir Path directory;
  private Path file = Path.of("");
  private GuardedEdge edge =
      new GuardedEdge(TestPostgres::database, AuthSettings.SESSIONS, Map.of());

  @BeforeEach
  void start() throws IOException {
    edge.close();
    file = directory.resolve("htpasswd");
    Files.writeString(
        file,
        "# users\n\nbob:"
            + bcrypt("2y", "bob's")
            + "\nalice:"
            + bcrypt("2b", "ä€")
            + "\nann:"
            + APR1);
    edge =
        new GuardedEdge(
            () -> {
              throw new IllegalStateException("no database is needed");
            },
            new AuthSettings(
                Set.of(),
                Optional.of(new AuthSettings.Basic(file, Optional.empty())),
                Optional.empty()),
            Map.of(
                "basic",
                by(Scheme.BASIC),
                "both",
                by(Scheme.SESSION, Scheme.BASIC),
                "maybe",
                new Route.Authentication(List.of(Scheme.BASIC), true, false),
                "passed",
                new Route.Authentication(List.of(Scheme.BASIC), false, true)));
  }

  @AfterEach
  void stop() {
    edge.close();
  }

  private static String bcrypt(String version, String password) {
    return OpenBSDBCrypt.generate(
        version, password.toCharArray(), "0123456789abcdef".getBytes(StandardCharsets.US_ASCII), 5);
  }

  @Test
  void a_right_password_comes_in_and_a_wrong_or_missing_one_is_asked_for() {
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).bodyText()).isEqualTo("bob");
    assertThat(edge.get("/own/basic", basic("alice", "ä€")).bodyText()).isEqualTo("alice");
    assertThat(edge.get("/own/basic", basic("ann", "myPassword")).bodyText()).isEqualTo("ann");
    for (var wrong :
        List.of(
            basic("bob", "alice's"),
            basic("nobody", "x"),
            basic("bob", ""),
            "Authorization: Basic !!!",
            "Authorization: Basic Ym9i",
            "Authorization: Basic",
            "X-Nothing: at all")) {
      var answer = edge.get("/own/basic", wrong);
      assertThat(answer.status()).as(wrong).isEqualTo(401);
      assertThat(answer.header("WWW-Authenticate"))
          .contains("Basic realm=\"gatehouse\", charset=\"UTF-8\"");
      assertThat(answer.header("Content-Type")).contains("application/problem+json");
    }
  }

  @Test
  void what_was_right_once_is_right_again_and_a_wrong_one_after_it_is_not() {
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).status()).isEqualTo(200);
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).status()).isEqualTo(200);
    assertThat(edge.get("/own/basic", basic("bob", "bob's ")).status()).isEqualTo(401);
    assertThat(edge.get("/own/basic", basic("ann", "bob's")).status()).isEqualTo(401);
  }

  @Test
  void a_changed_file_counts_without_a_restart_and_what_was_remembered_is_void()
      throws IOException {
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).status()).isEqualTo(200);

    Files.writeString(file, "bob:" + bcrypt("2a", "new"));

    await().until(() -> edge.get("/own/basic", basic("bob", "bob's")).status() == 401);
    assertThat(edge.get("/own/basic", basic("bob", "new")).status()).isEqualTo(200);
    Files.delete(file);
    assertThat(edge.get("/own/basic", basic("bob", "new")).status()).isEqualTo(200);
  }

  @Test
  void guessing_is_throttled_and_does_not_lock_out_whom_the_edge_knows() {
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).status()).isEqualTo(200);
    for (int i = 0; i < 10; i++) {
      assertThat(edge.get("/own/basic", basic("alice", "guess " + i)).status()).isEqualTo(401);
    }

    var refused = edge.get("/own/basic", basic("alice", "ä€"));

    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.header("Retry-After")).isPresent();
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).status()).isEqualTo(200);
  }

  @Test
  void the_first_credential_decides_and_a_broken_one_is_not_passed_to_the_next() {
    assertThat(edge.get("/own/both", "Cookie: session=good").bodyText()).isEqualTo("user-1");
    assertThat(edge.get("/own/both", basic("bob", "bob's")).bodyText()).isEqualTo("bob");
    var both = edge.get("/own/both", "Cookie: session=bad", basic("bob", "bob's"));
    assertThat(both.status()).isEqualTo(401);
    assertThat(edge.get("/own/maybe").bodyText()).isEqualTo("nobody");
    assertThat(edge.get("/own/maybe", basic("bob", "no")).status()).isEqualTo(401);
    assertThat(edge.get("/own/basic", basic("bob", "no"), basic("bob", "bob's")).status())
        .isEqualTo(400);
  }

  @Test
  void the_credential_stays_behind_unless_the_route_passes_it_on() {
    assertThat(edge.get("/own/basic", basic("bob", "bob's")).bodyText()).isEqualTo("bob");

    edge.get("/far/basic", basic("bob", "bob's"), "X-Gatehouse-User: root");
    assertThat(edge.origin.lastReceived().header("Authorization")).isEmpty();
    assertThat(edge.origin.lastReceived().header("X-Gatehouse-User")).isEmpty();

    edge.get("/far/passed", basic("bob", "bob's"), "X-Gatehouse-User: root");
    assertThat(edge.origin.lastReceived().header("Authorization")).isPresent();
    assertThat(edge.origin.lastReceived().headers("X-Gatehouse-User")).containsExactly("bob");
  }

  @Test
  void a_page_of_another_site_cannot_use_the_password_that_the_browser_remembers() {
    var foreign = "Origin: http://elsewhere";
    assertThat(edge.send("POST", "/own/basic", "x", basic("bob", "bob's"), foreign).status())
        .isEqualTo(403);
    assertThat(edge.send("POST", "/own/basic", "x", basic("bob", "bob's")).status()).isEqualTo(200);
  }

  @Test
  void a_line_that_cannot_be_read_is_told_by_its_number_and_the_rest_works() {
    var read =
        Htpasswd.parse(
            ("plain:secret\nbob:"
                    + APR1
                    + "\n\nbob:"
                    + APR1
                    + "\nno colon\nsha:{SHA}abc=\n"
                    + "slow:$2y$20$"
                    + "a".repeat(53)
                    + "\n:"
                    + APR1
                    + "\nann:"
                    + APR1)
                .getBytes(StandardCharsets.UTF_8));

    assertThat(read.hashes()).containsOnlyKeys("bob", "ann");
    assertThat(read.unreadable()).containsExactly(1, 4, 5, 6, 7, 8);
    assertThat(read.toString()).doesNotContain("apr1");
  }
}
