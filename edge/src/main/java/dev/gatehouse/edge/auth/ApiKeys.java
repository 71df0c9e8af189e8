package dev.gatehouse.edge.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Guessing;
import dev.gatehouse.http.Refusal;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// API keys: `X-Api-Key`, or `Authorization: Bearer gk_...`.
///
/// What is known of a key counts for 800 ms from before it was read, so a key that is revoked
/// anywhere is dead here within a second, whatever becomes of this edge's way to the database.
/// Every 300 ms the keys that were used since are read again, all in one statement, so a key in use
/// costs no request a database call, and a thousand keys in use cost three statements a second. A
/// version to poll was refused: rows commit in another order than their numbers.
///
/// While the database is away, keys are answered with 503 once their time is over: this is the
/// price of the promise above.
///
/// An unknown key counts as a wrong password of its address.
final class ApiKeys implements Authenticator {
  private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);
  static final Duration ROUND = Duration.ofMillis(300);
  private static final long COUNTS_NANOS = Duration.ofMillis(800).toNanos();
  private static final Duration NOTED_EVERY = Duration.ofSeconds(5);
  private static final int MOST = 10_000;
  private static final Pattern KEY = Pattern.compile("gk_[A-Za-z0-9_-]{43}");
  private static final String FIELD = "X-Api-Key";

  /// Confined by its volatile fields: whoever writes `asOf` writes what is true as of then.
  private static final class Known {
    final Identity identity;
    volatile long asOf;
    volatile boolean used = true;
    volatile boolean unnoted = true;

    Known(Identity identity, long asOf) {
      this.identity = identity;
      this.asOf = asOf;
    }
  }

  private final ApiKeySql sql;
  private final Room room;
  private final Guessing guessing;
  private final LongSupplier nanos;
  private final Cache<String, Known> cache =
      Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();
  private long noted;
  private boolean failing;

  ApiKeys(ApiKeySql sql, Room room, Guessing guessing, LongSupplier nanos) {
    this.sql = sql;
    this.room = room;
    this.guessing = guessing;
    this.nanos = nanos;
    this.noted = nanos.getAsLong();
  }

  @Override
  public Claim claim(Visit visit) {
    var key = presented(visit);
    if (key.isEmpty()) {
      return Claim.ABSENT;
    }
    if (!KEY.matcher(key.get()).matches()) {
      return unknown();
    }
    var hash = Credential.hex(Credential.sha256(key.get()));
    var known = cache.getIfPresent(hash);
    if (known != null && nanos.getAsLong() - known.asOf < COUNTS_NANOS) {
      known.used = true;
      known.unnoted = true;
      return new Claim.Known(known.identity);
    }
    var client = visit.client();
    return room.ask(() -> read(hash, client));
  }

  private static Claim unknown() {
    return Claim.refused("The API key is unknown or revoked.");
  }

  private static Optional<String> presented(Visit visit) {
    var field = visit.head().headers().get(FIELD);
    return field != null
        ? Optional.of(field.strip())
        : Credential.of(visit, "bearer").filter(token -> token.startsWith("gk_"));
  }

  private Claim read(String hash, InetSocketAddress client) {
    var guess = guessing.take(client, hash, Optional.empty());
    boolean wrong = false;
    try {
      long asOf = nanos.getAsLong();
      var found = Optional.ofNullable(sql.live(List.of(hash)).get(hash));
      wrong = found.isEmpty();
      if (wrong) {
        cache.invalidate(hash);
        return unknown();
      }
      var identity = new Identity(found.get().name(), found.get().plan(), Identity.Scheme.API_KEY);
      cache.put(hash, new Known(identity, asOf));
      return new Claim.Known(identity);
    } finally {
      if (!wrong) {
        guess.giveBack();
      }
    }
  }

  /// Reads again what was used since the last round. One at a time.
  synchronized void round() {
    var hashes = new ArrayList<String>();
    cache
        .asMap()
        .forEach((hash, known) -> {
          if (known.used) {
            known.used = false;
            hashes.add(hash);
          }
        });
    try {
      if (!hashes.isEmpty()) {
        again(hashes);
      }
      if (nanos.getAsLong() - noted >= NOTED_EVERY.toNanos()) {
        noted = nanos.getAsLong();
        note();
      }
      failing = false;
    } catch (RuntimeException e) {
      if (!failing) {
        failing = true;
        LOG.warn(
            "API keys cannot be read again ({}); those in use are answered 503 until they can",
            e instanceof Refusal refusal ? refusal.problem().title() : e.toString());
      }
    }
  }

  private void again(List<String> hashes) {
    long asOf = nanos.getAsLong();
    var live = sql.live(hashes);
    for (var hash : hashes) {
      if (!live.containsKey(hash)) {
        cache.invalidate(hash);
      } else {
        cache
            .asMap()
            .computeIfPresent(
                hash,
                (same, known) -> {
                  known.asOf = asOf;
                  return known;
                });
      }
    }
  }

  private void note() {
    var hashes = new ArrayList<String>();
    cache
        .asMap()
        .forEach((hash, known) -> {
          if (known.unnoted) {
            known.unnoted = false;
            hashes.add(hash);
          }
        });
    if (!hashes.isEmpty()) {
      sql.used(hashes);
    }
  }

  /// Its end is known here at once.
  void forget(String hash) {
    cache.invalidate(hash);
  }

  @Override
  public Optional<String> challenge(boolean refused) {
    return Optional.of(Credential.bearerChallenge(refused));
  }

  @Override
  public Optional<String> field(Visit visit) {
    return Optional.of(visit.head().headers().contains(FIELD) ? FIELD : Credential.FIELD);
  }
}
