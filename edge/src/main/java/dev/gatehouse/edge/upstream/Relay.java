package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.OriginExchange;
import dev.gatehouse.http.OriginListener;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.OriginRequest;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Spans;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Carries one exchange to a replica and back; everything happens on the exchange's event loop.
///
/// Bodies stream both ways: whichever side cannot take more holds the other back, so the memory
/// used is a few buffers whatever the body's size. The client's body is asked for only when a
/// connection stands, so that a refused connection can always be retried. After the answer's head
/// went out nothing is retried: a failure cuts the client's connection, and a cut answer can never
/// look complete.
///
/// A try ends in one of four ways: the answer is passed on, the try failed, its answer is one of
/// those that another replica may do better, or it takes so long that another one is asked. Each
/// gives the replica's place back exactly once, in [#letGo].
public final class Relay extends Ask implements OriginListener, Upload.Watcher {
  /// The second retry waits up to this long, the third twice that, and so on; the first goes to
  /// another replica at once.
  private static final int BACKOFF_MILLIS = 25;

  private final Visit visit;
  private final Exchange client;
  private final Upstream upstream;
  private final OriginPools pools;
  private final Forwarding forwarding;
  private final BiConsumer<Failure, String> onFailure;
  private final Reply reply;

  /// What the edge shows to the origin; null: nothing of its own.
  private final @Nullable Bearer bearer;

  private @Nullable Replica replica;
  private @Nullable OriginExchange origin;
  private @Nullable Upload upload;
  private @Nullable Future<?> timer;
  private boolean waiting;
  private boolean unflushed;
  private boolean slow;

  /// Whether the present try is to find out if a replica that was put out is well again.
  private boolean trial;

  /// The present try's part of a sampled trace.
  private Spans.@Nullable Open span;

  private boolean renewed;
  private int retries;

  /// When the request was complete, as far as it is: the total timeout counts from here.
  private long asked;

  /// When the present try was sent.
  private long began;

  /// @param onFailure hears of every try that failed, with the detail for the log
  /// @param reply gets the answer
  public Relay(
      Visit visit,
      Upstream upstream,
      OriginPools pools,
      Forwarding forwarding,
      BiConsumer<Failure, String> onFailure,
      Reply reply) {
    this.visit = visit;
    this.client = visit.exchange();
    this.upstream = upstream;
    this.pools = pools;
    this.forwarding = forwarding;
    this.onFailure = onFailure;
    this.reply = reply;
    var tokens = upstream.tokens();
    this.bearer = tokens.isPresent() ? new Bearer(tokens.get(), client.loop()) : null;
  }

  /// Begins; the exchange's end is the relay's.
  public void start() {
    if (declared() > limit()) {
      refuseTooLarge();
      return;
    }
    reply.onWritable(this::replyWritable);
    asked = upstream.now();
    visit.steps().arrived(asked);
    if (upstream.admits(asked)) {
      if (bearer == null) {
        attempt(asked);
      } else {
        bearer.get(this::tokenIsThere);
      }
    } else {
      onFailure.accept(Failure.BREAKER_OPEN, "the breaker of " + upstream.name() + " is open");
      refuse(Failure.BREAKER_OPEN, upstream.retryAfter(asked));
    }
  }

  private void tokenIsThere(Optional<Throwable> failure) {
    if (reply.done()) {
      return;
    }
    if (failure.isPresent()) {
      onFailure.accept(Failure.NO_TOKEN, failure.get().toString());
      refuse(Failure.NO_TOKEN, 1);
    } else {
      attempt(upstream.now());
    }
  }

  private void showAnother(Bearer to) {
    discardAnswer();
    letGo();
    holdBody();
    to.getAnother(this::tokenIsThere);
  }

  /// The client is gone, or the exchange is over: let go of the origin.
  public void over() {
    forgetBody();
    cancelTimer();
    if (waiting && upstream.unqueue(this, false)) {
      waiting = false;
    }
    var to = origin;
    origin = null;
    if (to != null) {
      to.cancel();
    }
    letGo();
  }

