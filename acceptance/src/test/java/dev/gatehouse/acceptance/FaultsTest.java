package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// One of three origins goes bad under load, each in its own way, and gets well again. (One that is
/// killed is [ReplicaLossTest]'s.)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FaultsTest {
  private static final Duration FAULT = Duration.ofSeconds(5);

  /// Failures before an origin is left out do not depend on the rate, so at a low one they are more
  /// than one in a hundred.
  private static final int NOTICED = 30;

  private static final Duration BACK_WITHIN = Duration.ofSeconds(10);

  private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(1);
  private final List<Sick> origins = List.of(new Sick(clock), new Sick(clock), new Sick(clock));
  private final ProgramUnderTest program =
      ProgramUnderTest.assembly(
          """
          upstreams:
            pool:
              urls: ["%s", "%s", "%s"]
              health: {path: /healthz, every: 500ms, timeout: 400ms, rise: 1, fall: 2}
              per-try-timeout: 300ms
          routes: [{match: {path: /**}, to: pool}]
          """
              .formatted(origins.stream().map(Sick::url).toArray()));

  @BeforeAll
  void start() {
    program.start();
  }

  @AfterAll
  void close() {
    program.close();
    origins.forEach(Sick::close);
    clock.shutdownNow();
  }

  @Test
  void a_sick_origin_is_left_out_before_clients_notice_much() {
    faults(300);
  }

  @Test
  @Tag("full")
  void two_thousand_requests_a_second_do_not_notice_much_either() {
    faults(2000);
  }

  private void faults(int rate) {
    int before = asked();
    var load = new Load(clock, rate, program.edgePort());
    try {
      load.during(Duration.ofSeconds(2));
      assertThat(load.failures()).isEmpty();
      for (var sickness : List.of(State.ANSWERS_500, State.SLOW)) {
        load.forget();
        origins.getFirst().become(sickness);
        load.during(FAULT);
        origins.getFirst().become(State.WELL);

        assertThat(load.failures().size())
            .as(sickness + " failed requests of " + load.sent())
            .isLessThan(Math.max(load.sent() / 100, NOTICED));
        assertThat(load.failuresLasted()).as(sickness + "").isLessThan(Duration.ofSeconds(2));
        int back = origins.getFirst().asked.get();
        await().atMost(BACK_WITHIN).until(() -> origins.getFirst().asked.get() > back + 10);
      }
      origins.forEach(origin -> origin.become(State.ANSWERS_503));
      load.during(FAULT);
      origins.forEach(origin -> origin.become(State.WELL));
      load.forget();
      await().atMost(BACK_WITHIN).until(() -> load.answeredWell() > rate);
    } finally {
      load.close();
    }
    assertThat((double) (asked() - before) / load.everSent())
        .as("requests at the origins for one of a client")
        .isLessThanOrEqualTo(1.2);
  }

  private int asked() {
    return origins.stream().mapToInt(origin -> origin.asked.get()).sum();
  }

  private enum State {
    WELL,
    ANSWERS_500,
    ANSWERS_503,
    SLOW
  }

  /// An origin in one of these states; its health check tells the truth.
  private static final class Sick {
    private final HttpServer server;
    private final ScheduledExecutorService clock;
    private final AtomicInteger asked = new AtomicInteger();
    private volatile State state = State.WELL;

    Sick(ScheduledExecutorService clock) {
      this.clock = clock;
      try {
        server =
            HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1000);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.createContext("/", this::handle);
      server.start();
    }

    String url() {
      return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void become(State next) {
      state = next;
    }

    void close() {
      server.stop(0);
    }

    private void handle(HttpExchange exchange) {
      if (!exchange.getRequestURI().getPath().equals("/healthz")) {
        asked.incrementAndGet();
      }
      switch (state) {
        case WELL -> answer(exchange, 200);
        case ANSWERS_500 -> answer(exchange, 500);
        case ANSWERS_503 -> answer(exchange, 503);
        case SLOW -> clock.schedule(() -> answer(exchange, 200), 2, TimeUnit.SECONDS);
      }
    }

    private static void answer(HttpExchange exchange, int status) {
      try (exchange) {
        exchange.sendResponseHeaders(status, 2);
        exchange.getResponseBody().write(new byte[] {'o', 'k'});
      } catch (IOException e) {
        // The edge gave this try up.
      }
    }
  }

  /// So many GETs a second, whether or not earlier ones have been answered.
  private static final class Load implements AutoCloseable {
    private static final int TICKS = 100;

    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final HttpRequest request;
    private final Queue<Long> failedAt = new ConcurrentLinkedQueue<>();
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger everSent = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger well = new AtomicInteger();
    private final java.util.concurrent.ScheduledFuture<?> ticking;

    Load(ScheduledExecutorService clock, int rate, int port) {
      request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/"))
              .timeout(Duration.ofSeconds(10))
              .build();
      ticking =
          clock.scheduleAtFixedRate(
              () -> {
                for (int i = 0; i < rate / TICKS; i++) {
                  send();
                }
              },
              0,
              1_000_000 / TICKS,
              TimeUnit.MICROSECONDS);
    }

    private void send() {
      sent.incrementAndGet();
      everSent.incrementAndGet();
      waiting.incrementAndGet();
      client
          .sendAsync(request, BodyHandlers.discarding())
          .whenComplete((response, broken) -> {
            waiting.decrementAndGet();
            if (broken == null && response.statusCode() == 200) {
              well.incrementAndGet();
            } else {
              failedAt.add(System.nanoTime());
            }
          });
    }

    /// Lets it go on for this long.
    void during(Duration time) {
      long end = System.nanoTime() + time.toNanos();
      await().atMost(time.multipliedBy(4)).until(() -> System.nanoTime() > end);
    }

    void forget() {
      failedAt.clear();
      sent.set(0);
      well.set(0);
    }

    List<Long> failures() {
      return List.copyOf(failedAt);
    }

    Duration failuresLasted() {
      var all = failures();
      return all.isEmpty() ? Duration.ZERO : Duration.ofNanos(all.getLast() - all.getFirst());
    }

    int sent() {
      return sent.get();
    }

    int answeredWell() {
      return well.get();
    }

    int everSent() {
      return everSent.get();
    }

    /// Ends when everything is answered.
    @Override
    public void close() {
      ticking.cancel(false);
      await().atMost(Duration.ofSeconds(20)).until(() -> waiting.get() == 0);
      client.close();
    }
  }
}
