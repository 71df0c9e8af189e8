package dev.gatehouse.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import java.io.ByteArrayInputStream;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLException;

/// Kept-alive connections to origins, one pool per event loop and origin.
///
/// A pool belongs to one event loop so that an exchange never changes its thread: no lock, no
/// hand-over. The price is more idle connections, threads times origins, which is the right one for
/// a proxy with as many threads as cores. Idle connections are taken newest first, so that the
/// surplus ages and is closed.
public final class OriginPools implements AutoCloseable {
  /// @param idleTimeout how long an unused connection is kept; below the 75 s or 60 s common among
  ///   origins
  /// @param idlePerOrigin kept per event loop and origin
  /// @param stallTimeout how long a body may make no progress
  public record Settings(Duration idleTimeout, int idlePerOrigin, Duration stallTimeout) {
    public static final Settings DEFAULT =
        new Settings(Duration.ofSeconds(30), 256, Duration.ofSeconds(60));
  }

  /// What the pools hold and did.
  ///
  /// @param idle connections that wait for a request
  /// @param opened connections that were made, or tried to
  public record Figures(long idle, long opened) {}

  private final Settings settings;
  private final LongAdder opened = new LongAdder();
  private final Map<EventLoop, PerLoop> byLoop = new HashMap<>();
  private final DnsAddressResolverGroup resolver;
  private final LazyTls tls = new LazyTls();

  public OriginPools(Loops loops, Settings settings) {
    this.settings = settings;
    this.resolver = new DnsAddressResolverGroup(dns(loops.transport()));
    for (var loop : loops.all()) {
      byLoop.put(loop, new PerLoop(loop, loops));
    }
  }

  private static DnsNameResolverBuilder dns(Loops.Transport transport) {
    return new DnsNameResolverBuilder().datagramChannelType(transport.datagramChannel());
  }

  /// Sends `request` to `origin` on `loop`, which must be the calling thread; `fresh` refuses a
  /// pooled connection.
  ///
  /// The listener hears `connected` before this returns when a pooled connection is used.
  public void send(
      EventLoop loop,
      Origin origin,
      OriginRequest request,
      boolean fresh,
      OriginListener listener) {
    var pool = byLoop.get(loop);
    if (pool == null) {
      throw new IllegalArgumentException("a loop of other Loops");
    }
    pool.send(origin, request, fresh, listener);
  }

  /// Read without a lock: numbers of about now.
  public Figures figures() {
    return new Figures(
        byLoop.values().stream().mapToLong(pool -> pool.idlers.get()).sum(), opened.sum());
  }

  /// Nothing is sent to `origin` any more: closes its idle connections, and those in use as they
  /// end, until something is sent there again.
  public void retire(Origin origin) {
    for (var pool : byLoop.values()) {
      pool.loop.execute(() -> pool.retire(origin));
    }
  }

  /// Closes every idle connection; those in use close as they end.
  @Override
  public void close() {
    for (var pool : byLoop.values()) {
      pool.loop.execute(pool::close);
    }
    resolver.close();
  }

  /// A TLS context for each set of trusted issuers, made when the first `https` origin is used:
  /// loading the system's trust store costs 50 ms and 5 MB.
  private static final class LazyTls {
    private final Map<String, SslContext> contexts = new HashMap<>();

    synchronized SslContext of(String trusting) throws SSLException {
      var made = contexts.get(trusting);
      if (made == null) {
        var builder = SslContextBuilder.forClient().protocols("TLSv1.3", "TLSv1.2");
        if (!trusting.isEmpty()) {
          builder.trustManager(new ByteArrayInputStream(trusting.getBytes(StandardCharsets.UTF_8)));
        }
        made = builder.build();
        contexts.put(trusting, made);
      }
      return made;
    }
  }

  final class PerLoop {
    private final EventLoop loop;
    private final Loops loops;
    private final Map<Origin, ArrayDeque<OriginConnection>> idle = new HashMap<>();
    private final Set<Origin> retired = new HashSet<>();
    private boolean closed;

    /// How many are idle; written by this loop alone, so without a fence.
    private final AtomicInteger idlers = new AtomicInteger();

    PerLoop(EventLoop loop, Loops loops) {
      this.loop = loop;
      this.loops = loops;
    }

    void send(Origin origin, OriginRequest request, boolean fresh, OriginListener listener) {
      if (!retired.isEmpty()) {
        retired.remove(origin);
      }
      if (!fresh) {
        var waiting = idle.get(origin);
        while (waiting != null && !waiting.isEmpty()) {
          var connection = waiting.pollLast();
          idled(-1);
          if (connection.usable()) {
            connection.exchange(request, listener, true);
            return;
          }
        }
      }
      connect(origin, request, listener);
    }

    private void idled(int change) {
      idlers.lazySet(idlers.getPlain() + change);
    }

