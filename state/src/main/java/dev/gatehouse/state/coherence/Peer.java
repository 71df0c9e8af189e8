package dev.gatehouse.state.coherence;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// Our connection to another replica's bus.
///
/// Concurrency: a thread of its own connects and introduces us, and ends with that; from then on
/// the connection belongs to whoever [#adopt]s it, and nothing on it waits. A replica that takes
/// nothing (stopped, or behind a cut wire) thus holds nobody up: when too much is to be told it the
/// connection fails, and writes wait for that replica's lease instead. A broken connection is not
/// mended; the next listing that shows the replica makes a new one.
final class Peer implements AutoCloseable {
  private static final int PATIENCE_MS = 3000;
  private static final int LONGEST_LINE = 1000;

  /// What becomes of a call; from the thread that makes it.
  interface Listener {
    /// It stands, and waits to be adopted.
    void connected(Peer peer);

    void lost(Peer peer, String why);
  }

  private final Row row;
  private final BusSecret secret;
  private final SecureRandom random;
  private final Listener listener;
  private final SocketChannel channel;
  private final ByteBuffer acknowledgements = ByteBuffer.allocate(128 * Long.BYTES);
  private final Deque<ByteBuffer> line = new ArrayDeque<>();
  private Optional<SelectionKey> key = Optional.empty();

  private Peer(Row row, BusSecret secret, SecureRandom random, Listener listener)
      throws IOException {
    this.row = row;
    this.secret = secret;
    this.random = random;
    this.listener = listener;
    this.channel = SocketChannel.open();
  }

  /// Begins to connect.
  ///
  /// @throws IOException when this process has no descriptor left
  static Peer call(Row row, BusSecret secret, SecureRandom random, Listener listener)
      throws IOException {
    var peer = new Peer(row, secret, random, listener);
    try {
      Thread.ofPlatform().daemon().name("bus-to-" + row.name()).start(peer::connect);
    } catch (OutOfMemoryError noThread) {
      peer.close();
      throw noThread;
    }
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

  // --- the thread that connects ---

  private void connect() {
    try {
      introduce();
      listener.connected(this);
    } catch (IOException | RuntimeException failure) {
      close();
      listener.lost(this, String.valueOf(failure.getMessage()));
    }
  }

  private void introduce() throws IOException {
    var socket = channel.socket();
    socket.setTcpNoDelay(true);
    socket.setKeepAlive(true);
    socket.connect(parse(row.address()), PATIENCE_MS);
    socket.setSoTimeout(PATIENCE_MS);
    var in = new DataInputStream(socket.getInputStream());
    var theirs = in.readNBytes(BusSecret.NONCE);
    var hello = new byte[BusSecret.NONCE + BusSecret.PROOF];
    var ours = new byte[BusSecret.NONCE];
    random.nextBytes(ours);
    System.arraycopy(ours, 0, hello, 0, BusSecret.NONCE);
    System.arraycopy(
        secret.ofCaller(theirs, ours, row.replica()), 0, hello, BusSecret.NONCE, BusSecret.PROOF);
    socket.getOutputStream().write(hello);
    var proof = in.readNBytes(BusSecret.PROOF);
    if (!BusSecret.same(proof, secret.ofReplica(theirs, ours, row.replica()))) {
      throw new IOException("whoever listens there is not that replica");
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
        InetAddress.ofLiteral(literal), Integer.parseInt(address.substring(colon + 1)));
  }

  // --- whoever has adopted it ---

  /// From now on `selector` says when there is something to [#read] or room to [#write]; the key's
  /// attachment is this.
  void adopt(Selector selector) throws IOException {
    channel.configureBlocking(false);
    key = Optional.of(channel.register(selector, SelectionKey.OP_READ, this));
  }

  /// Sends frames, at once if there is room, else when there is.
  ///
  /// @throws IOException also when too many wait already
  void tell(byte[] frames) throws IOException {
    if (line.size() >= LONGEST_LINE) {
      throw new IOException("it takes nothing");
    }
    line.addLast(ByteBuffer.wrap(frames));
    if (line.size() == 1) {
      write();
    }
  }

  void write() throws IOException {
    while (!line.isEmpty()) {
      channel.write(line.getFirst());
      if (line.getFirst().hasRemaining()) {
        break;
      }
      line.removeFirst();
    }
    int wants =
        line.isEmpty() ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE;
    key.filter(valid -> valid.isValid() && valid.interestOps() != wants)
        .ifPresent(valid -> {
          valid.interestOps(wants);
          // Whoever waits goes by what was wanted when they began to.
          valid.selector().wakeup();
        });
  }

  /// The last acknowledgement that has arrived; each covers those before.
  OptionalLong read() throws IOException {
    var last = OptionalLong.empty();
    while (true) {
      int bytes = channel.read(acknowledgements);
      if (bytes < 0) {
        throw new EOFException("the other side closed it");
      }
      acknowledgements.flip();
      while (acknowledgements.remaining() >= Long.BYTES) {
        last = OptionalLong.of(acknowledgements.getLong());
      }
      acknowledgements.compact();
      if (bytes < acknowledgements.capacity() / 2) {
        return last;
      }
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      // It is of no use any more either way.
    }
  }
}
