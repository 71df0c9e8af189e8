package dev.gatehouse.accounts;

import dev.gatehouse.http.Guessing;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.NearCache;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The accounts service: sign up, sign in, who am I, change the password, sign out.
///
/// Users are read from Postgres for every answer. Sessions are known from memory ([Sessions]), and
/// one that has ended is dead on every replica when its end is answered.
public final class Accounts implements AutoCloseable {
  /// The cookie that carries a session's token, for [#userOf]; the edge keeps it from upstreams.
  public static final String SESSION_COOKIE = Cookies.SESSION;

  private static final Logger log = LoggerFactory.getLogger(Accounts.class);

  /// 1,024 characters, each written as two JSON escapes, and an email.
  private static final int BODY_LIMIT = 16 * 1024;

  private static final String MUST_BE_PROVIDED = "email and password must be provided";
  private static final String ALREADY_EXISTS = "User already exists";
  private static final Duration PRUNE_EVERY = Duration.ofMinutes(1);

  private final AccountsStore store;
  private final SecureRandom random;
  private final LongSupplier nanos;
  private final Sessions sessions;
  private final Duration idle;
  private final PasswordRules rules = new PasswordRules();
  private final Hashing hashing;
  private final Guessing guessing;
  private final AtomicLong pruned;
  private final Attempts signIns = new Attempts();
  private final Attempts signUps = new Attempts();
  private final Attempts changes = new Attempts();

  /// @param database migrated
  /// @param nanos monotonic nanoseconds, as of [System#nanoTime]
  /// @param coherence with the other processes that serve the same users
  public Accounts(
      AccountsSettings settings,
      Database database,
      SecureRandom random,
      LongSupplier nanos,
      Coherence coherence) {
    this.store = new AccountsStore(database);
    this.idle = settings.idle();
    this.sessions = new Sessions(store, idle, nanos, coherence);
    this.random = random;
    this.nanos = nanos;
    this.hashing =
        new Hashing(settings.hashCost(), settings.hashThreads(), settings.hashQueue(), random);
    this.guessing = new Guessing(settings.account(), settings.address(), nanos);
    this.pruned = new AtomicLong(nanos.getAsLong() - PRUNE_EVERY.toNanos());
  }

  public Routes routes() {
    return Routes.builder()
        .post("/api/users", BODY_LIMIT, signUps.counted(this::signUp))
        .put("/api/users/me/password", BODY_LIMIT, changes.counted(this::changePassword))
        .delete("/api/users/me/sessions", this::signOutEverywhere)
        .post("/api/sessions", BODY_LIMIT, signIns.counted(this::signIn))
        .get("/api/sessions", this::whoAmI)
        .delete("/api/sessions", this::signOut)
        .get("/api/health", request -> Response.json(200, Map.of("status", "ok")))
        .build();
  }

  /// The id of the user whose session this token is; empty for any other text. Blocks on the
  /// database for a session that this process has not seen yet.
  ///
  /// @throws Refusal 503 when the database cannot be reached
  public Optional<String> userOf(String token) {
    return Token.parse(token).flatMap(sessions::userOf).map(Object::toString);
  }

  /// Stops hashing; requests that wait for a hash get 503. Harmless twice.
  @Override
  public void close() {
    hashing.close();
  }

  /// How tries ended since the start: by what was tried (`sign-in`, `sign-up`, `change-password`),
  /// then by end.
  public Map<String, Map<String, Long>> attempts() {
    return Map.of(
        "sign-in", signIns.byEnd(),
        "sign-up", signUps.byEnd(),
        "change-password", changes.byEnd());
  }

  /// Passwords that are being hashed now.
  public int hashing() {
    return hashing.computing();
  }

  /// What sessions are remembered by.
  public NearCache<?> sessionCache() {
    return sessions.cache();
  }

  long hashed() {
    return hashing.work();
  }

  private Response signUp(Request request) throws InterruptedException {
    Cookies.refuseForeign(request);
    Optional<Credentials> parsed;
    try {
      parsed = Credentials.parse(request.body());
    } catch (Refusal e) {
      throw e.problem().with("message", e.problem().detail()).refusal();
    }
    var credentials = parsed.orElseThrow(() -> said(Problem.badRequest(MUST_BE_PROVIDED)));
    var email =
        Email.plausible(credentials.email())
            .orElseThrow(
                () -> said(Problem.badField("email", "The email is not of the form name@domain.")));
    var objection = rules.objection(credentials.password(), email.key());
    if (objection.isPresent()) {
      throw said(Problem.badField("password", objection.get()));
    }
    refuseTaken(email, request.client());
    var id =
        store
            .addUser(email, hashing.hash(credentials.password()))
            .orElseThrow(() -> said(Problem.badRequest(ALREADY_EXISTS)));
    return Response.json(200, new SignedUp(id.toString(), email.given()));
  }

  record SignedUp(String id, String email) {}

  /// That an email is taken is a thing one may want to find out about others, so it costs the
  /// address a guess like a wrong password does.
  private void refuseTaken(Email email, InetSocketAddress client) {
    var guess = guessing.takeFrom(client);
    boolean taken = true;
    try {
      taken = store.isTaken(email);
    } catch (RuntimeException e) {
      guess.giveBack();
      throw e;
    }
    if (taken) {
      throw said(Problem.badRequest(ALREADY_EXISTS));
    }
    guess.giveBack();
  }

