package dev.gatehouse.state.coherence;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where a replica hears of others' changes: applies them and acknowledges.
///
/// Concurrency: a virtual thread accepts, and one serves each connection, strictly in order; so an
/// acknowledgement says that everything before it has been applied too. Whoever cannot prove that
/// it knows the assembly's secret within a moment, and whoever sends nonsense, is cut.
final class Bus implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Bus.class);
  private static final int INTRODUCTION_MS = 3000;

  /// After a connection that could not be taken, the next is taken so much later.
  private static final Duration PAUSE = Duration.ofMillis(100);

  /// Other processes of one assembly, with room for those that reconnect.
  private static final int MOST_CONNECTIONS = 512;

  private final ServerSocket listener;
  private final UUID replica;
  private final BusSecret secret;
  private final SecureRandom random;
  private final Consumer<List<Change>> apply;
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private Bus(
      ServerSocket listener,
      UUID replica,
      BusSecret secret,
      SecureRandom random,
      Consumer<List<Change>> apply) {
    this.listener = listener;
    this.replica = replica;
    this.secret = secret;
    this.random = random;
    this.apply = apply;
  }

  /// Listens on `address`, its port any free one if it is 0.
  static Bus listen(
      InetSocketAddress address,
      UUID replica,
      BusSecret secret,
      SecureRandom random,
      Consumer<List<Change>> apply)
      throws IOException {
    var listener = new ServerSocket();
    try {
      listener.bind(address);
    } catch (IOException failure) {
      listener.close();
      throw failure;
    }
    var bus = new Bus(listener, replica, secret, random, apply);
    Thread.ofPlatform().daemon().name("bus").start(bus::accept);
    return bus;
  }

  /// `host:port`, as the others are to call it.
  ///
  /// @param usual where it listens on every address
  String address(Supplier<InetAddress> usual) {
    var bound = listener.getInetAddress();
    var host = (bound.isAnyLocalAddress() ? usual.get() : bound).getHostAddress();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + listener.getLocalPort();
  }

  private void accept() {
    while (!closed) {
      try {
        var socket = listener.accept();
        if (connections.size() >= MOST_CONNECTIONS) {
          socket.close();
          continue;
        }
        take(socket);
      } catch (IOException | OutOfMemoryError failure) {
        if (!closed) {
          LOG.debug("the bus took no connection ({}); it goes on", failure.getMessage());
          // No descriptor, or no thread, is to be had; whoever calls waits.
          LockSupport.parkNanos(PAUSE.toNanos());
        }
      }
    }
  }

  private void take(Socket socket) throws IOException {
    connections.add(socket);
    try {
      Thread.ofPlatform().daemon().name("bus-connection").start(() -> serve(socket));
    } catch (OutOfMemoryError noThread) {
      connections.remove(socket);
      socket.close();
      throw noThread;
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      socket.setKeepAlive(true);
      socket.setSoTimeout(INTRODUCTION_MS);
      var in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 2048));
      var out = new DataOutputStream(socket.getOutputStream());
      if (!introduced(in, out)) {
        LOG.warn(
            "{} called the bus without the assembly's secret or meant another replica; it is cut",
            socket.getRemoteSocketAddress());
        return;
      }
      socket.setSoTimeout(0);
      while (!closed) {
        var told = Frames.read(in);
        apply.accept(told.changes());
        if (told.through() != 0) {
          out.writeLong(told.through());
        }
      }
    } catch (EOFException over) {
      // The other side is gone, or calls again.
    } catch (IOException failure) {
      if (!closed) {
        LOG.debug(
            "the bus connection of {} broke ({}); it calls again",
            socket.getRemoteSocketAddress(),
            failure.getMessage());
      }
    } finally {
      connections.remove(socket);
    }
  }

  private boolean introduced(DataInputStream in, DataOutputStream out) throws IOException {
    var ours = new byte[BusSecret.NONCE];
    random.nextBytes(ours);
    out.write(ours);
    var theirs = in.readNBytes(BusSecret.NONCE);
    var proof = in.readNBytes(BusSecret.PROOF);
    if (!BusSecret.same(proof, secret.ofCaller(ours, theirs, replica))) {
      return false;
    }
    out.write(secret.ofReplica(ours, theirs, replica));
    return true;
  }

  /// Cuts everyone off; they call again if we still listen. For tests of a bus that fails.
  void cut() {
    connections.forEach(Bus::close);
  }

  @Override
  public void close() {
    closed = true;
    try {
      listener.close();
    } catch (IOException failure) {
      LOG.debug("the bus did not close: {}", failure.getMessage());
    }
    cut();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException failure) {
      LOG.debug("a bus connection did not close: {}", failure.getMessage());
    }
  }
}
