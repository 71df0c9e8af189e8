package dev.gatehouse.testkit;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/// One TCP connection that sends exactly the bytes it is given and reads what comes back, for what
/// a well-behaved HTTP client would never send.
public final class RawClient implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  /// What is left of the chunk that [#readChunksUntil] is in.
  private int chunkLeft;

  private RawClient(Socket socket) throws IOException {
    this.socket = socket;
    in = new BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /// Connects to a port of the loopback address.
  public static RawClient connect(int port) {
    var socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout((int) PATIENCE.toMillis());
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) PATIENCE.toMillis());
      return new RawClient(socket);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Sends one byte per character: text is Latin-1 here, so that any byte can be written.
  public RawClient send(String text) {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  public RawClient send(byte[] bytes) {
    try {
      out.write(bytes);
      out.flush();
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Sends what the peer still takes; false when it has closed or reset the connection already.
  public boolean trySend(byte[] bytes) {
    try {
      out.write(bytes);
      out.flush();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /// Ends our side of the connection; answers can still be read.
  public RawClient halfClose() {
    try {
      socket.shutdownOutput();
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends the connection with a reset instead of an orderly end.
  public void reset() {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The next response.
  public HttpMessage read() {
    return read(false);
  }

  /// The next response, to a `HEAD` request: no body follows.
  public HttpMessage readToHead() {
    return read(true);
  }

  private HttpMessage read(boolean bodyless) {
    try {
      return HttpMessage.read(in, bodyless)
          .orElseThrow(() -> new EOFException("the connection was closed without an answer"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The next response; empty if the peer has closed or reset the connection instead.
  public Optional<HttpMessage> answerIfAny() {
    try {
      return HttpMessage.read(in, false);
    } catch (SocketException | EOFException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Everything that comes until this text has come, as Latin-1. In a chunked body a proxy may cut
  /// it in two: see [#readChunksUntil].
  public String readUntil(String text) {
    return gather(text, this::readOne);
  }

  /// What a chunked body says until this text has come, however it was cut into chunks; its head
  /// must have been read.
  public String readChunksUntil(String text) {
    return gather(
        text,
        () -> {
          if (chunkLeft == 0) {
            chunkLeft = Integer.parseInt(line(), 16);
            if (chunkLeft == 0) {
              throw new EOFException("the last chunk has come");
            }
          }
          int next = readOne();
          if (--chunkLeft == 0) {
            line();
          }
          return next;
        });
  }

  private interface Source {
    int next() throws IOException;
  }

  private static String gather(String text, Source from) {
    var got = new StringBuilder();
    try {
      while (got.indexOf(text) < 0) {
        got.append((char) from.next());
      }
      return got.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(
          e.getMessage() + " before '" + text + "' came; so far: '" + got + "'", e);
    }
  }

  private int readOne() throws IOException {
    int next = in.read();
    if (next < 0) {
      throw new EOFException("the connection ended");
    }
    return next;
  }

  private String line() throws IOException {
    var line = new StringBuilder();
    for (int next = readOne(); next != '\n'; next = readOne()) {
      line.append((char) next);
    }
    return line.toString().strip();
  }

  /// Whether the peer ends the connection, by an end or a reset, and sends nothing more before.
  public boolean isClosedByPeer() {
    try {
      return in.read() < 0;
    } catch (SocketException e) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
