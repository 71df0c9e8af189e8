package dev.gatehouse.edge.auth;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The public keys that tokens are signed with: a file that is watched, or a URL that is fetched.
///
/// A token that names a key which is not here has the URL fetched again, at most once in ten
/// seconds, so that a rotation is noticed at once and made-up key ids cannot make us hammer the
/// server. What cannot be fetched or read leaves the last good set in force, and one line says so.
///
/// `set` is replaced as a whole; `fetch` is entered by one thread at a time, and whoever waited
/// looks at the new set first.
final class JwtKeys {
  private static final Logger LOG = LoggerFactory.getLogger(JwtKeys.class);
  static final Duration AT_MOST_EVERY = Duration.ofSeconds(10);
  private static final int SMALLEST_RSA = 2048;

  /// @param generation raised with every set, so that what was verified under an older one is
  ///   verified again
  record Keys(List<JWK> keys, int generation) {}

  private final JwtSettings settings;
  private final LongSupplier nanos;
  private final java.util.Optional<WatchedFile> file;
  private volatile Keys set = new Keys(List.of(), 0);
  private volatile long tried;
  private boolean told;

  JwtKeys(JwtSettings settings, LongSupplier nanos) {
    this.settings = settings;
    this.nanos = nanos;
    this.tried = nanos.getAsLong() - settings.refresh().toNanos() - AT_MOST_EVERY.toNanos();
    this.file =
        settings.keys() instanceof JwtSettings.Keys.File(var path)
            ? java.util.Optional.of(new WatchedFile(path, this::take))
            : java.util.Optional.empty();
    file.ifPresent(WatchedFile::look);
  }

  Keys now() {
    return set;
  }

  /// Whether the set is due to be fetched again.
  boolean due() {
    return file.isEmpty() && nanos.getAsLong() - tried >= settings.refresh().toNanos();
  }

  void lookAtFile() {
    file.ifPresent(WatchedFile::look);
  }

  /// The set after one that did not do; a new one, if it may be fetched now. Blocks.
  synchronized Keys after(Keys older) {
    if (set.generation == older.generation
        && file.isEmpty()
        && nanos.getAsLong() - tried >= AT_MOST_EVERY.toNanos()) {
      fetch();
    }
    return set;
  }

  /// Fetches the set if it is due. Blocks.
  synchronized void refresh() {
    if (due()) {
      fetch();
    }
  }

  private void fetch() {
    if (!(settings.keys() instanceof JwtSettings.Keys.Url(var url))) {
      return;
    }
    tried = nanos.getAsLong();
    try {
      var answer = Remote.get(url);
      if (answer.status() != 200) {
        throw new IOException("it answered " + answer.status());
      }
      take(answer.body());
      if (told) {
        LOG.info("the key set at {} could be fetched again", url);
      }
      told = false;
    } catch (IOException | RuntimeException e) {
      if (!told) {
        told = true;
        LOG.warn(
            "the key set at {} cannot be fetched ({}); the last good one, of {} keys, stays in"
                + " force, and it is tried again",
            url,
            e.getMessage(),
            set.keys.size());
      }
    }
  }

  private void take(byte[] json) {
    try {
      var keys =
          JWKSet.parse(new String(json, StandardCharsets.UTF_8)).getKeys().stream()
              .filter(JwtKeys::usable)
              .toList();
      if (keys.isEmpty()) {
        throw new IllegalArgumentException("no key of it can check a signature");
      }
      if (!keys.equals(set.keys)) {
        set = new Keys(keys, set.generation + 1);
      }
    } catch (ParseException e) {
      throw new IllegalArgumentException("this is no JSON Web Key Set", e);
    }
  }

  /// Public keys for signatures; short RSA keys can be broken, and shared secrets are not public.
  private static boolean usable(JWK key) {
    return (key.getKeyUse() == null || KeyUse.SIGNATURE.equals(key.getKeyUse()))
        && key.toPublicJWK() != null
        && !(key instanceof RSAKey rsa && rsa.size() < SMALLEST_RSA);
  }
}
