package dev.gatehouse.accounts;

import dev.gatehouse.http.Problem;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.text.Normalizer;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Argon2id (RFC 9106) with 19 MiB, two passes and one lane (OWASP's first choice for servers),
/// written as PHC strings.
///
/// A hash keeps a processor busy for tens of milliseconds and holds 19 MiB, so hashes run on a few
/// threads of their own, never on the carriers of virtual threads, where a rush of sign-ins would
/// stop every other request. The line before them is bounded; who does not fit is told to come
/// back.
final class Hashing implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Hashing.class);
  private static final Duration IDLE = Duration.ofSeconds(10);
  private static final int SALT_BYTES = 16;
  private static final Base64.Encoder BASE64 = Base64.getEncoder().withoutPadding();
  private static final Pattern PHC =
      Pattern.compile(
          "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,3}),p=(\\d{1,3})"
              + "\\$([A-Za-z0-9+/]{11,88})\\$([A-Za-z0-9+/]{22,88})");

  /// Compared with when there is no such user, so that this takes as long as a wrong password.
  private static final Phc NOBODY = new Phc(19_456, 2, 1, new byte[SALT_BYTES], new byte[32]);

  private final SecureRandom random;
  private final ThreadPoolExecutor threads;
  private final LongAdder computed = new LongAdder();

  private record Phc(int memoryKib, int passes, int lanes, byte[] salt, byte[] hash) {
    static Optional<Phc> parse(String text) {
      var fields = PHC.matcher(text);
      if (!fields.matches()) {
        return Optional.empty();
      }
      return Optional.of(
          new Phc(
              Integer.parseInt(fields.group(1)),
              Integer.parseInt(fields.group(2)),
              Integer.parseInt(fields.group(3)),
              Base64.getDecoder().decode(fields.group(4)),
              Base64.getDecoder().decode(fields.group(5))));
    }

    @Override
    public String toString() {
      return "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
          .formatted(
              memoryKib, passes, lanes, BASE64.encodeToString(salt), BASE64.encodeToString(hash));
    }
  }

  Hashing(int threads, int queue, SecureRandom random) {
    this.random = random;
    this.threads =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE.toMillis(),
            TimeUnit.MILLISECONDS,
            new ArrayBlockingQueue<>(queue),
            Thread.ofPlatform().daemon().name("accounts-hash-", 0).factory());
    this.threads.allowCoreThreadTimeOut(true);
  }

  /// A PHC string with a salt of its own.
  ///
  /// @throws dev.gatehouse.http.Refusal 503 when too many wait already
  String hash(String password) throws InterruptedException {
    var salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    var shape = new Phc(NOBODY.memoryKib, NOBODY.passes, NOBODY.lanes, salt, NOBODY.hash);
    return inTurn(() ->
        new Phc(shape.memoryKib, shape.passes, shape.lanes, salt, compute(shape, password))
            .toString());
  }

  /// Whether the password is the one that was hashed. Without a hash it takes as long and says no.
  ///
  /// @throws dev.gatehouse.http.Refusal 503 when too many wait already
  boolean matches(String password, Optional<String> stored) throws InterruptedException {
    var phc = stored.flatMap(Phc::parse);
    if (stored.isPresent() && phc.isEmpty()) {
      log.error("a stored password is no argon2id PHC string; its user cannot sign in");
    }
    var against = phc.orElse(NOBODY);
    var hash = inTurn(() -> compute(against, password));
    return MessageDigest.isEqual(hash, against.hash) && phc.isPresent();
  }

  /// How many hashes have been computed.
  long computed() {
    return computed.sum();
  }

  /// Refuses what comes, and drops what waits. Harmless twice.
  @Override
  public void close() {
    threads.shutdownNow().forEach(waiting -> ((Future<?>) waiting).cancel(true));
  }

  private <T> T inTurn(Callable<T> work) throws InterruptedException {
    try {
      return threads.submit(work).get();
    } catch (RejectedExecutionException | java.util.concurrent.CancellationException e) {
      throw Problem.unavailable("Too many sign-ins are being checked already.", 1).refusal();
    } catch (ExecutionException e) {
      throw new IllegalStateException("hashing failed", e.getCause());
    }
  }

  /// The password is composed first (NFC, RFC 8265 section 4.2), since keyboards differ in how they
  /// write the same letter.
  private byte[] compute(Phc phc, String password) {
    var generator = new Argon2BytesGenerator();
    generator.init(
        new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
            .withVersion(Argon2Parameters.ARGON2_VERSION_13)
            .withMemoryAsKB(phc.memoryKib)
            .withIterations(phc.passes)
            .withParallelism(phc.lanes)
            .withSalt(phc.salt)
            .build());
    var hash = new byte[phc.hash.length];
    var composed = Normalizer.normalize(password, Normalizer.Form.NFC);
    generator.generateBytes(composed.getBytes(StandardCharsets.UTF_8), hash);
    computed.increment();
    return hash;
  }
}