  /// The length the client announces; 0 when it does not. One with more digits than a long has is
  /// over any limit.
  private long declared() {
    var length = visit.head().headers().get("Content-Length");
    if (length == null) {
      return 0;
    }
    return length.length() > 18 ? Long.MAX_VALUE : Long.parseLong(length);
  }

  private long limit() {
    return visit.route().bodyLimit().orElse(Long.MAX_VALUE);
  }

  private void refuseTooLarge() {
    if (reply.started()) {
      reply.abort();
    } else {
      reply.refuse(Failure.CLIENT_TOO_LARGE, Problem.tooLarge(limit()));
    }
  }

  // --- a replica for it ---

  private void attempt(long now) {
    var next = upstream.take(this, now);
    if (next != null) {
      send(next, false, now);
    } else if (upstream.hopeless(this, now)) {
      refuseWithoutReplica();
    } else if (upstream.queue(this)) {
      waiting = true;
      timer =
          client
              .loop()
              .schedule(
                  this::waitedTooLong,
                  upstream.settings().crowd().patience().toNanos(),
                  TimeUnit.NANOSECONDS);
    } else {
      onFailure.accept(Failure.QUEUE_FULL, "the queue of " + upstream.name() + " is full");
      refuse(Failure.QUEUE_FULL, 1);
    }
  }

  private void waitedTooLong() {
    // If it is not in the queue any more, its call is on the way.
    if (waiting && upstream.unqueue(this, true)) {
      waiting = false;
      onFailure.accept(Failure.QUEUE_TIMEOUT, "no place at " + upstream.name() + " became free");
      refuse(Failure.QUEUE_TIMEOUT, 1);
    }
  }

  @Override
  void seat(@Nullable Replica given) {
    waiting = false;
    cancelTimer();
    if (reply.done()) {
      if (given != null) {
        upstream.done(given);
      }
    } else if (given == null) {
      refuseWithoutReplica();
    } else {
      send(given, false, upstream.now());
    }
  }

  @Override
  void onItsLoop(Runnable action) {
    client.loop().execute(action);
  }

  @Override
  Ask.Need least() {
    return switch (visit.route().allDown()) {
      case FAIL_CLOSED -> Ask.Need.WELL;
      case STALE -> Ask.Need.CHECKED;
      case FAIL_OPEN -> Ask.Need.PRESENT;
    };
  }

  @Override
  long hash() {
    return Affinity.hash(upstream.settings().balance(), visit);
  }

  @Override
  String stuckTo() {
    return Affinity.stuckTo(upstream.settings().balance(), visit);
  }

  // --- one try ---

  private void send(Replica to, boolean fresh, long now) {
    replica = to;
    slow = false;
    trial = to.ejected();
    began = now;
    visit.steps().sent(to.id(), now);
    if (client.trace().isPresent()) {
      span = span(to);
    }
    var head = visit.head();
    pools.send(
        client.loop(),
        to.origin(),
        new OriginRequest(
            head.method(),
            head.target().raw(),
            fields(to),
            head.hasBody(),
            visit.route().connectTimeout(),
            retries == 0 ? visit.route().timeout() : timeLeft(now)),
        fresh,
        this);
  }

  private Spans.@Nullable Open span(Replica to) {
    return Spans.begin(
            client.trace(), Spans.Kind.CLIENT, visit.head().method() + " " + upstream.name())
        .map(open ->
            open.with("server.address", to.origin().address()).with("gatehouse.replica", to.id()))
        .orElse(null);
  }

  private HttpHeaders fields(Replica to) {
    var fields = forwarding.toOrigin(visit, upstream, to.origin());
    if (bearer != null) {
      bearer.addTo(fields);
    }
    var open = span;
    if (open != null) {
      fields.set("traceparent", open.trace().header());
    }
    return fields;
  }

