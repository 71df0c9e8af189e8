package dev.gatehouse.http;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The event loops of this process and the transport under them: io_uring where the kernel has it,
/// else epoll, else NIO.
///
/// Servers and client pools share them, so that an exchange stays on one thread from the client's
/// socket to the origin's. `close()` ends the threads; channels are the business of whoever opened
/// them.
public final class Loops implements AutoCloseable {
  /// The kinds of transport, best first.
  public enum Transport {
    IO_URING,
    EPOLL,
    NIO;

    boolean available() {
      return switch (this) {
        case IO_URING -> IoUring.isAvailable();
        case EPOLL -> Epoll.isAvailable();
        case NIO -> true;
      };
    }

    IoHandlerFactory factory() {
      return switch (this) {
        case IO_URING -> IoUringIoHandler.newFactory();
        case EPOLL -> EpollIoHandler.newFactory();
        case NIO -> NioIoHandler.newFactory();
      };
    }

    Class<? extends ServerSocketChannel> serverChannel() {
      return switch (this) {
        case IO_URING -> IoUringServerSocketChannel.class;
        case EPOLL -> EpollServerSocketChannel.class;
        case NIO -> NioServerSocketChannel.class;
      };
    }

    Class<? extends SocketChannel> clientChannel() {
      return switch (this) {
        case IO_URING -> IoUringSocketChannel.class;
        case EPOLL -> EpollSocketChannel.class;
        case NIO -> NioSocketChannel.class;
      };
    }
  }

  private final Transport transport;
  private final EventLoopGroup group;
  private final List<EventLoop> all;

  private Loops(Transport transport, int threads) {
    this.transport = transport;
    this.group =
        new MultiThreadIoEventLoopGroup(
            threads, new DefaultThreadFactory("loop", true), transport.factory());
    var loops = new ArrayList<EventLoop>(threads);
    for (int i = 0; i < threads; i++) {
      loops.add(group.next());
    }
    this.all = List.copyOf(loops);
  }

  /// `threads` event loops on the best transport this machine has.
  public static Loops start(int threads) {
    for (var transport : Transport.values()) {
      if (transport.available()) {
        return start(threads, transport);
      }
    }
    throw new IllegalStateException("no transport");
  }

  public static Loops start(int threads, Transport transport) {
    return new Loops(transport, threads);
  }

  public Transport transport() {
    return transport;
  }

  /// Every event loop, in a fixed order.
  public List<EventLoop> all() {
    return all;
  }

  EventLoopGroup group() {
    return group;
  }

  @Override
  public void close() {
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
