package dev.gatehouse.state.coherence;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Proofs by which two processes of one assembly know each other on the bus, with no secret on the
/// wire: HMAC-SHA-256 over what both sides drew at random, who speaks, and which replica is meant.
///
/// The replica's id is in it, so that a process which was given the port of a dead one can never
/// acknowledge in its name.
final class BusSecret {
  static final int NONCE = 32;
  static final int PROOF = 32;

  private final SecretKeySpec key;

  BusSecret(String secret) {
    key = new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256");
  }

  byte[] ofCaller(byte[] listener, byte[] caller, UUID replica) {
    return proof("gatehouse bus 2: caller", listener, caller, replica);
  }

  byte[] ofReplica(byte[] listener, byte[] caller, UUID replica) {
    return proof("gatehouse bus 2: replica", listener, caller, replica);
  }

  /// Takes as long for any difference.
  static boolean same(byte[] one, byte[] other) {
    return MessageDigest.isEqual(one, other);
  }

  /// @param listener what the listening side drew
  private byte[] proof(String who, byte[] listener, byte[] caller, UUID replica) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(who.getBytes(StandardCharsets.US_ASCII));
      mac.update(listener);
      mac.update(caller);
      mac.update(replica.toString().getBytes(StandardCharsets.US_ASCII));
      return mac.doFinal();
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("every Java has HmacSHA256", missing);
    }
  }
}