  /// Of the total timeout, for one more try.
  private Duration timeLeft(long now) {
    var body = upload;
    if (body != null && !body.ended()) {
      return visit.route().timeout();
    }
    return visit.route().timeout().minusNanos(now - asked);
  }

  /// The try is over: its place is somebody else's.
  private void letGo() {
    var from = replica;
    replica = null;
    if (from != null) {
      upstream.done(from);
    }
    var open = span;
    span = null;
    if (open != null) {
      open.end();
    }
  }

  // --- from the origin ---

  @Override
  public void connected(OriginExchange exchange) {
    if (reply.done()) {
      exchange.cancel();
      letGo();
      return;
    }
    origin = exchange;
    if (!visit.head().hasBody()) {
      var perTry = upstream.settings().retries().perTry();
      if (perTry.isPresent() && Repeatable.isSafe(visit.head())) {
        exchange.overdueAfter(perTry.get());
      }
      return;
    }
    exchange.flush();
    var before = upload;
    if (before == null) {
      var body = new Upload(client, limit(), this);
      upload = body;
      client.receiveWithoutContinue(body);
    } else {
      before.replay(exchange);
    }
  }

  @Override
  public void informational(int status, HttpHeaders headers) {
    reply.informational(status, Forwarding.toClient(headers));
  }

  @Override
  public void head(int status, HttpHeaders headers) {
    if (reply.done()) {
      over();
      return;
    }
    var from = replica;
    if (from == null) {
      throw new IllegalStateException("an answer from nowhere");
    }
    long now = upstream.now();
    if (span != null) {
      span.with("http.response.status_code", status);
    }
    if (!slow) {
      upstream.answered(from, status, began, now);
    }
    if (bearer != null
        && bearer.mayGetAnother(status)
        && replayable()
        && visit.route().retry() != Route.Retry.OFF) {
      showAnother(bearer);
      return;
    }
    if (status >= 400 && upstream.worthAnother(status, trial) && anotherFor(from, true, now)) {
      discardAnswer();
      onFailure.accept(Failure.ORIGIN_ERROR, from.id() + " answered " + status);
      letGo();
      again(now);
      return;
    }
    forgetBody();
    visit.steps().answered(now);
    var answer = Forwarding.toClient(headers);
    Affinity.stick(upstream.settings().balance(), visit, answer, from);
    reply.start(status, answer);
    unflushed = true;
  }

  private void discardAnswer() {
    var to = origin;
    origin = null;
    if (to != null) {
      to.discard();
    }
  }

  @Override
  public void data(ByteBuf piece) {
    reply.write(piece);
    unflushed = true;
    if (!reply.writable() && origin != null) {
      origin.pause();
    }
  }

  @Override
  public void end(HttpHeaders trailers) {
    origin = null;
    unflushed = false;
    letGo();
    reply.finish(trailers);
  }

  @Override
  public void pausePoint() {
    if (unflushed) {
      unflushed = false;
      reply.flush();
    }
  }

  @Override
  public void writable() {
    client.resumeBody();
  }

  /// The answer has not begun in the time of one try. It is given up only when another replica is
  /// asked: else a slow answer is better than none.
  @Override
  public void overdue() {
    var failing = replica;
    var to = origin;
    if (failing == null || to == null || reply.done() || reply.started()) {
      return;
    }
    long now = upstream.now();
    slow = true;
    upstream.overdue(failing, began, now);
    if (anotherFor(failing, false, now)) {
      origin = null;
      to.cancel();
      onFailure.accept(Failure.ORIGIN_SILENT, failing.id() + " takes too long");
      letGo();
      again(now);
    }
  }

