package dev.gatehouse.accounts;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The accounts service: sign up, sign in, who am I, sign out.
///
/// Every answer is read from Postgres, nothing about a session is cached here, so a session that
/// has ended is dead on every replica when its end is answered.
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
  private final PasswordRules rules = new PasswordRules();
  private final Hashing hashing;
  private final Guessing guessing;
  private final AtomicLong pruned;

  /// @param database migrated
  /// @param nanos monotonic nanoseconds, as of [System#nanoTime]
  public Accounts(
      AccountsSettings settings, Database database, SecureRandom random, LongSupplier nanos) {
    this.store = new AccountsStore(database);
    this.random = random;
    this.nanos = nanos;
    this.hashing = new Hashing(settings.hashThreads(), settings.hashQueue(), random);
    this.guessing = new Guessing(settings.account(), settings.address(), nanos);
    this.pruned = new AtomicLong(nanos.getAsLong() - PRUNE_EVERY.toNanos());
  }

  public Routes routes() {
    return Routes.builder()
        .post("/api/users", BODY_LIMIT, this::signUp)
        .post("/api/sessions", BODY_LIMIT, this::signIn)
        .get("/api/sessions", this::whoAmI)
        .delete("/api/sessions", this::signOut)
        .get("/api/health", request -> Response.json(200, Map.of("status", "ok")))
        .build();
  }

  /// The id of the user whose session this token is; empty for any other text. Blocks on the
  /// database, but not for a text that cannot be a token.
  ///
  /// @throws Refusal 503 when the database cannot be reached
  public Optional<String> userOf(String token) {
    return Token.parse(token).flatMap(store::userOf).map(Object::toString);
  }

  /// Stops hashing; requests that wait for a hash get 503. Harmless twice.
  @Override
  public void close() {
    hashing.close();
  }

  long hashes() {
    return hashing.computed();
  }

  private Response signUp(Request request) throws InterruptedException {
    CrossSite.refuse(request);
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
    var objection = rules.objection(credentials.password());
    if (objection.isPresent()) {
      throw said(Problem.badField("password", objection.get()));
    }
    if (store.isTaken(email)) {
      throw said(Problem.badRequest(ALREADY_EXISTS));
    }
    var id =
        store
            .addUser(email, hashing.hash(credentials.password()))
            .orElseThrow(() -> said(Problem.badRequest(ALREADY_EXISTS)));
    return Response.json(200, new SignedUp(id.toString(), email.given()));
  }

  record SignedUp(String id, String email) {}

  private Response signIn(Request request) throws InterruptedException {
    CrossSite.refuse(request);
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
    boolean wrong = false;
    try {
      wrong = !hashing.matches(credentials.password(), known.map(AccountsStore.Known::password));
    } finally {
      if (!wrong) {
        guess.giveBack();
      }
    }
    if (wrong) {
      throw Problem.forbidden("Wrong email or password.").refusal();
    }
    var session = Token.random(random);
    var device = browser.filter(store::isDevice).orElseGet(() -> Token.random(random));
    store.startSession(known.orElseThrow().id(), session, Cookies.session(request), device);
    pruneNowAndThen();
    return Cookies.setDevice(Cookies.setSession(Response.empty(201), session), device);
  }

  private Response whoAmI(Request request) {
    return Cookies.session(request)
        .flatMap(store::userOf)
        .map(id -> Response.json(200, Map.of("userId", id.toString())))
        .orElseThrow(() -> Problem.unauthorized("There is no session.").refusal());
  }

  private Response signOut(Request request) {
    CrossSite.refuse(request);
    var session = Cookies.session(request);
    try {
      session.ifPresent(store::endSession);
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
      store.prune();
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
