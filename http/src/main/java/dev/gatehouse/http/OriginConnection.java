package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequestEncoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// One connection to an origin, carrying one exchange at a time; confined to its event loop.
///
/// It goes back to its pool only when request and response are both complete and both sides mean to
/// keep it. Anything else (an early answer, bytes nobody asked for, a cancelled exchange) closes
/// it: a connection whose framing is in doubt is never used again. It goes back only at the end of
/// the read that brought the answer's end, so that what lies behind the answer in the same read is
/// never taken for the next one's.
///
/// Whoever closes it takes it out of its pool first: io_uring calls a channel active until its read
/// is cancelled, and a request sent there in between would be lost.
final class OriginConnection extends ChannelInboundHandlerAdapter
    implements OriginExchange, Deadlines.Watched {
  private static final int MAX_LINE = 16 * 1024;
  private static final int MAX_HEADERS = 64 * 1024;

  private final OriginPools.PerLoop pool;
  private final Origin origin;
  private final long stallNanos;

  private @Nullable ChannelHandlerContext ctx;
  private @Nullable Deadlines deadlines;
  private @Nullable OriginListener listener;
  private boolean headRequest;
  private boolean reused;
  private boolean requestDone;
  private boolean headSeen;
  private boolean keep;
  private boolean paused;

  /// The exchange is over and nothing came behind it so far.
  private boolean returning;

  private long headTimeout;

  /// When to tell that there is no head yet; 0 for never.
  private long overdue;

  /// When to give up: the idle connection, the missing head, or the stalled body; 0 for never.
  private long deadline;

  OriginConnection(OriginPools.PerLoop pool, Origin origin, Duration stallTimeout) {
    this.pool = pool;
    this.origin = origin;
    this.stallNanos = stallTimeout.toNanos();
  }

  /// Knows whether the answer belongs to a `HEAD`, and refuses what could be read in two ways.
  private final class Decoder extends HttpResponseDecoder {
    Decoder() {
      super(config());
    }

    private static HttpDecoderConfig config() {
      return StrictRequestDecoder.config(MAX_LINE, MAX_HEADERS);
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage message) {
      if (headRequest
          && message instanceof HttpResponse response
          && response.status().code() >= 200) {
        return true;
      }
      return super.isContentAlwaysEmpty(message);
    }

    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
      throw new IllegalArgumentException("both Transfer-Encoding and Content-Length");
    }
  }

  void install(Channel channel) {
    channel.pipeline().addLast(new HttpRequestEncoder()).addLast(new Decoder()).addLast(this);
  }

  Origin origin() {
    return origin;
  }

  boolean usable() {
    return context().channel().isActive();
  }

  void close() {
    returning = false;
    pool.forget(this);
    context().close();
  }

  void idleUntil(Duration timeout) {
    deadline = deadlines().now() + timeout.toNanos();
  }

  /// Starts an exchange: sends the head and, when nothing follows, the whole request.
  void exchange(OriginRequest request, OriginListener to, boolean pooled) {
    listener = to;
    reused = pooled;
    headRequest = request.method().equals("HEAD");
    requestDone = !request.streamed();
    headSeen = false;
    keep = true;
    paused = false;
    overdue = 0;
    headTimeout = request.headTimeout().toNanos();
    deadline = deadlines().now() + (requestDone ? headTimeout : stallNanos);
    var method = HttpMethod.valueOf(request.method());
    if (request.streamed()) {
      context()
          .write(
              new DefaultHttpRequest(
                  HttpVersion.HTTP_1_1, method, request.target(), request.headers()),
              context().voidPromise());
    } else {
      context()
          .writeAndFlush(
              new DefaultFullHttpRequest(
                  HttpVersion.HTTP_1_1,
                  method,
                  request.target(),
                  Unpooled.EMPTY_BUFFER,
                  request.headers(),
                  EmptyHttpHeaders.INSTANCE),
              context().voidPromise());
    }
    to.connected(this);
  }

  // --- sending ---

  @Override
  public void write(ByteBuf piece) {
    if (listener == null) {
      piece.release();
      return;
    }
    deadline = deadlines().now() + stallNanos;
    context().write(new DefaultHttpContent(piece), context().voidPromise());
  }

  @Override
  public void flush() {
    context().flush();
  }

  @Override
  public void finish(HttpHeaders trailers) {
    if (listener == null) {
      return;
    }
    requestDone = true;
    if (!headSeen) {
      deadline = deadlines().now() + headTimeout;
    }
    var last = LastHttpContent.EMPTY_LAST_CONTENT;
    if (!trailers.isEmpty()) {
      last = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
      last.trailingHeaders().add(trailers);
    }
    context().writeAndFlush(last, context().voidPromise());
  }

  @Override
  public boolean writable() {
    return context().channel().isWritable();
  }

  @Override
  public void pause() {
    paused = true;
    context().channel().config().setAutoRead(false);
  }

  @Override
  public void resume() {
    if (paused) {
      paused = false;
      deadline = deadlines().now() + stallNanos;
      context().channel().config().setAutoRead(true);
    }
  }

  @Override
  public void overdueAfter(Duration time) {
    overdue = deadlines().now() + time.toNanos();
  }

  /// Swallows the rest of an answer that nobody wants.
  private final class Leftover implements OriginListener {
    private static final int SHORT = 64 * 1024;
    private int bytes;

    @Override
    public void connected(OriginExchange exchange) {}

    @Override
    public void informational(int status, HttpHeaders headers) {}

    @Override
    public void head(int status, HttpHeaders headers) {}

    @Override
    public void data(ByteBuf piece) {
      bytes += piece.readableBytes();
      piece.release();
      if (bytes > SHORT) {
        cancel();
      }
    }

    @Override
    public void end(HttpHeaders trailers) {}

    @Override
    public void pausePoint() {}

    @Override
    public void writable() {}

    @Override
    public void failed(Failure failure, String detail) {}
  }

  @Override
  public void discard() {
    if (!requestDone) {
      cancel();
    } else if (listener != null) {
      listener = new Leftover();
      resume();
    }
  }

  @Override
  public void cancel() {
    if (listener != null) {
      listener = null;
      close();
    }
  }

  // --- receiving ---

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    deadlines = Deadlines.of(context.channel().eventLoop());
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    deadlines().watch(this);
    context.fireChannelActive();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    var to = listener;
    if (to == null) {
      // Nobody asked: the framing is in doubt.
      ReferenceCountUtil.release(message);
      close();
      return;
    }
    switch (message) {
      case HttpResponse response -> head(to, response);
      case HttpContent content -> content(to, content);
      default -> ReferenceCountUtil.release(message);
    }
  }

  private boolean informational;

  private void head(OriginListener to, HttpResponse response) {
    if (response.decoderResult().isFailure()) {
      ReferenceCountUtil.release(response);
      fail(Failure.ORIGIN_MALFORMED, String.valueOf(response.decoderResult().cause().getMessage()));
      return;
    }
    int status = response.status().code();
    informational = status < 200;
    if (informational) {
      if (status == 101) {
        fail(Failure.ORIGIN_MALFORMED, "101 without an upgrade");
        return;
      }
      to.informational(status, response.headers());
      return;
    }
    headSeen = true;
    deadline = deadlines().now() + stallNanos;
    keep = HttpUtil.isKeepAlive(response);
    to.head(status, response.headers());
  }

  private void content(OriginListener to, HttpContent content) {
    if (informational) {
      // Netty ends every 1xx with an empty last content.
      content.release();
      return;
    }
    if (content.decoderResult().isFailure()) {
      content.release();
      fail(Failure.ORIGIN_TRUNCATED, "the body's framing is broken");
      return;
    }
    deadline = deadlines().now() + stallNanos;
    if (content.content().isReadable()) {
      to.data(content.content());
    } else {
      content.release();
    }
    if (content instanceof LastHttpContent last && listener != null) {
      listener = null;
      if (keep && requestDone && !paused) {
        returning = true;
      } else {
        close();
      }
      to.end(last.trailingHeaders());
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (returning) {
      returning = false;
      pool.release(this);
    } else if (listener != null) {
      listener.pausePoint();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (context.channel().isWritable() && listener != null) {
      listener.writable();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    deadlines().forget(this);
    returning = false;
    pool.forget(this);
    fail(headSeen ? Failure.ORIGIN_TRUNCATED : Failure.ORIGIN_RESET, lostBecause());
  }

  private String lostBecause() {
    return reused ? "a kept-alive connection was closed" : "the connection was closed";
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof IOException) {
      fail(
          headSeen ? Failure.ORIGIN_TRUNCATED : Failure.ORIGIN_RESET,
          String.valueOf(cause.getMessage()));
    } else {
      fail(Failure.ORIGIN_MALFORMED, cause.toString());
    }
    close();
  }

  @Override
  public void tick(long now) {
    if (overdue != 0 && now - overdue > 0) {
      overdue = 0;
      if (listener != null && !headSeen) {
        listener.overdue();
      }
    }
    if (deadline == 0 || now - deadline <= 0) {
      return;
    }
    if (listener == null) {
      close();
    } else if (paused) {
      // The client is the slow one; its own connection watches it.
      deadline = now + stallNanos;
    } else {
      fail(
          headSeen ? Failure.ORIGIN_TRUNCATED : Failure.ORIGIN_SILENT,
          headSeen ? "the body stalled" : "no answer within the time limit");
    }
  }

  private void fail(Failure failure, String detail) {
    var to = listener;
    if (to != null) {
      listener = null;
      close();
      to.failed(failure, detail);
    }
  }

  private ChannelHandlerContext context() {
    var context = ctx;
    if (context == null) {
      throw new IllegalStateException("the connection is not set up");
    }
    return context;
  }

  private Deadlines deadlines() {
    var set = deadlines;
    if (set == null) {
      throw new IllegalStateException("the connection is not set up");
    }
    return set;
  }
}