    private void connect(Origin origin, OriginRequest request, OriginListener listener) {
      opened.increment();
      var connection = new OriginConnection(this, origin, settings.stallTimeout());
      var bootstrap =
          new Bootstrap()
              .group(loop)
              .channel(loops.transport().clientChannel())
              .resolver(resolver)
              .option(ChannelOption.TCP_NODELAY, true)
              .option(
                  ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) request.connectTimeout().toMillis())
              .option(
                  ChannelOption.WRITE_BUFFER_WATER_MARK,
                  new WriteBufferWaterMark(32 * 1024, 128 * 1024))
              .handler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) throws SSLException {
                      if (origin.tls()) {
                        var handler =
                            tls.of(origin.trusting())
                                .newHandler(channel.alloc(), origin.host(), origin.port());
                        var parameters = handler.engine().getSSLParameters();
                        parameters.setEndpointIdentificationAlgorithm("HTTPS");
                        handler.engine().setSSLParameters(parameters);
                        handler.setHandshakeTimeoutMillis(request.connectTimeout().toMillis());
                        channel.pipeline().addLast("tls", handler);
                      }
                      connection.install(channel);
                    }
                  });
      loops.connectionOptions(bootstrap::option);
      bootstrap
          .connect(origin.reached(), origin.port())
          .addListener(done -> connected((ChannelFuture) done, connection, request, listener));
    }

    private void connected(
        ChannelFuture done,
        OriginConnection connection,
        OriginRequest request,
        OriginListener listener) {
      if (!done.isSuccess()) {
        var cause = done.cause();
        listener.failed(failure(cause), String.valueOf(cause.getMessage()));
        return;
      }
      var tlsHandler = done.channel().pipeline().get(io.netty.handler.ssl.SslHandler.class);
      if (tlsHandler == null) {
        connection.exchange(request, listener, false);
        return;
      }
      tlsHandler
          .handshakeFuture()
          .addListener(handshake -> {
            if (handshake.isSuccess()) {
              connection.exchange(request, listener, false);
            } else {
              done.channel().close();
              listener.failed(failure(handshake.cause()), String.valueOf(handshake.cause()));
            }
          });
    }

    private static Failure failure(Throwable cause) {
      return switch (cause) {
        case UnknownHostException e -> Failure.ORIGIN_UNRESOLVED;
        case ConnectTimeoutException e -> Failure.ORIGIN_CONNECT_TIMEOUT;
        case io.netty.handler.ssl.SslHandshakeTimeoutException e -> Failure.ORIGIN_CONNECT_TIMEOUT;
        case SSLException e -> untrusted(e);
        // A reset while connecting is a refusal too: the listener went away just then.
        case SocketException e ->
            String.valueOf(e.getMessage()).matches("(?i).*(refused|reset).*")
                ? Failure.ORIGIN_REFUSED
                : Failure.ORIGIN_UNREACHABLE;
        default -> Failure.ORIGIN_UNREACHABLE;
      };
    }

    /// Why a handshake failed. The JDK tells a wrong name by its message only.
    private static Failure untrusted(SSLException failure) {
      for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
        if (cause instanceof CertificateExpiredException
            || cause instanceof CertificateNotYetValidException) {
          return Failure.ORIGIN_EXPIRED;
        }
        if (cause instanceof CertPathBuilderException) {
          return Failure.ORIGIN_UNTRUSTED;
        }
        if (cause instanceof CertificateException && cause.getCause() == null) {
          return Failure.ORIGIN_MISNAMED;
        }
      }
      return Failure.ORIGIN_TLS;
    }

    /// Takes back a connection whose exchange is over and which can carry another.
    void release(OriginConnection connection) {
      if (closed || (!retired.isEmpty() && retired.contains(connection.origin()))) {
        connection.close();
        return;
      }
      var waiting = idle.computeIfAbsent(connection.origin(), key -> new ArrayDeque<>());
      waiting.addLast(connection);
      idled(1);
      connection.idleUntil(settings.idleTimeout());
      if (waiting.size() > settings.idlePerOrigin()) {
        var oldest = waiting.pollFirst();
        idled(-1);
        oldest.close();
      }
    }

    void forget(OriginConnection connection) {
      var waiting = idle.get(connection.origin());
      if (waiting != null && waiting.remove(connection)) {
        idled(-1);
        if (waiting.isEmpty()) {
          idle.remove(connection.origin());
        }
      }
    }

    void retire(Origin origin) {
      retired.add(origin);
      var waiting = idle.remove(origin);
      if (waiting != null) {
        idled(-waiting.size());
        List.copyOf(waiting).forEach(OriginConnection::close);
      }
    }

    void close() {
      closed = true;
      List<OriginConnection> all = new ArrayList<>();
      idle.values().forEach(all::addAll);
      idle.clear();
      idled(-all.size());
      all.forEach(OriginConnection::close);
    }
  }
}
