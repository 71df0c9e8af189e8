package dev.gatehouse.state.coherence;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Our connection to another replica's bus.
///
/// Concurrency: whoever tells only puts frames into a bounded line; one virtual thread connects,
/// introduces us and then writes, another reads acknowledgements. A replica that takes nothing
/// (stopped, or behind a cut wire) thus holds nobody up: when the line is full the connection is
/// closed, and writes wait for that replica's lease instead. A broken connection is not mended; the
/// next listing that shows the replica makes a new one.
final class Peer implements AutoCloseable {
  private static final int PATIENCE_MS = 3000;
  private static final int LONGEST_LINE = 1000;

  /// What a connection reports; from its own threads.
  interface Listener {
    /// It stands: from now on what is told arrives.
    void connected(Peer peer);

    void acknowledged(Peer peer, long through);

    void lost(Peer peer, String why);
  }

  private final Row row;
  private final BusSecret secret;
  private final SecureRandom random;
  private final Listener listener;
  private final Socket socket = new Socket();
  private final BlockingQueue<byte[]> line = new LinkedBlockingQueue<>(LONGEST_LINE);
  private volatile boolean closed;

  private Peer(Row row, BusSecret secret, SecureRandom random, Listener listener) {
    this.row = row;
    this.secret = secret;
    this.random = random;
    this.listener = listener;
  }

  /// Begins to connect.
  static Peer call(Row row, BusSecret secret, SecureRandom random, Listener listener) {
    var peer = new Peer(row, secret, random, listener);
    Thread.ofPlatform().daemon().name("bus-to-" + row.name()).start(peer::run);
    return peer;
  }

  UUID replica() {
    return row.replica();
  }

  String name() {
    return row.name();
  }

  String address() {
    return row.address();
  }

  /// Sends frames, or gives the connection up when too many wait already.
  void tell(byte[] frames) {
    if (!line.offer(frames)) {
      close();
    }
  }

  private void run() {
    var why = Optional.<String>empty();
    try (socket) {
      var in = introduce();
      listener.connected(this);
      Thread.ofPlatform().daemon().name("bus-from-" + row.name()).start(() -> read(in));
      var out = socket.getOutputStream();
      while (!closed) {
        var frames = line.poll(1, TimeUnit.MINUTES);
        if (frames != null) {
          out.write(frames);
        }
      }
    } catch (IOException | IllegalArgumentException failure) {
      why = Optional.ofNullable(failure.getMessage());
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    closed = true;
    listener.lost(this, why.orElse("it was closed"));
  }

  private DataInputStream introduce() throws IOException {
    socket.setTcpNoDelay(true);
    socket.setKeepAlive(true);
    socket.connect(parse(row.address()), PATIENCE_MS);
    socket.setSoTimeout(PATIENCE_MS);
    var in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1024));
    var out = new DataOutputStream(socket.getOutputStream());
    var theirs = in.readNBytes(BusSecret.NONCE);
    var hello = new byte[BusSecret.NONCE + BusSecret.PROOF];
    var ours = new byte[BusSecret.NONCE];
    random.nextBytes(ours);
    System.arraycopy(ours, 0, hello, 0, BusSecret.NONCE);
    System.arraycopy(
        secret.ofCaller(theirs, ours, row.replica()), 0, hello, BusSecret.NONCE, BusSecret.PROOF);
    out.write(hello);
    var proof = in.readNBytes(BusSecret.PROOF);
    if (!BusSecret.same(proof, secret.ofReplica(theirs, ours, row.replica()))) {
      throw new IOException("whoever listens there is not that replica");
    }
    socket.setSoTimeout(0);
    return in;
  }

  private void read(DataInputStream in) {
    try {
      while (!closed) {
        listener.acknowledged(this, in.readLong());
      }
    } catch (IOException over) {
      close();
    }
  }

  /// `host:port` with an address literal: it is never looked up.
  private static InetSocketAddress parse(String address) {
    int colon = address.lastIndexOf(':');
    if (colon < 0) {
      throw new IllegalArgumentException("not an address: " + address);
    }
    var host = address.substring(0, colon);
    var literal = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    return new InetSocketAddress(
        java.net.InetAddress.ofLiteral(literal), Integer.parseInt(address.substring(colon + 1)));
  }

  @Override
  public void close() {
    closed = true;
    line.offer(new byte[0]);
    try {
      socket.close();
    } catch (IOException failure) {
      // It is of no use any more either way.
    }
  }
}
