package dev.gatehouse.http;

import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringBufferRingConfig;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringFixedBufferRingAllocator;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

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
        case IO_URING -> IoUringIoHandler.newFactory(buffers());
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

    public Class<? extends DatagramChannel> datagramChannel() {
      return switch (this) {
        case IO_URING -> IoUringDatagramChannel.class;
        case EPOLL -> EpollDatagramChannel.class;
        case NIO -> NioDatagramChannel.class;
      };
    }

    public Class<? extends SocketChannel> clientChannel() {
      return switch (this) {
        case IO_URING -> IoUringSocketChannel.class;
        case EPOLL -> EpollSocketChannel.class;
        case NIO -> NioSocketChannel.class;
      };
    }
  }

  static {
    // A multishot read goes on after reading was switched off, as fast as the peer sends: an upload
    // to a slow origin took all direct memory there is. Netty looks at this once.
    System.setProperty("io.netty.iouring.recvMultiShotEnabled", "false");
  }

  /// Reads of one event loop land in buffers of this size, of which so many lie ready.
  private static final int READ_BUFFER = 16 * 1024;

  private static final short READ_BUFFERS = 64;
  private static final short READ_GROUP = 0;

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

  /// With a ring of buffers the kernel picks one when data has come: no poll before each read, and
  /// no memory for a connection that is idle. It takes a tenth of the CPU off a proxied GET
  /// (`bench/edge`).
  private static IoUringIoHandlerConfig buffers() {
    var config = new IoUringIoHandlerConfig();
    return IoUring.isRegisterBufferRingSupported()
        ? config.setBufferRingConfig(
            IoUringBufferRingConfig.builder()
                .bufferGroupId(READ_GROUP)
                .bufferRingSize(READ_BUFFERS)
                .batchSize(READ_BUFFERS / 4)
                .allocator(new IoUringFixedBufferRingAllocator(READ_BUFFER))
                .build())
        : config;
  }

  /// Sets what every connection's socket needs on this transport, by a bootstrap's `option` or
  /// `childOption`.
  void connectionOptions(BiConsumer<ChannelOption<Short>, Short> set) {
    if (transport == Transport.IO_URING && IoUring.isRegisterBufferRingSupported()) {
      set.accept(IoUringChannelOption.IO_URING_BUFFER_GROUP_ID, READ_GROUP);
    }
  }

  /// Every event loop, in a fixed order.
  public List<EventLoop> all() {
    return all;
  }

  /// How long what came to each loop had to wait at worst, in the last 15 to 30 seconds in which it
  /// had connections.
  public List<Duration> lags() {
    return all.stream().map(loop -> Deadlines.of(loop).lateness().worst()).toList();
  }

  EventLoopGroup group() {
    return group;
  }

  @Override
  public void close() {
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
