package dev.gatehouse.http;

import static java.util.Objects.requireNonNull;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// HTTP/1.1 on one or more listeners; `start` returns it bound and serving, or throws.
///
/// Listeners and limits can change while it serves ([#reconfigure]); whatever the change does not
/// concern goes on undisturbed, connections included.
///
/// TLS, h2 and WebSocket have their place in `pipeline`: a handler before the decoder, another
/// codec instead of it. A PROXY header comes before TLS.
public final class HttpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);
  private static final long LOOK_MILLIS = 20;
  private static final Set<String> PROBES = Set.of("/healthz", "/readyz", "/health", "/metrics");

  private final Loops loops;
  private final ExchangeHandler handler;
  private volatile HttpLimits limits;
  private volatile List<Listener> listeners = List.of();
  private final Set<ServerConnection> connections = ConcurrentHashMap.newKeySet();
  private final LongAdder refusals = new LongAdder();
  private final Map<ProxiedListeners.Refused, LongAdder> refusedProxied =
      new EnumMap<>(ProxiedListeners.Refused.class);
  private volatile Predicate<InetAddress> proxies = address -> false;
  private volatile boolean draining;
  private volatile long lastRequest;

  private HttpServer(Loops loops, HttpLimits limits, ExchangeHandler handler) {
    this.loops = loops;
    this.limits = limits;
    this.handler = handler;
    for (var why : ProxiedListeners.Refused.values()) {
      refusedProxied.put(why, new LongAdder());
    }
  }

  /// One address that is listened on.
  ///
  /// Its name may change while connections that came in by it are open: they follow.
  static final class Listener {
    private final InetSocketAddress wanted;
    private volatile String name;
    private volatile boolean proxied;
    private volatile boolean closing;
    private @Nullable Channel channel;

    Listener(String name, InetSocketAddress wanted) {
      this.name = name;
      this.wanted = wanted;
    }

    String name() {
      return name;
    }

    /// Whether it is no longer listened on: its connections end with their next answer.
    boolean closing() {
      return closing;
    }

    private InetSocketAddress bound() {
      return (InetSocketAddress) requireNonNull(channel).localAddress();
    }

    private void open() {
      requireNonNull(channel).config().setAutoRead(true);
    }

    private void close() {
      closing = true;
      if (channel != null) {
        channel.close().awaitUninterruptibly();
      }
    }
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
    return start(loops, addresses, ProxiedListeners.NONE, limits, handler);
  }

  /// As above, where some listeners are reached by way of load balancers that say whose a
  /// connection is.
  public static HttpServer start(
      Loops loops,
      Map<String, InetSocketAddress> addresses,
      ProxiedListeners proxied,
      HttpLimits limits,
      ExchangeHandler handler)
      throws IOException {
    var server = new HttpServer(loops, limits, handler);
    server.reconfigure(addresses, proxied, limits, () -> {});
    return server;
  }

  /// Listens on these addresses from now on: new ones are bound before old ones are closed. The
  /// connections of one that is gone end with their next answer, or now if they are idle. New
  /// limits hold for new connections.
  ///
  /// @param switchOver runs when all addresses are bound and before anybody is let in by a new one:
  ///   here the handler changes its ways, so that no listener serves by rules it was not made for
  /// @throws IOException in one sentence, when an address cannot be bound; nothing has changed then
  public synchronized void reconfigure(
      Map<String, InetSocketAddress> addresses,
      ProxiedListeners proxied,
      HttpLimits newLimits,
      Runnable switchOver)
      throws IOException {
    var before = new ArrayList<>(listeners);
    var after = new ArrayList<Listener>();
    var bound = new ArrayList<Listener>();
    var renamed = new LinkedHashMap<Listener, String>();
    try {
      for (var address : addresses.entrySet()) {
        var kept = take(before, address.getKey(), address.getValue());
        if (kept.isPresent()) {
          renamed.put(kept.get(), address.getKey());
          after.add(kept.get());
        } else {
          var listener = bind(address.getKey(), address.getValue());
          bound.add(listener);
          after.add(listener);
        }
      }
    } catch (IOException e) {
      bound.forEach(Listener::close);
      throw e;
    }
    limits = newLimits;
    switchOver.run();
    renamed.forEach((listener, name) -> listener.name = name);
    proxies = proxied.trusted();
    after.forEach(listener -> listener.proxied = proxied.names().contains(listener.name));
    listeners = List.copyOf(after);
    bound.forEach(Listener::open);
    for (var gone : before) {
      gone.close();
      connections.stream()
          .filter(connection -> connection.cameBy(gone))
          .forEach(ServerConnection::drain);
    }
  }

  /// The listener on this address, the one of this name first; it is no longer in `from` then. On
  /// port 0 two are the same only when their names are.
  private static Optional<Listener> take(
      List<Listener> from, String name, InetSocketAddress address) {
    var found =
        from.stream()
            .filter(listener -> listener.wanted.equals(address))
            .filter(listener -> address.getPort() != 0 || listener.name.equals(name))
            .min(Comparator.comparing(listener -> !listener.name.equals(name)));
    found.ifPresent(from::remove);
    return found;
  }

  private Listener bind(String name, InetSocketAddress address) throws IOException {
    var listener = new Listener(name, address);
    var server =
        new ServerBootstrap()
            .group(loops.group())
            .channel(loops.transport().serverChannel())
            .option(ChannelOption.SO_BACKLOG, 4096)
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(32 * 1024, 128 * 1024))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    pipeline(listener, channel);
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
    listener.channel = bound.channel();
    return listener;
  }

  private static String reason(Throwable cause) {
    var message = String.valueOf(cause.getMessage());
    return message.contains("in use") ? "the port is in use" : message;
  }

  private void pipeline(Listener listener, Channel channel) {
    var connection = new ServerConnection(this, listener, channel);
    if (listener.proxied) {
      channel.pipeline().addLast(new ProxyProtocol(this, connection, proxies));
    }
    channel
        .pipeline()
        .addLast(new StrictRequestDecoder(limits))
        .addLast(connection.new Encoder())
        .addLast(connection);
  }

  /// The addresses that are really bound, in the order of the names given.
  public List<InetSocketAddress> addresses() {
    return listeners.stream().map(Listener::bound).toList();
  }

  /// Open connections right now.
  public int connections() {
    return connections.size();
  }

  /// Requests refused before they became an exchange.
  public long refusals() {
    return refusals.sum();
  }

  /// Connections closed before their first request, on listeners where a trusted proxy must say
  /// whose they are.
  public Map<ProxiedListeners.Refused, Long> refusedProxied() {
    return refusedProxied.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().sum()));
  }

  /// Announces the end and goes on serving until nobody comes any more: every response closes its
  /// connection from now on, and this returns when no request has come for `quiet`, after `longest`
  /// at the latest. Probes and scrapes are not somebody who comes.
  ///
  /// Idle connections stay open meanwhile: one that is closed just when its client sends a request
  /// loses that request.
  public void runDown(Duration quiet, Duration longest) {
    draining = true;
    if (quiet.isZero()) {
      return;
    }
    var loop = loops.all().getFirst();
    long began = loop.ticker().nanoTime();
    lastRequest = began;
    var over = new CountDownLatch(1);
    var look =
        loop.scheduleAtFixedRate(
            () -> {
              long now = loop.ticker().nanoTime();
              if (now - lastRequest >= quiet.toNanos() || now - began >= longest.toNanos()) {
                over.countDown();
              }
            },
            LOOK_MILLIS,
            LOOK_MILLIS,
            TimeUnit.MILLISECONDS);
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      look.cancel(false);
    }
  }

  /// A request has come.
  void came(RequestHead head) {
    if (draining && !PROBES.contains(head.target().rawPath())) {
      lastRequest = loops.all().getFirst().ticker().nanoTime();
    }
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
    listeners.forEach(Listener::close);
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

  /// Logged once for each reason: whoever may connect could fill the log else.
  void refusedProxied(ProxiedListeners.Refused why, ServerConnection connection) {
    var count = requireNonNull(refusedProxied.get(why));
    if (count.sum() == 0) {
      LOG.warn(
          "closed a connection from {} to listener {}: {}; others like it are closed too, and only"
              + " counted",
          connection.peerText(),
          connection.listener(),
          why.sentence());
    }
    count.increment();
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
