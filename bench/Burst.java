import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/// Sends bursts of requests, one a connection and all at once, to several servers in turns, and
/// prints one line a burst: the server's name and the microseconds until the last answer was here.
///
///     java Burst.java PATH SIZE ROUNDS NAME=PORT...
class Burst {
  private static final byte[] BUFFER = new byte[4096];

  public static void main(String[] args) throws Exception {
    var request =
        ("GET " + args[0] + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    int size = Integer.parseInt(args[1]);
    int rounds = Integer.parseInt(args[2]);
    var servers = Arrays.copyOfRange(args, 3, args.length);
    var connections = new ArrayList<List<Socket>>();
    for (var server : servers) {
      var open = new ArrayList<Socket>();
      for (int i = 0; i < size; i++) {
        var socket = new Socket("127.0.0.1", Integer.parseInt(server.split("=")[1]));
        socket.setTcpNoDelay(true);
        open.add(socket);
      }
      connections.add(open);
    }
    int warmup = 100;
    for (int round = -warmup; round < rounds; round++) {
      for (int i = 0; i < servers.length; i++) {
        // Long enough for a buffer to be full again.
        LockSupport.parkNanos(150_000_000);
        long micros = burst(connections.get(i), request);
        if (round >= 0) {
          System.out.println(servers[i].split("=")[0] + " " + micros);
        }
      }
    }
  }

  private static long burst(List<Socket> connections, byte[] request) throws Exception {
    long start = System.nanoTime();
    for (var connection : connections) {
      connection.getOutputStream().write(request);
    }
    for (var connection : connections) {
      readAnswer(connection.getInputStream());
    }
    return (System.nanoTime() - start) / 1000;
  }

  private static void readAnswer(InputStream in) throws Exception {
    int length = 0;
    while (true) {
      int read = in.read(BUFFER, length, BUFFER.length - length);
      if (read < 0) {
        throw new IllegalStateException("cut");
      }
      length += read;
      var text = new String(BUFFER, 0, length, StandardCharsets.ISO_8859_1);
      int end = text.indexOf("\r\n\r\n");
      if (end > 0) {
        if (!text.startsWith("HTTP/1.1 200")) {
          throw new IllegalStateException(text);
        }
        int at = text.toLowerCase().indexOf("content-length: ") + 16;
        int body = Integer.parseInt(text.substring(at, text.indexOf("\r\n", at)).trim());
        if (length >= end + 4 + body) {
          return;
        }
      }
    }
  }
}
