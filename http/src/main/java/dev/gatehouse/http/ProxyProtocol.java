package dev.gatehouse.http;

import dev.gatehouse.http.ProxiedListeners.Refused;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.function.Predicate;

/// The first handler of a connection that must begin with a PROXY header: reads it, tells the
/// connection whose it is, and leaves.
///
/// The header must come: one that may be absent could be written by any client. It is waited for as
/// long as for the head of a request. A connection without a whole one is closed without a word,
/// since whoever sent it does not speak HTTP yet; it is counted, and the first of its kind is
/// logged. A connection that ends before its first byte is a balancer's way to see that somebody
/// listens, and nothing.
///
/// Everything runs on the connection's event loop.
final class ProxyProtocol extends ChannelInboundHandlerAdapter implements Deadlines.Watched {
  private enum Stage {
    WAITING,
    PASSING,
    CLOSED
  }

  private final HttpServer server;
  private final ServerConnection connection;
  private final Predicate<InetAddress> trusted;

  private ByteBuf gathered = Unpooled.EMPTY_BUFFER;
  private Optional<ChannelHandlerContext> here = Optional.empty();
  private long deadline;
  private Stage stage = Stage.WAITING;
  private boolean handedOn;

  ProxyProtocol(HttpServer server, ServerConnection connection, Predicate<InetAddress> trusted) {
    this.server = server;
    this.connection = connection;
    this.trusted = trusted;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    context.fireChannelActive();
    here = Optional.of(context);
    var deadlines = Deadlines.of(context.channel().eventLoop());
    deadlines.watch(this);
    deadline = deadlines.now() + server.limits().headTimeout().toNanos();
    // A connection that was reset already has no peer, and is closed without more.
    if (context.channel().remoteAddress() instanceof InetSocketAddress peer
        && !trusted.test(peer.getAddress())) {
      refuse(context, Refused.UNTRUSTED);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof ByteBuf bytes)) {
      context.fireChannelRead(message);
      return;
    }
    switch (stage) {
      case WAITING -> {
        gather(context, bytes);
        try {
          ProxyHeader.read(gathered).ifPresent(header -> begin(context, header));
        } catch (ProxyHeader.Malformed e) {
          refuse(context, Refused.MALFORMED);
        }
      }
      case PASSING -> handOn(context, bytes);
      case CLOSED -> bytes.release();
    }
  }

  /// What never ends is refused before the buffer grows beyond the longest header and one read.
  private void gather(ChannelHandlerContext context, ByteBuf bytes) {
    if (!gathered.isReadable()) {
      gathered.release();
      gathered = bytes;
      return;
    }
    var both = context.alloc().buffer(gathered.readableBytes() + bytes.readableBytes());
    both.writeBytes(gathered).writeBytes(bytes);
    gathered.release();
    bytes.release();
    gathered = both;
  }

  private void begin(ChannelHandlerContext context, ProxyHeader header) {
    switch (header) {
      case ProxyHeader.Of(var client) -> connection.comesFrom(client);
      case ProxyHeader.OfSomebody() -> connection.comesFromSomebody();
      case ProxyHeader.Own() -> {}
    }
    stage = Stage.PASSING;
    var rest = gathered;
    gathered = Unpooled.EMPTY_BUFFER;
    Deadlines.of(context.channel().eventLoop()).forget(this);
    handOn(context, rest);
  }

  private void handOn(ChannelHandlerContext context, ByteBuf bytes) {
    if (bytes.isReadable()) {
      handedOn = true;
      context.fireChannelRead(bytes);
    } else {
      bytes.release();
    }
  }

  /// Hidden from the others until they were given something: to them a request has begun when bytes
  /// have come.
  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (handedOn) {
      context.fireChannelReadComplete();
    }
    if (stage == Stage.PASSING) {
      context.pipeline().remove(this);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (stage == Stage.WAITING && gathered.isReadable()) {
      server.refusedProxied(Refused.MALFORMED, connection);
    }
    leave(context);
    context.fireChannelInactive();
  }

  @Override
  public void tick(long now) {
    if (now - deadline > 0) {
      here.ifPresent(context -> refuse(context, Refused.LATE));
    }
  }

  private void refuse(ChannelHandlerContext context, Refused why) {
    if (stage == Stage.WAITING) {
      server.refusedProxied(why, connection);
      leave(context);
      context.close();
    }
  }

  private void leave(ChannelHandlerContext context) {
    stage = Stage.CLOSED;
    gathered.release();
    gathered = Unpooled.EMPTY_BUFFER;
    Deadlines.of(context.channel().eventLoop()).forget(this);
  }
}
