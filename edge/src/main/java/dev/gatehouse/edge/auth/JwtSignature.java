package dev.gatehouse.edge.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.SignedJWT;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/// Whether a key has signed a token.
///
/// The kind of key decides which algorithms it may be used with, never the token alone: a public
/// key is never taken for a shared secret.
final class JwtSignature {
  private static final int ED25519_BYTES = 32;

  private JwtSignature() {}

  static boolean fits(JWK key, JWSAlgorithm algorithm) {
    if (key.getAlgorithm() != null && !key.getAlgorithm().getName().equals(algorithm.getName())) {
      return false;
    }
    return switch (key) {
      case RSAKey _ -> JWSAlgorithm.Family.RSA.contains(algorithm);
      case ECKey curve ->
          JWSAlgorithm.Family.EC.contains(algorithm)
              && Curve.forJWSAlgorithm(algorithm).contains(curve.getCurve());
      case OctetKeyPair pair ->
          algorithm.equals(JWSAlgorithm.EdDSA) && Curve.Ed25519.equals(pair.getCurve());
      default -> false;
    };
  }

  static boolean isGood(SignedJWT token, JWK key) {
    try {
      return switch (key) {
        case RSAKey rsa -> token.verify(new RSASSAVerifier(rsa.toRSAPublicKey()));
        case ECKey curve -> token.verify(new ECDSAVerifier(curve.toECPublicKey()));
        case OctetKeyPair pair -> edwards(token, pair);
        default -> false;
      };
    } catch (JOSEException | GeneralSecurityException e) {
      return false; // a key or signature that is none
    }
  }

  /// By the JDK: the library would need another one for this.
  private static boolean edwards(SignedJWT token, OctetKeyPair pair)
      throws GeneralSecurityException {
    var signature = Signature.getInstance("Ed25519");
    signature.initVerify(key(pair.getDecodedX()));
    signature.update(token.getSigningInput());
    return signature.verify(token.getSignature().decode());
  }

  /// RFC 8032 section 5.1.2: the y coordinate, little end first, with the lowest bit of x on top.
  private static PublicKey key(byte[] encoded) throws GeneralSecurityException {
    if (encoded.length != ED25519_BYTES) {
      throw new GeneralSecurityException("not an Ed25519 key");
    }
    var y = Arrays.copyOf(encoded, encoded.length);
    for (int i = 0; i < y.length / 2; i++) {
      byte swapped = y[i];
      y[i] = y[y.length - 1 - i];
      y[y.length - 1 - i] = swapped;
    }
    boolean odd = (y[0] & 0x80) != 0;
    y[0] &= 0x7f;
    return KeyFactory.getInstance("Ed25519")
        .generatePublic(
            new EdECPublicKeySpec(
                NamedParameterSpec.ED25519, new EdECPoint(odd, new BigInteger(1, y))));
  }
}
