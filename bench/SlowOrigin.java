import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// An origin for `bench/cache`: `SlowOrigin PORT`. Every path but `/count` takes 200 ms and may be
/// kept for three seconds; `/count` says how often the others were asked.
final class SlowOrigin {
  private SlowOrigin() {}

  public static void main(String[] args) throws Exception {
    var asked = new AtomicInteger();
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
    var server = HttpServer.create(address, 4096);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          boolean count = exchange.getRequestURI().getPath().equals("/count");
          if (!count) {
            asked.incrementAndGet();
            pause();
          }
          var body = (count ? asked.toString() : "slow").getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Cache-Control", count ? "no-store" : "max-age=3");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  private static void pause() {
    try {
      Thread.sleep(200);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
