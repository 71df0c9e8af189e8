package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// Who comes in, by each way there is, and whom the origin is told of.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuthTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final KeyPair KEYS = rsa();

  @TempDir static Path directory = Path.of("");

  private final RecordingOrigin origin = RecordingOrigin.start();
  private ProgramUnderTest program = ProgramUnderTest.assembly("");
  private Http http = new Http(0);

  @BeforeAll
  void start() throws IOException {
    Files.writeString(
        directory.resolve("htpasswd"),
        """
        ann:$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e
        this is no line
        bob:$apr1$salty123$Giv6QmLtE0KRnyar0qeR7/
        """);
    Files.writeString(directory.resolve("jwks.json"), "{\"keys\":[" + jwk() + "]}");
    origin.answering(RecordingOrigin.ok("in"));
    program =
        ProgramUnderTest.assembly(
                """
                services: {accounts: {}}
                authentication:
                  basic: %s/htpasswd
                  jwt: {jwks: %s/jwks.json, issuer: "https://issuer", audience: gatehouse, plan-claim: plan}
                upstreams: {far: "%s"}
                routes:
                  - {name: accounts, match: {path: /api/**}, to: accounts}
                  - {name: open, match: {path: /**}, to: far}
                  - {name: basic, match: {path: /basic}, to: far, authenticate: basic, pass-identity: true}
                  - {name: key, match: {path: /key}, to: far, authenticate: api-key, pass-identity: true}
                  - {name: jwt, match: {path: /jwt}, to: far, authenticate: jwt, pass-identity: true}
                  - {name: session, match: {path: /session}, to: far, authenticate: session, pass-identity: true}
                  - {name: any, match: {path: /any}, to: far, authenticate: [session, basic, api-key, jwt], pass-identity: true}
                limits: [{name: free, match: {plan: free}, key: user, rate: 3/h}]
                """
                    .formatted(directory, directory, origin.url()))
            .with("GATEHOUSE_DATABASE", TestPostgres.emptyUrl())
            .with("GATEHOUSE_SECRET", "0123456789abcdef");
    http = new Http(program.edgePort());
    program.start("run", "edge");
  }

  @AfterAll
  void close() {
    program.close();
    origin.close();
  }

  private static KeyPair rsa() {
    try {
      var generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static String base64(String text) {
    return base64(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String jwk() {
    var key = (RSAPublicKey) KEYS.getPublic();
    return "{\"kty\":\"RSA\",\"kid\":\"one\",\"n\":\"%s\",\"e\":\"%s\"}"
        .formatted(
            base64(key.getModulus().toByteArray()), base64(key.getPublicExponent().toByteArray()));
  }

  private static String jwt(String algorithm, String user, String plan) {
    var text =
        base64("{\"alg\":\"" + algorithm + "\",\"kid\":\"one\"}")
            + "."
            + base64(
                "{\"iss\":\"https://issuer\",\"aud\":\"gatehouse\",\"sub\":\"%s\",\"plan\":\"%s\",\"exp\":%d}"
                    .formatted(user, plan, Instant.now().plusSeconds(600).getEpochSecond()));
    try {
      var signature = Signature.getInstance("SHA256withRSA");
      signature.initSign(KEYS.getPrivate());
      signature.update(text.getBytes(StandardCharsets.US_ASCII));
      return text + "." + (algorithm.equals("none") ? "" : base64(signature.sign()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String basic(String user, String password) {
    return "Basic "
        + Base64.getEncoder()
            .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  /// The origin is told that it is this user, and nothing else, though the client claims to be
  /// root.
  private void comesIn(String path, String user, String field, String value) {
    origin.forget();
    var answer = http.get(path, field, value, "X-Gatehouse-User", "root", "x-gatehouse-user", "r2");
    assertThat(answer.statusCode()).as(path + " " + answer.body()).isEqualTo(200);
    assertThat(origin.lastReceived().headers("X-Gatehouse-User")).as(path).containsExactly(user);
  }

  private void staysOut(String path, String field, String value) {
    origin.forget();
    var answer = http.get(path, field, value, "X-Gatehouse-User", "root");
    problem(answer, 401);
    assertThat(origin.received()).as(path).isEmpty();
  }

  @Test
  void passwords_hashed_with_bcrypt_and_apr1_come_in_and_a_broken_line_is_named() {
    for (var path : List.of("/basic", "/any")) {
      comesIn(path, "ann", "Authorization", basic("ann", "correct horse"));
      comesIn(path, "bob", "Authorization", basic("bob", "battery staple"));
      staysOut(path, "Authorization", basic("ann", "battery staple"));
    }
    assertThat(header(http.get("/basic"), "WWW-Authenticate")).startsWith("Basic ");
    assertThat(program.log()).containsPattern("htpasswd.*(line )?2");
  }

  @Test
  void a_key_comes_in_by_its_plan_is_limited_by_it_survives_a_killed_edge_and_ends_when_revoked() {
    var made = program.run("keys", "add", "robot", "--plan", "free", "-f", file());
    assertThat(made.exit()).as(made.err()).isZero();
    var key = made.out().strip();
    for (int i = 0; i < 3; i++) {
      comesIn("/key", "robot", "X-Api-Key", key);
    }
    assertThat(problem(http.get("/key", "X-Api-Key", key), 429).path("limit").asString())
        .isEqualTo("free");
    staysOut("/key", "X-Api-Key", key.substring(0, key.length() - 2) + "AA");

    program.killSupervisor();
    program.awaitEnd();
    program.start("run", "edge");
    comesIn("/any", "robot", "X-Api-Key", key);

    assertThat(program.run("keys", "list", "-f", file()).out())
        .containsPattern("robot +free +[0-9a-f-]{36} ")
        .doesNotContain(key);
    assertThat(program.run("keys", "revoke", "robot", "-f", file()).exit()).isZero();
    await().atMost(PATIENCE).until(() -> http.get("/any", "X-Api-Key", key).statusCode() == 401);
  }

  private String file() {
    return program.file().toString();
  }

  @Test
  void a_signed_token_comes_in_with_its_plan_and_an_unsigned_or_forged_one_does_not() {
    var good = "Bearer " + jwt("RS256", "carol", "paid");
    comesIn("/jwt", "carol", "Authorization", good);
    comesIn("/any", "carol", "Authorization", good);
    staysOut("/jwt", "Authorization", "Bearer " + jwt("none", "carol", "paid"));
    staysOut("/jwt", "Authorization", "Bearer " + jwt("HS256", "carol", "paid"));
    var parts = good.split("\\.");
    var other = base64("{\"iss\":\"https://issuer\",\"aud\":\"gatehouse\",\"sub\":\"root\"}");
    staysOut("/jwt", "Authorization", parts[0] + "." + other + "." + parts[2]);
    for (int i = 0; i < 3; i++) {
      comesIn("/jwt", "dave", "Authorization", "Bearer " + jwt("RS256", "dave", "free"));
    }
    problem(http.get("/jwt", "Authorization", "Bearer " + jwt("RS256", "dave", "free")), 429);
  }

  @Test
  void a_session_comes_in_until_it_is_signed_out() {
    var user = "{\"email\":\"u@example.org\",\"password\":\"a long enough one\"}";
    assertThat(http.post("/api/users", user).statusCode()).isEqualTo(200);
    var id = Http.json(http.post("/api/users", user.replace("u@", "v@"))).path("id").asString();
    var signedIn = http.post("/api/sessions", user.replace("u@", "v@"));
    var cookie = header(signedIn, "Set-Cookie").split(";", 2)[0];
    comesIn("/session", id, "Cookie", cookie);
    comesIn("/any", id, "Cookie", cookie);
    staysOut("/session", "Cookie", "session=nonsense");
    assertThat(http.delete("/api/sessions", "Cookie", cookie).statusCode()).isEqualTo(200);
    staysOut("/session", "Cookie", cookie);
  }

  @Test
  void a_client_cannot_say_who_it_is_where_nobody_asks_either() {
    origin.forget();
    assertThat(http.get("/open", "X-Gatehouse-User", "root").statusCode()).isEqualTo(200);
    assertThat(origin.lastReceived().headers("X-Gatehouse-User")).isEmpty();
  }
}