  @Override
  public void failed(Failure failure, String detail) {
    origin = null;
    if (span != null) {
      span.with("error.type", failure.slug()).failed(failure.sentence());
    }
    var failing = replica;
    if (reply.done() || failing == null) {
      letGo();
      return;
    }
    onFailure.accept(failure, detail);
    long now = upstream.now();
    upstream.failed(failing, failure, began, now);
    letGo();
    if (reply.started()) {
      reply.abort();
    } else {
      recover(failure, failing, now);
    }
  }

  private void recover(Failure failure, Replica failing, long now) {
    boolean safe = failure.retry() == Failure.Retry.SAFE;
    boolean allowed =
        safe
            ? replayable() && visit.route().retry() != Route.Retry.OFF
            : failure.retry() == Failure.Retry.IF_IDEMPOTENT
                && failure != Failure.ORIGIN_SILENT // the total time is over
                && repeatable();
    if (!allowed) {
      refuse(failure, 1);
    } else if (safe) {
      noteTried(failing);
      if (!upstream.hopeless(this, now)) {
        holdBody();
        attempt(now);
      } else if (upstream.own()) {
        refuseWithoutReplica();
      } else {
        refuse(failure, 1);
      }
    } else if (anotherFor(failing, false, now)) {
      again(now);
    } else if (!upstream.own() && retries == 0 && !renewed && upstream.hopeless(this, now)) {
      // A single origin closed a kept-alive connection just as we used it: once more on a new one.
      renewed = true;
      holdBody();
      if (failing.enter(0)) {
        send(failing, true, now);
      }
    } else if (upstream.own() && upstream.hopeless(this, now)) {
      refuseWithoutReplica();
    } else {
      refuse(failure, 1);
    }
  }

  // --- another try ---

  /// Whether the request, of which something was sent, may go to another replica, and there is one;
  /// takes the retry out of the budget.
  private boolean anotherFor(Replica failing, boolean answered, long now) {
    if (!repeatable() || retries + 1 >= upstream.settings().retries().tries()) {
      return false;
    }
    noteTried(failing);
    return !upstream.hopeless(this, now) && upstream.affords(answered, now);
  }

  private void again(long now) {
    retries++;
    holdBody();
    if (retries == 1) {
      attempt(now);
      return;
    }
    int wait = 1 + upstream.draw(BACKOFF_MILLIS << (retries - 2));
    timer =
        client
            .loop()
            .schedule(
                () -> {
                  timer = null;
                  if (!reply.done()) {
                    attempt(upstream.now());
                  }
                },
                wait,
                TimeUnit.MILLISECONDS);
  }

  /// Whether the same request may be carried out twice, and is still here as a whole.
  private boolean repeatable() {
    return replayable()
        && Repeatable.is(visit.route(), upstream.settings().retries(), visit.head());
  }

  private boolean replayable() {
    return upload == null || upload.kept();
  }

  /// Nothing of the body may come while there is nobody to take it.
  private void holdBody() {
    if (upload != null && !upload.ended()) {
      client.pauseBody();
    }
  }

  private void forgetBody() {
    if (upload != null) {
      upload.forget();
    }
  }

  private void cancelTimer() {
    var set = timer;
    timer = null;
    if (set != null) {
      set.cancel(false);
    }
  }

  // --- no answer ---

  private void refuseWithoutReplica() {
    onFailure.accept(Failure.NO_REPLICA, "no replica of " + upstream.name() + " is up");
    refuse(Failure.NO_REPLICA, 1);
  }

  private void refuse(Failure failure, long retryAfter) {
    forgetBody();
    reply.refuse(failure, NoAnswer.problem(upstream.name(), failure, retryAfter));
  }

  // --- from the client ---

  private void replyWritable() {
    if (origin != null) {
      origin.resume();
    }
  }

  @Override
  public @Nullable OriginExchange origin() {
    return origin;
  }

  @Override
  public void uploaded() {
    asked = upstream.now();
  }

  @Override
  public void tooLarge() {
    over();
    refuseTooLarge();
  }

  @Override
  public void aborted() {
    over();
  }
}
