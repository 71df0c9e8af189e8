package dev.gatehouse.edge.auth;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/// Which signed tokens are believed, and what of them.
///
/// @param issuer what `iss` must be
/// @param audiences of which `aud` must name one; empty: it is not looked at
/// @param algorithms that may sign; never one with a shared secret
/// @param leeway how far clocks may differ
/// @param refresh how often keys at a URL are fetched again
/// @param userClaim whose text is the user
/// @param planClaim whose text, if there, is the plan
public record JwtSettings(
    Keys keys,
    Optional<String> issuer,
    Set<String> audiences,
    Set<String> algorithms,
    Duration leeway,
    Duration refresh,
    String userClaim,
    Optional<String> planClaim) {
  /// What is understood: RSA and elliptic curves.
  public static final Set<String> ALGORITHMS =
      Set.of(
          "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA");

  /// Where the public keys are (RFC 7517).
  public sealed interface Keys {
    record File(Path path) implements Keys {}

    record Url(URI url) implements Keys {}
  }
}