  private Response signIn(Request request) throws InterruptedException {
    Cookies.refuseForeign(request);
    var credentials =
        Credentials.parse(request.body())
            .orElseThrow(
                () -> Problem.unauthorized("An email and a password are needed.").refusal());
    var key = Email.keyOf(credentials.email());
    var browser = Cookies.device(request);
    var known = store.find(key, browser);
    var guess =
        guessing.take(
            request.client(),
            key,
            known.flatMap(user -> user.device() ? browser.map(Token::hash) : Optional.empty()));
    require(credentials.password(), known, guess, "Wrong email or password.");
    var user = known.orElseThrow();
    var session = Token.random(random);
    var device = browser.filter(store::isDevice).orElseGet(() -> Token.random(random));
    if (!sessions.start(user, session, Cookies.session(request), device)) {
      throw Problem.forbidden("Wrong email or password.").refusal();
    }
    strengthen(user, credentials.password());
    pruneNowAndThen();
    return Cookies.setDevice(Cookies.setSession(Response.empty(201), session), device);
  }

  /// Gives the guess back when the password was right or could not be checked.
  ///
  /// @throws Refusal 403 when it was wrong
  private void require(
      String password, Optional<AccountsStore.Known> user, Guessing.Guess guess, String otherwise)
      throws InterruptedException {
    boolean wrong = false;
    try {
      wrong = !hashing.matches(password, user.map(AccountsStore.Known::password));
    } finally {
      if (!wrong) {
        guess.giveBack();
      }
    }
    if (wrong) {
      throw Problem.forbidden(otherwise).refusal();
    }
  }

  /// Hashes a password anew that was hashed for less than what new ones cost: only now it is known.
  /// The sign-in has been stored by now and does not fail with it.
  private void strengthen(AccountsStore.Known user, String password) throws InterruptedException {
    if (!hashing.isCheap(user.password())) {
      return;
    }
    try {
      store.rehash(user, hashing.hash(password));
    } catch (RuntimeException e) {
      log.warn(
          "a password cannot be hashed anew: {}; trying again when its user signs in next",
          e.getMessage());
    }
  }

  /// Every session of the user ends, and this browser gets a new one: whoever else knew the old
  /// password, or holds a session that it gave, is out when this is answered.
  private Response changePassword(Request request) throws InterruptedException {
    Cookies.refuseForeign(request);
    var user = signedIn(request).flatMap(store::find).orElseThrow(Accounts::noSession);
    var change = PasswordChange.parse(request.body());
    var objection = rules.objection(change.fresh(), user.email());
    if (objection.isPresent()) {
      throw Problem.badField("new", objection.get()).refusal();
    }
    var guess = guessing.takeSignedIn(user.id());
    require(change.current(), Optional.of(user), guess, "The current password is wrong.");
    var session = Token.random(random);
    if (!sessions.changePassword(user, hashing.hash(change.fresh()), session)) {
      throw Problem.forbidden("The password has just been changed elsewhere.").refusal();
    }
    return Cookies.setSession(Response.empty(204), session);
  }

  private Response whoAmI(Request request) {
    return signedIn(request)
        .map(id -> Response.json(200, Map.of("userId", id.toString())))
        .map(answer -> answer.with("Cache-Control", "no-store"))
        .orElseThrow(Accounts::noSession);
  }

  private Optional<UUID> signedIn(Request request) {
    return Cookies.session(request).flatMap(sessions::userOf);
  }

  private static Refusal noSession() {
    return Problem.unauthorized("There is no session.").refusal();
  }

  private Response signOut(Request request) {
    Cookies.refuseForeign(request);
    var session = Cookies.session(request);
    return ended(() -> session.ifPresent(sessions::end));
  }

  private Response signOutEverywhere(Request request) {
    Cookies.refuseForeign(request);
    var user = signedIn(request).orElseThrow(Accounts::noSession);
    return ended(() -> sessions.endAll(user));
  }

  private static Response ended(Runnable end) {
    try {
      end.run();
    } catch (Refusal e) {
      throw e;
    } catch (RuntimeException e) {
      log.error("a session's end cannot be stored; the client is asked to try again", e);
      throw Problem.unavailable("The end of the session cannot be stored now.", 1).refusal();
    }
    return Cookies.clearSession(Response.empty(200));
  }

  /// Sessions only come by signing in, so pruning there keeps the table small without a thread of
  /// its own. The sign-in has been stored by now and does not fail with it.
  private void pruneNowAndThen() {
    long last = pruned.get();
    long now = nanos.getAsLong();
    if (now - last < PRUNE_EVERY.toNanos() || !pruned.compareAndSet(last, now)) {
      return;
    }
    try {
      store.prune(idle);
    } catch (RuntimeException e) {
      log.warn(
          "expired sessions cannot be removed: {}; trying again in {} s",
          e.getMessage(),
          PRUNE_EVERY.toSeconds());
    }
  }

  /// The older clients of this contract read `message`.
  private static Refusal said(Problem problem) {
    return problem.with("message", problem.detail()).refusal();
  }
}
