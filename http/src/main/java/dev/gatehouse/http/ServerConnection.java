package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One client's connection: hands its requests on one at a time, in order, and answers them in that
/// order.
///
/// Everything runs on the connection's event loop. What the decoder produced and nobody takes yet
/// waits in `queue`: the rest of a body whose exchange is paused, or pipelined requests behind the
/// one being answered. When the queue is long, reading stops, so a client can never make us hold
/// more than a few buffers. While an exchange is in progress we keep reading otherwise, because
/// that is how we learn that the client left.
final class ServerConnection extends ChannelInboundHandlerAdapter implements Deadlines.Watched {
  private static final Logger LOG = LoggerFactory.getLogger(ServerConnection.class);

  /// Decoded messages (a body piece is at most 16 KiB) that may wait before reading stops.
  private static final int QUEUE_LIMIT = 16;

  /// An unread body up to this size is read and thrown away to keep the connection; a larger one
  /// closes it.
  private static final long DRAIN_LIMIT = 64 * 1024;

  /// How long a closing connection goes on reading, so that a reset does not destroy the answer on
  /// its way.
  private static final long LINGER_NANOS = 2_000_000_000L;

  private final HttpServer server;
  private final HttpServer.Listener listener;
  private final Channel channel;
  private final Deadlines deadlines;
  private final ArrayDeque<Object> queue = new ArrayDeque<>(4);

  private @Nullable ChannelHandlerContext ctx;
  private @Nullable ChannelHandlerContext encoder;
  private @Nullable Exchange current;
  private String peerText = "";

  /// Whose the connection is, where a PROXY header says so.
  private @Nullable InetSocketAddress client;

  private boolean somebodys;
  private boolean pumping;
  private boolean produced;
  private boolean discarding;
  private long drained;
  private long deadline;
  private long progress;

  ServerConnection(HttpServer server, HttpServer.Listener listener, Channel channel) {
    this.server = server;
    this.listener = listener;
    this.channel = channel;
    this.deadlines = Deadlines.of(channel.eventLoop());
  }

  /// Knows, as Netty's own server codec does, that the answer to `HEAD` has no body whatever its
  /// length says.
  final class Encoder extends HttpResponseEncoder {
    @Override
    protected boolean isContentAlwaysEmpty(HttpResponse message) {
      var exchange = current;
      return (exchange != null
              && exchange.head().method().equals("HEAD")
              && message.status().code() >= 200)
          || super.isContentAlwaysEmpty(message);
    }
  }

  /// Who is connected, or on whose behalf a trusted proxy is.
  InetSocketAddress peer() {
    var told = client;
    return told == null ? (InetSocketAddress) channel.remoteAddress() : told;
  }

  /// A trusted proxy says whose this connection is, before its first request.
  void comesFrom(InetSocketAddress told) {
    client = told;
  }

  /// A trusted proxy says that this connection is a client's, and cannot say whose.
  void comesFromSomebody() {
    somebodys = true;
  }

  /// Whether the connection is a client's that nobody knows: [#peer] is only who brought it.
  boolean somebodys() {
    return somebodys;
  }

  /// The peer's address as text, made once: every proxied request names it.
  String peerText() {
    var text = peerText;
    if (text.isEmpty()) {
      var address = peer().getAddress();
      text = address == null ? "unknown" : address.getHostAddress();
      peerText = text;
    }
    return text;
  }

  String listener() {
    return listener.name();
  }

  boolean cameBy(HttpServer.Listener other) {
    return listener == other;
  }

  EventLoop loop() {
    return channel.eventLoop();
  }

  boolean writable() {
    return channel.isWritable();
  }

  boolean draining() {
    return server.draining() || listener.closing();
  }

  CharSequence date() {
    return HttpDate.of(deadlines.now());
  }

