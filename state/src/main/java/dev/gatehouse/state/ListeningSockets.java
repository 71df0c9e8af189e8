package dev.gatehouse.state;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import javax.net.SocketFactory;

/// Sockets for connections that listen for notifications.
///
/// The driver ends every drain of notifications with a read of one millisecond, to see whether
/// another follows, and hands over what it has only then. Here that read answers from what has
/// arrived, so a notification is heard a millisecond earlier (bench/jobs: of four from enqueueing
/// to the start); one that arrives a moment later is met by the next drain.
///
/// The driver makes it by its name: public, with a constructor of no parameters.
public final class ListeningSockets extends SocketFactory {
  private static final int PEEK_MILLIS = 1;

  @Override
  public Socket createSocket() {
    return new Unhurried();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw unconnectedOnly();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws IOException {
    throw unconnectedOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    throw unconnectedOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws IOException {
    throw unconnectedOnly();
  }

  private static IOException unconnectedOnly() {
    return new IOException("The driver connects these itself.");
  }

  private static final class Unhurried extends Socket {
    private volatile boolean peeks;

    @Override
    public synchronized void setSoTimeout(int millis) throws SocketException {
      peeks = millis == PEEK_MILLIS;
      super.setSoTimeout(millis);
    }

    @Override
    public InputStream getInputStream() throws IOException {
      return new FilterInputStream(super.getInputStream()) {
        @Override
        public int read(byte[] into, int at, int length) throws IOException {
          if (peeks && available() == 0) {
            throw new SocketTimeoutException("nothing has arrived");
          }
          return super.read(into, at, length);
        }
      };
    }
  }
}
