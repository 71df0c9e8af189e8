package dev.gatehouse.accounts;

import dev.gatehouse.accounts.AccountsSettings.HashCost;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Argon2id (RFC 9106), written as PHC strings.
///
/// **Every check of a password costs the same**, whether there is such a user or not: without one a
/// hash of nobody's is computed, and where a user's was made for less than what new ones cost, the
/// rest of the work is done after it and thrown away. So the time of an answer does not tell who
/// has an account, nor who has had one for long.
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

  private static final int HASH_BYTES = 32;

  /// Argon2 needs 8 KiB a lane.
  private static final long LEAST_WORK = 8;

  private final HashCost cost;
  private final SecureRandom random;
  private final ThreadPoolExecutor threads;
  private final LongAdder work = new LongAdder();
  private final AtomicInteger computing = new AtomicInteger();

  private record Phc(HashCost cost, byte[] salt, byte[] hash) {
    static Optional<Phc> parse(String text) {
      var fields = PHC.matcher(text);
      if (!fields.matches()) {
        return Optional.empty();
      }
      try {
        return Optional.of(
            new Phc(
                new HashCost(
                    Integer.parseInt(fields.group(1)),
                    Integer.parseInt(fields.group(2)),
                    Integer.parseInt(fields.group(3))),
                Base64.getDecoder().decode(fields.group(4)),
                Base64.getDecoder().decode(fields.group(5))));
      } catch (IllegalArgumentException e) {
        return Optional.empty(); // Costs that cannot be, or no Base64 after all.
      }
    }

    @Override
    public String toString() {
      return "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
          .formatted(
              cost.memoryKib(),
              cost.passes(),
              cost.lanes(),
              BASE64.encodeToString(salt),
              BASE64.encodeToString(hash));
    }
  }

  Hashing(HashCost cost, int threads, int queue, SecureRandom random) {
    this.cost = cost;
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
    var hash = inTurn(() -> compute(cost, salt, HASH_BYTES, composed(password)));
    return new Phc(cost, salt, hash).toString();
  }

  /// Whether the password is the one that was hashed. Without a hash it takes as long and says no.
  ///
  /// @throws dev.gatehouse.http.Refusal 503 when too many wait already
  boolean matches(String password, Optional<String> stored) throws InterruptedException {
    var phc = stored.flatMap(Phc::parse);
    if (stored.isPresent() && phc.isEmpty()) {
      log.error("a stored password is no argon2id PHC string; its user cannot sign in");
    }
    var against = phc.orElse(new Phc(cost, new byte[SALT_BYTES], new byte[HASH_BYTES]));
    var hash =
        inTurn(() -> {
          var text = composed(password);
          var found = compute(against.cost, against.salt, against.hash.length, text);
          spend(cost.work() - against.cost.work(), text);
          return found;
        });
    return MessageDigest.isEqual(hash, against.hash) && phc.isPresent();
  }

  /// Whether a stored hash was made for less than new ones are. One that cost more stays.
  boolean isCheap(String stored) {
    return Phc.parse(stored).stream()
        .anyMatch(phc -> phc.cost.work() < cost.work() || phc.cost.memoryKib() < cost.memoryKib());
  }

  /// How much has been hashed so far, as memory filled, in KiB.
  long work() {
    return work.sum();
  }

  /// How many hashes are being computed now.
  int computing() {
    return computing.get();
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

  /// Fills so much memory, at most as much at once as a new password does.
  private void spend(long work, byte[] password) {
    if (work < LEAST_WORK) {
      return;
    }
    int passes = (int) Math.ceilDiv(work, cost.memoryKib());
    compute(
        new HashCost((int) (work / passes), passes, 1), new byte[SALT_BYTES], HASH_BYTES, password);
  }

  /// Composed (NFC, RFC 8265 section 4.2), since keyboards differ in how they write the same
  /// letter.
  private static byte[] composed(String password) {
    return Normalizer.normalize(password, Normalizer.Form.NFC).getBytes(StandardCharsets.UTF_8);
  }

  private byte[] compute(HashCost price, byte[] salt, int length, byte[] password) {
    var generator = new Argon2BytesGenerator();
    generator.init(
        new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
            .withVersion(Argon2Parameters.ARGON2_VERSION_13)
            .withMemoryAsKB(price.memoryKib())
            .withIterations(price.passes())
            .withParallelism(price.lanes())
            .withSalt(salt)
            .build());
    var hash = new byte[length];
    computing.incrementAndGet();
    try {
      generator.generateBytes(password, hash);
    } finally {
      computing.decrementAndGet();
    }
    work.add(price.work());
    return hash;
  }
}
