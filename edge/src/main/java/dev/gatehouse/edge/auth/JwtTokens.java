package dev.gatehouse.edge.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Problem;
import java.text.ParseException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Signed tokens (RFC 7519, RFC 8725): `Authorization: Bearer eyJ...`.
///
/// A signature is checked once and remembered under the token's hash, with the times between which
/// it counts; new keys make that void. What the client gets to read of a refusal is that it is one;
/// which check failed stands in `detail`, since that is no secret and saves hours.
final class JwtTokens implements Authenticator {
  private static final int MOST = 10_000;
  private static final Set<String> TYPES = Set.of("jwt", "at+jwt", "application/at+jwt");

  /// @param from,until leeway included
  private record Verified(Identity identity, Instant from, Instant until, int generation) {}

  private final JwtSettings settings;
  private final JwtKeys keys;
  private final Room room;
  private final InstantSource clock;
  private final Cache<String, Verified> cache =
      Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();

  JwtTokens(JwtSettings settings, JwtKeys keys, Room room, InstantSource clock) {
    this.settings = settings;
    this.keys = keys;
    this.room = room;
    this.clock = clock;
  }

  @Override
  public Claim claim(Visit visit) {
    var token = Credential.of(visit, "bearer").filter(text -> !text.startsWith("gk_"));
    if (token.isEmpty()) {
      return Claim.ABSENT;
    }
    var name = Credential.hex(Credential.sha256(token.get()));
    var known = cache.getIfPresent(name);
    if (known != null && known.generation == keys.now().generation()) {
      return inTime(known);
    }
    return room.ask(() -> {
      try {
        var verified = verify(token.get());
        cache.put(name, verified);
        return inTime(verified);
      } catch (Untrue e) {
        return Claim.refused("The token does not count: " + e.getMessage() + ".");
      }
    });
  }

  private Claim inTime(Verified token) {
    var now = clock.instant();
    if (!now.isBefore(token.until)) {
      return Claim.refused("The token does not count: it has expired.");
    }
    return now.isBefore(token.from)
        ? Claim.refused("The token does not count: it is not valid yet.")
        : new Claim.Known(token.identity);
  }

  /// Why a token does not count, as the end of a sentence.
  private static final class Untrue extends Exception {
    private static final long serialVersionUID = 1L;

    Untrue(String why) {
      super(why, null, false, false);
    }
  }

  private Verified verify(String text) throws Untrue {
    SignedJWT token;
    try {
      token = SignedJWT.parse(text);
    } catch (ParseException e) {
      throw new Untrue("it is no signed JSON Web Token");
    }
    var header = token.getHeader();
    var algorithm = header.getAlgorithm();
    if (!settings.algorithms().contains(algorithm.getName())) {
      throw new Untrue("its algorithm is not accepted here");
    }
    if (header.getCriticalParams() != null && !header.getCriticalParams().isEmpty()) {
      throw new Untrue("it has critical parameters that are not understood");
    }
    if (header.getType() != null
        && !TYPES.contains(header.getType().getType().toLowerCase(Locale.ROOT))) {
      throw new Untrue("it is for another use");
    }
    int generation = signed(token);
    try {
      return claims(token.getJWTClaimsSet(), generation);
    } catch (ParseException e) {
      throw new Untrue("its claims cannot be read");
    }
  }

  /// The generation of the set whose key has signed it.
  private int signed(SignedJWT token) throws Untrue {
    var set = keys.now();
    if (candidates(token, set).isEmpty()) {
      set = keys.after(set);
    }
    if (set.keys().isEmpty()) {
      throw Problem.unavailable("The keys that tokens are checked with are not here yet.", 1)
          .refusal();
    }
    var fitting = candidates(token, set);
    if (fitting.isEmpty()) {
      throw new Untrue("no key that we know has signed it");
    }
    for (var key : fitting) {
      if (JwtSignature.isGood(token, key)) {
        return set.generation();
      }
    }
    throw new Untrue("its signature is wrong");
  }

  private static java.util.List<com.nimbusds.jose.jwk.JWK> candidates(
      SignedJWT token, JwtKeys.Keys set) {
    var id = token.getHeader().getKeyID();
    return set.keys().stream()
        .filter(key -> id == null || id.equals(key.getKeyID()))
        .filter(key -> JwtSignature.fits(key, token.getHeader().getAlgorithm()))
        .toList();
  }

  private Verified claims(JWTClaimsSet claims, int generation) throws Untrue, ParseException {
    if (settings.issuer().isPresent() && !settings.issuer().get().equals(claims.getIssuer())) {
      throw new Untrue("its issuer is another one");
    }
    if (!settings.audiences().isEmpty()
        && claims.getAudience().stream().noneMatch(settings.audiences()::contains)) {
      throw new Untrue("it is for another audience");
    }
    if (claims.getExpirationTime() == null) {
      throw new Untrue("it never expires");
    }
    var user = text(claims, settings.userClaim());
    if (user.isEmpty()) {
      throw new Untrue("its claim '" + settings.userClaim() + "' is no user's name");
    }
    Optional<String> plan = Optional.empty();
    if (settings.planClaim().isPresent()) {
      plan = text(claims, settings.planClaim().get());
    }
    var from = Optional.ofNullable(claims.getNotBeforeTime()).map(Date::toInstant);
    return new Verified(
        new Identity(user.get(), plan, Identity.Scheme.JWT),
        from.map(time -> time.minus(settings.leeway())).orElse(Instant.MIN),
        claims.getExpirationTime().toInstant().plus(settings.leeway()),
        generation);
  }

  private static Optional<String> text(JWTClaimsSet claims, String name) {
    return claims.getClaim(name) instanceof String text && Identity.isName(text)
        ? Optional.of(text)
        : Optional.empty();
  }

  @Override
  public Optional<String> challenge(boolean refused) {
    return Optional.of(Credential.bearerChallenge(refused));
  }

  @Override
  public Optional<String> field(Visit visit) {
    return Optional.of(Credential.FIELD);
  }
}
