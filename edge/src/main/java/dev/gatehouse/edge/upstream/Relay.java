package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.BodySink;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.OriginExchange;
import dev.gatehouse.http.OriginListener;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.OriginRequest;
import dev.gatehouse.http.Problem;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Carries one exchange to a replica and back; everything happens on the exchange's event loop.
///
/// Bodies stream both ways: whichever side cannot take more holds the other back, so the memory
/// used is a few buffers whatever the body's size. The client's body is asked for only when a
/// connection stands, so that a refused connection can always be retried. After the answer's head
/// went out nothing is retried: a failure cuts the client's connection, and a cut answer can never
/// look complete.
public final class Relay implements OriginListener {
  private static final Set<String> IDEMPOTENT = Set.of("GET", "HEAD", "PUT", "DELETE", "OPTIONS");

  /// A body up to this size is kept until the answer begins, so that a failed try can be repeated.
  private static final int REPLAY_LIMIT = 64 * 1024;

  private final Visit visit;
  private final Exchange client;
  private final Upstream upstream;
  private final OriginPools pools;
  private final Forwarding forwarding;
  private final BiConsumer<Failure, String> onFailure;
  private final Reply reply;

  private Set<String> tried = Set.of();
  private @Nullable Replica replica;
  private @Nullable OriginExchange origin;
  private @Nullable Upload upload;
  private boolean unflushed;

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
  }

  /// Begins; the exchange's end is the relay's.
  public void start() {
    if (declared() > limit()) {
      tooLarge();
      return;
    }
    reply.onWritable(this::replyWritable);
    attempt(false);
  }

  /// The client is gone, or the exchange is over: let go of the origin.
  public void over() {
    forgetBody();
    var to = origin;
    origin = null;
    if (to != null) {
      to.cancel();
    }
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

  private void tooLarge() {
    if (reply.started()) {
      reply.abort();
    } else {
      reply.refuse(Failure.CLIENT_TOO_LARGE, Problem.tooLarge(limit()));
    }
  }

  private void attempt(boolean fresh) {
    var next = upstream.next(tried);
    if (next.isEmpty()) {
      onFailure.accept(Failure.NO_REPLICA, "no replica of " + upstream.name() + " is up");
      refuse(Failure.NO_REPLICA);
      return;
    }
    send(next.get(), fresh);
  }

  private void send(Replica to, boolean fresh) {
    replica = to;
    var head = visit.head();
    pools.send(
        client.loop(),
        to.origin(),
        new OriginRequest(
            head.method(),
            head.target().raw(),
            forwarding.toOrigin(visit, to.origin(), upstream.own()),
            head.hasBody(),
            visit.route().connectTimeout(),
            visit.route().timeout()),
        fresh,
        this);
  }

  // --- from the origin ---

  @Override
  public void connected(OriginExchange exchange) {
    if (reply.done()) {
      exchange.cancel();
      return;
    }
    origin = exchange;
    if (visit.head().hasBody()) {
      exchange.flush();
      var before = upload;
      if (before == null) {
        var body = new Upload();
        upload = body;
        client.receiveWithoutContinue(body);
      } else {
        before.replay(exchange);
      }
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
    forgetBody();
    reply.start(status, Forwarding.toClient(headers));
    unflushed = true;
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

  @Override
  public void failed(Failure failure, String detail) {
    origin = null;
    if (reply.done()) {
      return;
    }
    onFailure.accept(failure, detail);
    var failing = replica;
    if (failing != null && countsAgainst(failure)) {
      upstream.lost(failing, failure.sentence());
    }
    if (reply.started()) {
      reply.abort();
    } else if (failing != null && mayRetry(failure)) {
      if (tried.isEmpty()) {
        tried = new HashSet<>();
      }
      tried.add(failing.id());
      if (upstream.own() || upstream.next(tried).isPresent()) {
        attempt(false);
      } else if (failure == Failure.ORIGIN_RESET && tried.size() == 1) {
        // A single origin closed a kept-alive connection just as we used it: once more on a new
        // one.
        tried.add("");
        send(failing, true);
      } else {
        refuse(failure);
      }
    } else {
      refuse(failure);
    }
  }

  private boolean replayable() {
    return upload == null || upload.kept();
  }

  private void forgetBody() {
    if (upload != null) {
      upload.forget();
    }
  }

  private static boolean countsAgainst(Failure failure) {
    return switch (failure) {
      case ORIGIN_REFUSED,
          ORIGIN_RESET,
          ORIGIN_UNREACHABLE,
          ORIGIN_CONNECT_TIMEOUT,
          ORIGIN_TRUNCATED ->
          true;
      default -> false;
    };
  }

  private boolean mayRetry(Failure failure) {
    return switch (failure.retry()) {
      case SAFE -> replayable();
      case IF_IDEMPOTENT ->
          replayable()
              && visit.route().retry() == Route.Retry.IDEMPOTENT
              && IDEMPOTENT.contains(visit.head().method());
      case NEVER -> false;
    };
  }

  private void refuse(Failure failure) {
    var problem =
        new Problem(
                failure.status(),
                failure.slug(),
                failure == Failure.NO_REPLICA ? "No replica is up" : "The upstream failed",
                "The request to '" + upstream.name() + "' failed: " + failure.sentence() + ".")
            .with("blame", failure.blame().name().toLowerCase(java.util.Locale.ROOT));
    if (failure.status() == 503) {
      problem = problem.header("Retry-After", "1");
    }
    reply.refuse(failure, problem);
  }

  // --- from the client ---

  private void replyWritable() {
    if (origin != null) {
      origin.resume();
    }
  }

  /// The client's body on its way to the origin; its beginning is kept so that a failed try can be
  /// repeated.
  private final class Upload implements BodySink {
    private final List<ByteBuf> kept = new ArrayList<>(1);
    private boolean keeping = true;
    private boolean ended;
    private HttpHeaders trailers = EmptyHttpHeaders.INSTANCE;
    private long bytes;

    /// Whether everything that came so far is still here.
    boolean kept() {
      return keeping;
    }

    void forget() {
      keeping = false;
      kept.forEach(ByteBuf::release);
      kept.clear();
    }

    void replay(OriginExchange to) {
      for (var piece : kept) {
        to.write(piece.retainedDuplicate());
      }
      if (ended) {
        to.finish(trailers);
      } else {
        to.flush();
        client.resumeBody();
      }
    }

    @Override
    public void data(ByteBuf piece) {
      bytes += piece.readableBytes();
      if (bytes > limit()) {
        piece.release();
        over();
        tooLarge();
        return;
      }
      if (keeping && bytes <= REPLAY_LIMIT) {
        kept.add(piece.retainedDuplicate());
      } else if (keeping) {
        forget();
      }
      var to = origin;
      if (to == null) {
        piece.release();
        return;
      }
      to.write(piece);
      to.flush();
      if (!to.writable()) {
        client.pauseBody();
      }
    }

    @Override
    public void end(HttpHeaders last) {
      ended = true;
      trailers = last;
      if (origin != null) {
        origin.finish(last);
      }
    }

    @Override
    public void aborted() {
      over();
    }
  }
}
