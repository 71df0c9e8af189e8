package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What large bodies and many connections cost the edge. It has an assembly of its own, with an
/// origin that takes and gives a gibibyte.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MemoryTest {
  private static final long BODY = 1L << 30;
  private static final int IDLE = 10_000;
  private static final int KIB = 1024;

  private final ServerSocket listening = listen();
  private final ProgramUnderTest program =
      ProgramUnderTest.assembly(
          """
          upstreams: {origin: {url: "http://127.0.0.1:%d"}}
          routes: [{match: {path: /**}, to: origin}]
          """
              .formatted(listening.getLocalPort()));

  private long edge;

  @BeforeAll
  void start() {
    Thread.ofVirtual().start(this::accept);
    program.start();
    edge = program.replica("edge").orElseThrow().pid();
  }

  @AfterAll
  void close() throws IOException {
    program.close();
    listening.close();
  }

  @Test
  void a_gibibyte_streams_up_and_down_in_less_than_32_mib() throws Exception {
    down(BODY / 64);
    up(BODY / 64);
    long before = residentKib();

    var down = grownWhile(() -> assertThat(down(BODY)).isEqualTo(BODY), before);
    var up = grownWhile(() -> assertThat(up(BODY)).isEqualTo(BODY), before);

    assertThat(Math.max(down, up)).as("KiB more than before").isLessThan(32L * KIB);
  }

  @Test
  void ten_thousand_idle_connections_cost_at_most_20_kib_of_heap_each() throws Exception {
    exchange();
    long before = heapInUse();
    var idle = new ArrayList<Socket>();
    try {
      for (int i = 0; i < IDLE; i++) {
        var socket = new Socket(InetAddress.getLoopbackAddress(), program.edgePort());
        idle.add(socket);
        request(socket, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
        answer(socket.getInputStream());
      }

      assertThat((heapInUse() - before) / IDLE)
          .as("bytes for one idle connection")
          .isLessThan(20L * KIB);
      exchange();
    } finally {
      for (var socket : idle) {
        socket.close();
      }
    }
    await().atMost(Duration.ofSeconds(30)).until(() -> heapInUse() - before < (long) IDLE * KIB);
  }

  private interface Work {
    void run() throws Exception;
  }

  /// The most that the edge's memory was above `before` while it worked.
  private long grownWhile(Work work, long before) throws Exception {
    var most = new long[1];
    var running =
        new Thread(() -> {
          try {
            work.run();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
    var failure = new Throwable[1];
    running.setUncaughtExceptionHandler((thread, thrown) -> failure[0] = thrown);
    running.start();
    while (!running.join(Duration.ofMillis(50))) {
      most[0] = Math.max(most[0], residentKib() - before);
    }
    assertThat(failure[0]).isNull();
    return Math.max(most[0], residentKib() - before);
  }

  private long residentKib() throws IOException {
    for (var line : Files.readAllLines(Path.of("/proc", Long.toString(edge), "status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IllegalStateException("no VmRSS");
  }

  /// Bytes of the edge's heap that are in use after a full collection.
  private long heapInUse() throws IOException, InterruptedException {
    var pid = Long.toString(edge);
    jcmd(pid, "GC.run");
    var used = Pattern.compile("used (\\d+)K").matcher(jcmd(pid, "GC.heap_info"));
    long sum = 0;
    // The young and the old generation; what follows is the metaspace.
    for (int i = 0; i < 2 && used.find(); i++) {
      sum += Long.parseLong(used.group(1)) * KIB;
    }
    return sum;
  }

  private static String jcmd(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
    command.addAll(List.of(arguments));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }

  // --- the client ---

  private void exchange() throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), program.edgePort())) {
      request(socket, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(answer(socket.getInputStream())).isEqualTo(5);
    }
  }

  private long down(long bytes) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), program.edgePort())) {
      request(socket, "GET /" + bytes + " HTTP/1.1\r\nHost: a\r\n\r\n");
      return answer(socket.getInputStream());
    }
  }

  private long up(long bytes) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), program.edgePort())) {
      request(socket, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " + bytes + "\r\n\r\n");
      give(socket.getOutputStream(), bytes);
      var head = head(socket.getInputStream());
      return Long.parseLong(field(head, "X-Received"));
    }
  }

  private static void request(Socket socket, String text) throws IOException {
    socket.setSoTimeout(60_000);
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  /// Reads one answer; the length of its body.
  private static long answer(InputStream in) throws IOException {
    return take(in, Long.parseLong(field(head(in), "Content-Length")));
  }

  // --- the origin ---

  private void accept() {
    while (!listening.isClosed()) {
      try {
        var connection = listening.accept();
        Thread.ofVirtual().start(() -> serve(connection));
      } catch (IOException closed) {
        return;
      }
    }
  }

  /// `/small` is five bytes, `/N` is N bytes, and a POST is told how much of it came.
  private static void serve(Socket connection) {
    try (connection) {
      // Head and body are two writes: the second would wait for the first one's acknowledgement.
      connection.setTcpNoDelay(true);
      var in = connection.getInputStream();
      var out = connection.getOutputStream();
      for (var head = head(in); !head.isEmpty(); head = head(in)) {
        long received =
            head.startsWith("POST") ? take(in, Long.parseLong(field(head, "Content-Length"))) : 0;
        var path = head.split(" ", 3)[1].substring(1);
        long length = path.matches("[0-9]+") ? Long.parseLong(path) : 5;
        out.write(
            ("HTTP/1.1 200 OK\r\nX-Received: "
                    + received
                    + "\r\nContent-Length: "
                    + length
                    + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        give(out, length);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // --- both ---

  private static String head(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        return "";
      }
      head.append((char) next);
    }
    return head.toString();
  }

  private static String field(String head, String name) {
    return Arrays.stream(head.split("\r\n"))
        .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + name + " in " + head));
  }

  private static void give(OutputStream out, long bytes) throws IOException {
    var piece = new byte[64 * KIB];
    for (long left = bytes; left > 0; left -= piece.length) {
      out.write(piece, 0, (int) Math.min(piece.length, left));
    }
  }

  private static long take(InputStream in, long bytes) throws IOException {
    var piece = new byte[64 * KIB];
    long got = 0;
    while (got < bytes) {
      int read = in.read(piece, 0, (int) Math.min(piece.length, bytes - got));
      if (read < 0) {
        break;
      }
      got += read;
    }
    return got;
  }

  private static ServerSocket listen() {
    try {
      return new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
