package dev.gatehouse.edge.auth;

import static dev.gatehouse.edge.auth.GuardedEdge.bearer;
import static dev.gatehouse.edge.auth.GuardedEdge.by;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import dev.gatehouse.edge.route.Identity.Scheme;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JwtTokensTest {
  private static final RSAKey RSA = rsa("one");
  private static final RSAKey NEXT = rsa("two");
  private static final ECKey CURVE = curve();
  private static final KeyPair EDWARDS = edwards();

  @TempDir Path directory;
  private final RecordingOrigin server = RecordingOrigin.start();
  private Optional<GuardedEdge> running = Optional.empty();

  @AfterEach
  void stop() {
    running.ifPresent(GuardedEdge::close);
    server.close();
  }

  private static RSAKey rsa(String id) {
    try {
      return new RSAKeyGenerator(2048).keyID(id).generate();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ECKey curve() {
    try {
      return new ECKeyGenerator(Curve.P_256).keyID("curve").generate();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyPair edwards() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JWK edwardsPublic() {
    // The last 32 bytes of the encoded public key are the point (RFC 8410 section 4).
    var encoded = ((EdECPublicKey) EDWARDS.getPublic()).getEncoded();
    var point = Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length);
    return new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(point)).keyID("ed").build();
  }

  private static String set(JWK... keys) {
    return new JWKSet(List.of(keys)).toString(true);
  }

  private GuardedEdge edge(JwtSettings.Keys keys) {
    var settings =
        new JwtSettings(
            keys,
            Optional.of("https://issuer"),
            Set.of("gatehouse"),
            JwtSettings.ALGORITHMS,
            Duration.ofSeconds(30),
            Duration.ofSeconds(10),
            "sub",
            Optional.of("plan"));
    var made =
        new GuardedEdge(
            () -> {
              throw new IllegalStateException("no database is needed");
            },
            new AuthSettings(Set.of(), Optional.empty(), Optional.of(settings)),
            Map.of("jwt", by(Scheme.JWT)));
    running = Optional.of(made);
    return made;
  }

  private GuardedEdge withFile(JWK... keys) throws IOException {
    var file = directory.resolve("jwks.json");
    Files.writeString(file, set(keys));
    return edge(new JwtSettings.Keys.File(file));
  }

  private static JWTClaimsSet claims(Consumer<JWTClaimsSet.Builder> change) {
    var claims =
        new JWTClaimsSet.Builder()
            .issuer("https://issuer")
            .audience(List.of("other", "gatehouse"))
            .subject("ann")
            .claim("plan", "free")
            .expirationTime(Date.from(Instant.now().plusSeconds(600)));
    change.accept(claims);
    return claims.build();
  }

  private static String signed(JWSAlgorithm algorithm, String id, JWSSigner by, JWTClaimsSet claims)
      throws JOSEException {
    var token = new SignedJWT(new JWSHeader.Builder(algorithm).keyID(id).build(), claims);
    token.sign(by);
    return token.serialize();
  }

  private static String signed(RSAKey by, JWTClaimsSet claims) throws JOSEException {
    return signed(JWSAlgorithm.RS256, by.getKeyID(), new RSASSASigner(by), claims);
  }

  private static String good(RSAKey by) throws JOSEException {
    return signed(by, claims(same -> {}));
  }

  private static String edwardsToken() throws GeneralSecurityException {
    var head = new JWSHeader.Builder(JWSAlgorithm.EdDSA).keyID("ed").build().toBase64URL();
    var input = head + "." + claims(same -> {}).toPayload().toBase64URL();
    var signature = Signature.getInstance("Ed25519");
    signature.initSign(EDWARDS.getPrivate());
    signature.update(input.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    return input + "." + Base64URL.encode(signature.sign());
  }

  @Test
  void tokens_signed_with_rsa_elliptic_and_edwards_curves_come_in() throws Exception {
    var edge = withFile(RSA.toPublicJWK(), CURVE.toPublicJWK(), edwardsPublic());

    for (var token :
        List.of(
            good(RSA),
            signed(JWSAlgorithm.PS384, "one", new RSASSASigner(RSA), claims(same -> {})),
            signed(JWSAlgorithm.ES256, "curve", new ECDSASigner(CURVE), claims(same -> {})),
            edwardsToken())) {
      assertThat(edge.get("/own/jwt", bearer(token)).bodyText()).isEqualTo("ann");
      assertThat(edge.get("/own/jwt", bearer(token)).bodyText()).isEqualTo("ann");
    }
  }

  @Test
  void no_signature_a_shared_secret_and_a_public_key_as_one_are_refused() throws Exception {
    var edge = withFile(RSA.toPublicJWK(), CURVE.toPublicJWK());
    var claims = claims(same -> {});
    var publicKey = RSA.toRSAPublicKey().getEncoded();
    var token = good(RSA);
    var parts = token.split("\\.");
    for (var forged :
        List.of(
            new PlainJWT(claims).serialize(),
            signed(JWSAlgorithm.HS256, "one", new MACSigner(publicKey), claims),
            signed(
                JWSAlgorithm.HS256, "one", new MACSigner(RSA.toPublicJWK().toJSONString()), claims),
            parts[0] + "." + parts[1] + ".",
            parts[0]
                + "."
                + parts[1]
                + "."
                + parts[2].substring(0, parts[2].length() - 8)
                + "AAAAAAAA",
            signed(JWSAlgorithm.RS256, "one", new RSASSASigner(NEXT), claims),
            signed(JWSAlgorithm.RS256, "curve", new RSASSASigner(RSA), claims),
            "not.a.token",
            "",
            "eyJhbGciOiJub25lIn0..")) {
      var answer = edge.get("/own/jwt", bearer(forged));
      assertThat(answer.status()).as(forged).isEqualTo(401);
      assertThat(answer.header("WWW-Authenticate"))
          .contains("Bearer realm=\"gatehouse\", error=\"invalid_token\"");
    }
    assertThat(edge.get("/own/jwt").header("WWW-Authenticate"))
        .contains("Bearer realm=\"gatehouse\"");
  }

  @Test
  void claims_that_do_not_fit_are_refused_and_clocks_may_differ_a_little() throws Exception {
    var edge = withFile(RSA.toPublicJWK());
    var now = Instant.now();
    for (var wrong :
        List.<Consumer<JWTClaimsSet.Builder>>of(
            c -> c.issuer("https://other"),
            c -> c.audience("other"),
            c -> c.expirationTime(Date.from(now.minusSeconds(60))),
            c -> c.expirationTime(null),
            c -> c.notBeforeTime(Date.from(now.plusSeconds(60))),
            c -> c.subject(null),
            c -> c.subject("ann\r\nX-Gatehouse-Secret: y"),
            c -> c.subject("änn"),
            c -> c.subject("a".repeat(300)))) {
      assertThat(edge.get("/own/jwt", bearer(signed(RSA, claims(wrong)))).status()).isEqualTo(401);
    }
    for (var late :
        List.<Consumer<JWTClaimsSet.Builder>>of(
            c -> c.expirationTime(Date.from(now.minusSeconds(10))),
            c -> c.notBeforeTime(Date.from(now.plusSeconds(10))))) {
      assertThat(edge.get("/own/jwt", bearer(signed(RSA, claims(late)))).status()).isEqualTo(200);
    }
  }

  @Test
  void a_key_that_is_new_at_the_url_counts_at_once_and_made_up_ones_do_not_hammer_it()
      throws Exception {
    server.answering(RecordingOrigin.ok(set(RSA.toPublicJWK())));
    var edge = edge(new JwtSettings.Keys.Url(URI.create(server.url() + "/jwks")));
    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(200);
    server.answering(RecordingOrigin.ok(set(NEXT.toPublicJWK())));

    for (int i = 0; i < 50; i++) {
      var madeUp = signed(JWSAlgorithm.RS256, "id" + i, new RSASSASigner(NEXT), claims(c -> {}));
      assertThat(edge.get("/own/jwt", bearer(madeUp)).status()).isEqualTo(401);
    }
    assertThat(server.received()).hasSizeLessThanOrEqualTo(3);

    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> edge.get("/own/jwt", bearer(good(NEXT))).status() == 200);
    // A key that is gone is void, also for tokens that were checked before.
    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(401);
  }

  @Test
  void keys_that_cannot_be_fetched_leave_the_last_good_ones_in_force() throws Exception {
    server.answering(RecordingOrigin.ok(set(RSA.toPublicJWK())));
    var edge = edge(new JwtSettings.Keys.Url(URI.create(server.url() + "/jwks")));
    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(200);
    server.forget();
    server.answering(RecordingOrigin.ok("<html>down</html>"));

    await().atMost(Duration.ofSeconds(30)).until(() -> !server.received().isEmpty());

    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(200);
  }

  @Test
  void without_any_keys_it_is_503_and_not_401() throws Exception {
    server.refuse();
    var edge = edge(new JwtSettings.Keys.Url(URI.create(server.url() + "/jwks")));

    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(503);
  }

  @Test
  void a_changed_file_counts_without_a_restart_and_a_broken_one_changes_nothing() throws Exception {
    var edge = withFile(RSA.toPublicJWK());
    assertThat(edge.get("/own/jwt", bearer(good(NEXT))).status()).isEqualTo(401);

    Files.writeString(directory.resolve("jwks.json"), "{");
    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(200);
    Files.writeString(directory.resolve("jwks.json"), set(NEXT.toPublicJWK()));

    await().until(() -> edge.get("/own/jwt", bearer(good(NEXT))).status() == 200);
    assertThat(edge.get("/own/jwt", bearer(good(RSA))).status()).isEqualTo(401);
  }
}