  // --- life ---

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    server.opened(this);
    deadlines.watch(this);
    deadline = deadlines.now() + server.limits().idleTimeout().toNanos();
    if (channel.remoteAddress() == null) {
      // It was reset before we looked at it, as some health checks do: io_uring knows no peer then.
      discarding = true;
      context.close();
    }
    context.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    server.closed(this);
    deadlines.forget(this);
    discarding = true;
    releaseQueue();
    var exchange = current;
    current = null;
    if (exchange != null) {
      exchange.lost();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!(cause instanceof IOException)) {
      LOG.warn("connection from {} broke: {}; it is closed", peer(), cause.toString(), cause);
    }
    context.close();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    progress = deadlines.now();
    if (context.channel().isWritable() && current != null) {
      current.writabilityChanged();
    }
  }

  /// Closes now if nothing is in flight; otherwise the response in flight is the last.
  void drain() {
    loop()
        .execute(() -> {
          if (current == null && queue.isEmpty()) {
            channel.close();
          }
        });
  }

  void cut() {
    channel.close();
  }

  @Override
  public void tick(long now) {
    if (current == null || discarding) {
      if (deadline != 0 && now - deadline > 0) {
        if (!discarding && partialHead()) {
          refuse(
              new Problem(
                  408,
                  "request-timeout",
                  "Request timeout",
                  "The request's head did not arrive in time."),
              RequestIds.fresh());
        } else {
          channel.close();
        }
      }
      return;
    }
    boolean waiting = !channel.isWritable() || current.wantsBody();
    if (waiting && now - progress > server.limits().stallTimeout().toNanos()) {
      channel.close();
    }
  }

  // --- reading ---

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    produced = true;
    if (discarding) {
      ReferenceCountUtil.release(message);
      return;
    }
    progress = deadlines.now();
    queue.add(message);
    pump();
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (!produced && current == null && !discarding && !headStarted) {
      headStarted = true;
      deadline = deadlines.now() + server.limits().headTimeout().toNanos();
    }
    produced = false;
  }

  private boolean headStarted;

  private boolean partialHead() {
    return headStarted;
  }

  /// Hands on whatever can be taken now.
  void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    try {
      while (!discarding) {
        var message = queue.peek();
        if (message == null) {
          break;
        }
        if (message instanceof HttpRequest request) {
          if (current != null) {
            break;
          }
          queue.poll();
          begin(request);
        } else if (current == null) {
          queue.poll();
          ReferenceCountUtil.release(message);
        } else if (current.accepts()) {
          queue.poll();
          take(current, (HttpContent) message);
        } else {
          break;
        }
      }
    } finally {
      pumping = false;
    }
    boolean room = queue.size() < QUEUE_LIMIT;
    if (channel.config().isAutoRead() != room) {
      channel.config().setAutoRead(room);
    }
  }

  private void begin(HttpRequest request) {
    headStarted = false;
    var id = RequestIds.of(request.headers().get("X-Request-Id"));
    RequestHead head;
    try {
      head = Framing.check(request, server.limits());
    } catch (Refusal refusal) {
      ReferenceCountUtil.release(request);
      refuse(refusal.problem(), id);
      return;
    }
    server.came(head);
    boolean http10 = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    var exchange = new Exchange(this, head, id, http10, HttpUtil.isKeepAlive(request));
    current = exchange;
    drained = 0;
    deadline = 0;
    try {
      server.handler().handle(exchange);
    } catch (Refusal refusal) {
      fail(exchange, refusal.problem());
    } catch (RuntimeException e) {
      LOG.error("request {} failed on the event loop; the client gets a 500", id, e);
      fail(exchange, Problem.internal());
    }
  }

  private static void fail(Exchange exchange, Problem problem) {
    if (exchange.started()) {
      exchange.abort();
    } else {
      exchange.send(problem.response(exchange.requestId()));
    }
  }

  private void take(Exchange exchange, HttpContent content) {
    if (content.decoderResult().isFailure()) {
      content.release();
      if (exchange.started()) {
        exchange.abort();
      } else {
        exchange.lost();
        current = null;
        refuse(
            new Problem(400, "bad-framing", "Bad request", "The body's framing is broken."),
            exchange.requestId());
      }
      return;
    }
    if (exchange.done()) {
      drained += content.content().readableBytes();
    }
    exchange.content(content);
    if (exchange.done()) {
      if (exchange.bodyEnded()) {
        next();
      } else if (drained > DRAIN_LIMIT) {
        linger();
      }
    }
  }

  // --- writing ---

  void write(Object message) {
    context().write(message, channel.voidPromise());
  }

  /// Whether bytes that are a response already can be written: not where another codec stands.
  boolean takesBytes() {
    if (encoder == null) {
      encoder = channel.pipeline().context(Encoder.class);
    }
    return encoder != null;
  }

  ByteBuf buffer(int size) {
    return channel.alloc().directBuffer(size);
  }

  /// Writes bytes past the encoder, which must be between two responses.
  void writeBytes(ByteBuf bytes) {
    var past = encoder;
    if (past == null) {
      throw new IllegalStateException("there is no encoder to pass");
    }
    past.write(bytes, channel.voidPromise());
  }

  void flush() {
    context().flush();
  }

  void writeAndFlush(Object message) {
    context().writeAndFlush(message, channel.voidPromise());
  }

  /// The response of `exchange` has been written to its end.
  void responded(Exchange exchange, boolean keepAlive) {
    context().flush();
    progress = deadlines.now();
    if (!keepAlive) {
      if (exchange.bodyEnded() || !exchange.head().hasBody()) {
        current = null;
        discarding = true;
        releaseQueue();
        channel
            .writeAndFlush(io.netty.buffer.Unpooled.EMPTY_BUFFER)
            .addListener(ChannelFutureListener.CLOSE);
      } else {
        linger();
      }
      return;
    }
    if (exchange.bodyEnded()) {
      next();
    } else {
      // The rest of the body is thrown away as it comes; see take().
      pump();
    }
  }

  private void next() {
    current = null;
    if (draining() && queue.isEmpty()) {
      channel.close();
      return;
    }
    deadline = deadlines.now() + server.limits().idleTimeout().toNanos();
    pump();
  }

  private void refuse(Problem problem, String id) {
    server.refused(problem.status());
    var response = problem.response(id).with("X-Request-Id", id).with("Connection", "close");
    var message =
        new io.netty.handler.codec.http.DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            io.netty.handler.codec.http.HttpResponseStatus.valueOf(response.status()),
            io.netty.buffer.Unpooled.wrappedBuffer(response.body()));
    for (var field : response.headers()) {
      message.headers().add(field.name(), field.value());
    }
    message.headers().set(HttpHeaderNames.CONTENT_LENGTH, response.body().length);
    message.headers().set(HttpHeaderNames.DATE, date());
    context().writeAndFlush(message, channel.voidPromise());
    linger();
  }

  /// Ends our side, then reads and throws away for a moment: closing with unread bytes would reset
  /// the connection and could destroy the answer before the client has read it.
  private void linger() {
    current = null;
    discarding = true;
    releaseQueue();
    channel.config().setAutoRead(true);
    deadline = deadlines.now() + LINGER_NANOS;
    // Only once the answer is out: io_uring writes later than it shuts down.
    channel
        .writeAndFlush(io.netty.buffer.Unpooled.EMPTY_BUFFER)
        .addListener(written -> ((DuplexChannel) channel).shutdownOutput());
  }

  private void releaseQueue() {
    queue.forEach(ReferenceCountUtil::release);
    queue.clear();
  }

  private ChannelHandlerContext context() {
    var context = ctx;
    if (context == null) {
      throw new IllegalStateException("the connection is not set up");
    }
    return context;
  }
}
