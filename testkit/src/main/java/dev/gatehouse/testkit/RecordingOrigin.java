package dev.gatehouse.testkit;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/// A small real HTTP/1.1 origin on plain sockets: it keeps every request byte for byte and answers
/// whatever the test's script writes.
///
/// It shares no code with the program under test, so that both cannot be wrong in the same way. One
/// virtual thread per connection; requests of one connection are answered in order, and one that
/// expects `100-continue` gets it.
public final class RecordingOrigin implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /// Writes the answer to one request.
  @FunctionalInterface
  public interface Script {
    void answer(HttpMessage request, Wire wire) throws IOException;
  }

  private final int port;
  private final Optional<SSLContext> tls;
  private final List<HttpMessage> received = new CopyOnWriteArrayList<>();
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private volatile ServerSocket listening;
  private volatile Script script = ok("");
  private volatile boolean early;

  private RecordingOrigin(ServerSocket listening, Optional<SSLContext> tls) {
    this.listening = listening;
    this.tls = tls;
    port = listening.getLocalPort();
    accept(listening);
  }

  /// Starts an origin that answers every request with an empty 200.
  public static RecordingOrigin start() {
    return new RecordingOrigin(bind(FreePort.next()), Optional.empty());
  }

  /// Starts one that speaks TLS.
  public static RecordingOrigin start(SSLContext tls) {
    return new RecordingOrigin(bind(FreePort.next()), Optional.of(tls));
  }

  public int port() {
    return port;
  }

  public String url() {
    return "http://127.0.0.1:" + port;
  }

  public RecordingOrigin answering(Script next) {
    script = next;
    return this;
  }

  /// From now on the script is called when a request's head has come; the rest of the connection is
  /// never read.
  public RecordingOrigin answeringEarly(Script next) {
    early = true;
    return answering(next);
  }

  /// How many connections are open.
  public int connections() {
    return connections.size();
  }

  /// Every request so far, in the order in which they were complete.
  public List<HttpMessage> received() {
    return List.copyOf(received);
  }

  public HttpMessage lastReceived() {
    return received.getLast();
  }

  /// The last request for this target: a replica is asked for its health in between.
  public HttpMessage lastReceived(String target) {
    return received.stream()
        .filter(request -> request.target().equals(target))
        .reduce((earlier, later) -> later)
        .orElseThrow();
  }

  public void forget() {
    received.clear();
  }

  /// Stops listening and resets what is connected: whoever connects now is refused.
  public void refuse() {
    try {
      listening.close();
      awaitRefusal();
      cutAll();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The kernel may take connections for a moment longer, while the thread that accepts wakes up.
  private void awaitRefusal() throws IOException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      try (var probe = new Socket()) {
        probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        new Wire(probe).reset();
      } catch (ConnectException refused) {
        return;
      } catch (SocketException closing) {
        // It was taken and reset: not closed yet.
      }
    }
    throw new IOException("port " + port + " still takes connections");
  }

  /// Listens again, on the same port.
  public void listen() {
    listening = bind(port);
    accept(listening);
  }

  /// Resets every connection that is open.
  public void cutAll() {
    for (var connection : connections) {
      new Wire(connection).reset();
    }
  }

  @Override
  public void close() {
    refuse();
  }

  /// A script that answers 200 with this text.
  public static Script ok(String text) {
    return (request, wire) ->
        wire.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
                + text.getBytes(StandardCharsets.UTF_8).length
                + "\r\n\r\n"
                + (request.method().equals("HEAD") ? "" : text));
  }

  /// A script that sends exactly this, in UTF-8.
  public static Script bytes(String wireText) {
    return (request, wire) -> wire.send(wireText);
  }

  private static ServerSocket bind(int port) {
    try {
      var socket = new ServerSocket();
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept(ServerSocket from) {
    Thread.ofVirtual()
        .name("origin-" + port)
        .start(() -> {
          while (!from.isClosed()) {
            try {
              var connection = secured(from.accept());
              connections.add(connection);
              Thread.ofVirtual().start(() -> serve(connection));
            } catch (IOException e) {
              return;
            }
          }
        });
  }

  private Socket secured(Socket plain) throws IOException {
    if (tls.isEmpty()) {
      return plain;
    }
    var secure =
        (SSLSocket) tls.get().getSocketFactory().createSocket(plain, null, plain.getPort(), true);
    secure.setUseClientMode(false);
    return secure;
  }

  private void serve(Socket connection) {
    try (connection) {
      connection.setTcpNoDelay(true);
      var in = new BufferedInputStream(connection.getInputStream());
      while (true) {
        if (early) {
          var head = HttpMessage.read(in, true);
          if (head.isPresent()) {
            received.add(head.get());
            script.answer(head.get(), new Wire(connection));
          }
          return;
        }
        var request =
            HttpMessage.read(
                in, false, () -> new Wire(connection).send("HTTP/1.1 100 Continue\r\n\r\n"));
        if (request.isEmpty()) {
          return;
        }
        received.add(request.get());
        script.answer(request.get(), new Wire(connection));
      }
    } catch (IOException e) {
      // The client went away or the script cut the connection: the test looks at the other end.
    } finally {
      connections.remove(connection);
    }
  }

  /// The connection a script writes its answer to.
  public static final class Wire {
    private final Socket socket;

    private Wire(Socket socket) {
      this.socket = socket;
    }

    public Wire send(String text) throws IOException {
      return send(text.getBytes(StandardCharsets.UTF_8));
    }

    public Wire send(byte[] bytes) throws IOException {
      OutputStream out = socket.getOutputStream();
      out.write(bytes);
      out.flush();
      return this;
    }

    /// Goes on when the test opens the latch.
    public Wire await(CountDownLatch latch) throws IOException {
      try {
        if (!latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
          throw new IOException("nobody opened the latch");
        }
        return this;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }

    /// Ends the connection in order.
    public void close() throws IOException {
      socket.close();
    }

    /// Ends the connection with a reset.
    public void reset() {
      try {
        socket.setSoLinger(true, 0);
        socket.close();
      } catch (IOException e) {
        // It is closed already.
      }
    }
  }
}
