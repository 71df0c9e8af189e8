package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.upstream.Tokens;
import dev.gatehouse.http.Guessing;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Makes the [Authenticator]s of a configuration, and keeps what outlives it: what was verified
/// lately, who guesses, and the threads.
///
/// Three kinds of threads. Lookups that wait for the database or for a key server run on virtual
/// threads, 64 at once. Password hashes burn a processor, so they run on two platform threads: on
/// the carriers of virtual threads they would stop every other request. The rounds (files, API
/// keys) are one more thread, that comes with the first way that needs it; nothing of all this is
/// started in an edge that asks for sessions alone.
///
/// `configure` is called by one thread at a time. The rounds see the volatile fields it writes.
public final class Doorkeeper implements AutoCloseable {
  private static final int LOOKUPS = 64;
  private static final int LOOKUP_QUEUE = 4096;
  private static final int HASHES = 2;
  private static final int HASH_QUEUE = 128;

  /// As at the sign-in.
  private static final Guessing.Allowance PER_USER =
      new Guessing.Allowance(10, Duration.ofMinutes(1));

  private static final Guessing.Allowance PER_ADDRESS =
      new Guessing.Allowance(100, Duration.ofSeconds(6));

  private final Function<String, Optional<String>> userOf;
  private final Supplier<Database> database;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final SecureRandom random;
  private final Room lookups =
      new Room(LOOKUPS, LOOKUP_QUEUE, Thread.ofVirtual().name("auth-", 0).factory());
  private final Authenticator session;
  private volatile Optional<Room> hashes = Optional.empty();
  private volatile Optional<ScheduledExecutorService> rounds = Optional.empty();
  private volatile Optional<Made<AuthSettings.Basic, BasicPassword>> basic = Optional.empty();
  private volatile Optional<Made<JwtSettings, Jwt>> jwt = Optional.empty();
  private final Map<String, Made<TokenSettings, TokenKeeper>> tokens = new HashMap<>();
  private Optional<ApiKeyAdmin.Tools> keys = Optional.empty();
  private volatile boolean keysUsed;

  private record Jwt(JwtKeys keys, JwtTokens tokens) {}

  /// What was made of some settings; the same settings get the same thing.
  private record Made<S, T>(S from, T thing) {}

  /// @param userOf the user of a session's token; blocking
  /// @param database blocking; refuses where there is none
  public Doorkeeper(
      Function<String, Optional<String>> userOf,
      Supplier<Database> database,
      InstantSource clock,
      LongSupplier nanos,
      SecureRandom random) {
    this.userOf = userOf;
    this.database = database;
    this.clock = clock;
    this.nanos = nanos;
    this.random = random;
    this.session = new SessionCookie(this.userOf, lookups);
  }

  /// One authenticator for every way that the configuration asks for.
  public synchronized Map<Identity.Scheme, Authenticator> configure(AuthSettings settings) {
    var made = new EnumMap<Identity.Scheme, Authenticator>(Identity.Scheme.class);
    for (var scheme : settings.used()) {
      made.put(
          scheme,
          switch (scheme) {
            case SESSION -> session;
            case BASIC -> basic(settings.basic().orElseThrow());
            case API_KEY -> keys().keys();
            case JWT -> jwt(settings.jwt().orElseThrow());
          });
    }
    if (made.keySet().stream().anyMatch(scheme -> scheme != Identity.Scheme.SESSION)
        && rounds.isEmpty()) {
      rounds = Optional.of(begin());
    }
    return made;
  }

  private BasicPassword basic(AuthSettings.Basic wanted) {
    var now = basic;
    if (now.isPresent() && now.get().from.equals(wanted)) {
      return now.get().thing;
    }
    if (hashes.isEmpty()) {
      hashes =
          Optional.of(
              new Room(
                  HASHES, HASH_QUEUE, Thread.ofPlatform().daemon().name("htpasswd-", 0).factory()));
    }
    var secret = new byte[32];
    random.nextBytes(secret);
    var made =
        new BasicPassword(wanted.file(), wanted.plan(), hashes.get(), guessing(), secret, nanos);
    basic = Optional.of(new Made<>(wanted, made));
    return made;
  }

  private JwtTokens jwt(JwtSettings wanted) {
    var now = jwt;
    if (now.isPresent() && now.get().from.equals(wanted)) {
      return now.get().thing.tokens;
    }
    var set = new JwtKeys(wanted, nanos);
    var made = new JwtTokens(wanted, set, lookups, clock);
    jwt = Optional.of(new Made<>(wanted, new Jwt(set, made)));
    return made;
  }

  private synchronized ApiKeyAdmin.Tools keys() {
    if (keys.isEmpty()) {
      var sql = new ApiKeySql(database.get());
      keys = Optional.of(new ApiKeyAdmin.Tools(sql, new ApiKeys(sql, lookups, guessing(), nanos)));
    }
    keysUsed = true;
    return keys.get();
  }

  /// The token of an upstream; the same settings get the same one.
  ///
  /// @param directory where tokens are kept
  public synchronized Tokens tokens(TokenSettings wanted, Path directory) {
    var known = tokens.get(wanted.name());
    if (known != null && known.from.equals(wanted)) {
      return known.thing;
    }
    var made = new TokenKeeper(wanted, directory, clock, Thread::startVirtualThread);
    tokens.put(wanted.name(), new Made<>(wanted, made));
    return made;
  }

  private Guessing guessing() {
    return new Guessing(PER_USER, PER_ADDRESS, nanos);
  }

  private ScheduledExecutorService begin() {
    var thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("auth-rounds").factory());
    long every = ApiKeys.ROUND.toMillis();
    var _ = thread.scheduleWithFixedDelay(this::round, every, every, TimeUnit.MILLISECONDS);
    return thread;
  }

  /// Never throws: a round that did would be the last.
  private void round() {
    basic.ifPresent(made -> made.thing.look());
    jwt.ifPresent(made -> {
      made.thing.keys.lookAtFile();
      if (made.thing.keys.due()) {
        lookups.tryRun(made.thing.keys::refresh);
      }
    });
    if (keysUsed) {
      keys().keys().round();
    }
  }

  /// The admin API's part about keys.
  public Routes admin() {
    return new ApiKeyAdmin(this::keys, random).routes();
  }

  /// Stops the threads; requests that wait get no answer any more. Harmless twice.
  @Override
  public void close() {
    rounds.ifPresent(ScheduledExecutorService::shutdownNow);
    hashes.ifPresent(Room::close);
    lookups.close();
  }
}
