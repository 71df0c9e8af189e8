package dev.gatehouse.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/// HTTP/1.1 on one or more listeners; `start` returns it bound and serving, or throws.
///
/// TLS, h2 and WebSocket have their place in `pipeline`: a handler before the decoder, another
/// codec instead of it.
public final class HttpServer implements AutoCloseable {
  private final HttpLimits limits;
  private final ExchangeHandler handler;
  private final List<Channel> listeners = new ArrayList<>();
  private final Set<ServerConnection> connections = ConcurrentHashMap.newKeySet();
  private final LongAdder refusals = new LongAdder();
  private volatile boolean draining;

  private HttpServer(HttpLimits limits, ExchangeHandler handler) {
    this.limits = limits;
    this.handler = handler;
  }

  /// Binds every address under its name.
  ///
  /// @throws IOException in one sentence, when an address cannot be bound
  public static HttpServer start(
      Loops loops,
      Map<String, InetSocketAddress> addresses,
      HttpLimits limits,
      ExchangeHandler handler)
      throws IOException {
    var server = new HttpServer(limits, handler);
    try {
      for (var address : addresses.entrySet()) {
        server.listeners.add(server.bind(loops, address.getKey(), address.getValue()));
      }
    } catch (IOException e) {
      server.close();
      throw e;
    }
    return server;
  }

  private Channel bind(Loops loops, String name, InetSocketAddress address) throws IOException {
    var server =
        new ServerBootstrap()
            .group(loops.group())
            .channel(loops.transport().serverChannel())
            .option(ChannelOption.SO_BACKLOG, 4096)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(32 * 1024, 128 * 1024))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    pipeline(name, channel);
                  }
                });
    loops.connectionOptions(server::childOption);
    var bound = server.bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "cannot listen on "
              + address.getHostString()
              + ":"
              + address.getPort()
              + ": "
              + reason(bound.cause()));
    }
    return bound.channel();
  }

  private static String reason(Throwable cause) {
    var message = String.valueOf(cause.getMessage());
    return message.contains("in use") ? "the port is in use" : message;
  }

  private void pipeline(String listener, Channel channel) {
    var connection = new ServerConnection(this, listener, channel);
    channel
        .pipeline()
        .addLast(new StrictRequestDecoder(limits))
        .addLast(connection.new Encoder())
        .addLast(connection);
  }

  /// The addresses that are really bound, in the order of the names given.
  public List<InetSocketAddress> addresses() {
    return listeners.stream().map(channel -> (InetSocketAddress) channel.localAddress()).toList();
  }

  /// Open connections right now.
  public int connections() {
    return connections.size();
  }

  /// Requests refused before they became an exchange.
  public long refusals() {
    return refusals.sum();
  }

  /// From now on every response closes its connection, and idle connections are closed; new ones
  /// are still served.
  public void drain() {
    draining = true;
    connections.forEach(ServerConnection::drain);
  }

  /// Stops accepting, lets what is in flight finish for at most `deadline`, cuts the rest. Harmless
  /// twice.
  public void close(Duration deadline) {
    listeners.forEach(channel -> channel.close().awaitUninterruptibly());
    drain();
    var empty = new CountDownLatch(1);
    whenEmpty = empty::countDown;
    if (connections.isEmpty()) {
      return;
    }
    try {
      if (!empty.await(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
        connections.forEach(ServerConnection::cut);
      }
    } catch (InterruptedException e) {
      connections.forEach(ServerConnection::cut);
      Thread.currentThread().interrupt();
    }
  }

  private volatile Runnable whenEmpty = () -> {};

  @Override
  public void close() {
    close(Duration.ofSeconds(10));
  }

  ExchangeHandler handler() {
    return handler;
  }

  HttpLimits limits() {
    return limits;
  }

  boolean draining() {
    return draining;
  }

  void refused(int status) {
    refusals.increment();
  }

  void opened(ServerConnection connection) {
    connections.add(connection);
  }

  void closed(ServerConnection connection) {
    connections.remove(connection);
    if (connections.isEmpty()) {
      whenEmpty.run();
    }
  }
}
