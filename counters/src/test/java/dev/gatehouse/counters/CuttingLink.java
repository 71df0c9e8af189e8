package dev.gatehouse.counters;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/// A link to a Postgres that breaks when told to: at once, or just after the server has done what
/// it was asked and before its answer is through.
final class CuttingLink implements AutoCloseable {
  private final URI server;
  private final ServerSocket door;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean loseAnswer = new AtomicBoolean();
  private volatile boolean down;

  CuttingLink(String url) {
    server = URI.create(url);
    try {
      door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  /// The server's URL, by way of this link.
  String url() {
    return server
        .toString()
        .replace(
            server.getHost() + ":" + server.getPort(),
            door.getInetAddress().getHostAddress() + ":" + door.getLocalPort());
  }

  /// Ends every connection; new ones work.
  void cut() {
    sockets.forEach(CuttingLink::end);
  }

  /// Ends every connection, and each new one until [#up].
  void down() {
    down = true;
    cut();
  }

  void up() {
    down = false;
  }

  /// The next thing that the server says is lost, and its connection with it.
  void loseNextAnswer() {
    loseAnswer.set(true);
  }

  @Override
  public void close() {
    down();
    try {
      door.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() {
    while (true) {
      try {
        var client = door.accept();
        if (down) {
          end(client);
          continue;
        }
        var postgres = new Socket(server.getHost(), server.getPort());
        sockets.add(client);
        sockets.add(postgres);
        Thread.ofVirtual().start(() -> pump(client, postgres, false));
        Thread.ofVirtual().start(() -> pump(postgres, client, true));
      } catch (IOException e) {
        return; // the door is closed
      }
    }
  }

  private void pump(Socket from, Socket to, boolean answers) {
    var buffer = new byte[1 << 16];
    try {
      int read = from.getInputStream().read(buffer);
      while (read > 0 && !(answers && loseAnswer.getAndSet(false))) {
        to.getOutputStream().write(buffer, 0, read);
        read = from.getInputStream().read(buffer);
      }
    } catch (IOException e) {
      // Cut: both ends are told below.
    }
    sockets.remove(from);
    end(from);
    end(to);
  }

  private static void end(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
