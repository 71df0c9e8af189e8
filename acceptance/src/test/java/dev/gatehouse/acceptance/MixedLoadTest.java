package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.RecordingOrigin;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Shared.class)
class MixedLoadTest {
  private static final int REQUESTS = 100_000;
  private static final int CLIENTS = 24;

  private final Http http = Shared.edge();
  private final String run = UUID.randomUUID().toString();
  private final LongAdder counted = new LongAdder();
  private final LongAdder ages = new LongAdder();

  @Test
  void a_hundred_thousand_mixed_requests_have_no_5xx_that_the_contract_does_not_state()
      throws Exception {
    Shared.meli().answering(RecordingOrigin.ok("hello"));
    var session = Shared.signIn();
    var unexpected = new ConcurrentHashMap<String, LongAdder>();
    var left = new AtomicLong(REQUESTS);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var clients = new ArrayList<Future<?>>();
      for (int c = 0; c < CLIENTS; c++) {
        var random = new Random(c);
        clients.add(
            threads.submit(() -> {
              while (left.getAndDecrement() > 0) {
                var response = one(random, session);
                if (response.statusCode() >= 500 && !isStated(response)) {
                  var what =
                      response.request().method()
                          + " "
                          + response.uri().getPath()
                          + ": "
                          + response.statusCode()
                          + " "
                          + response.body();
                  unexpected.computeIfAbsent(what, w -> new LongAdder()).increment();
                }
              }
            }));
      }
      for (var client : clients) {
        client.get();
      }
    }
    assertThat(unexpected).isEmpty();
    assertThat(Http.json(http.get("/counters/" + run)).path("value").longValue())
        .isEqualTo(counted.sum());
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() ->
            Http.json(http.get("/counters/" + run)).path("persisted").longValue() == counted.sum());
    assertThat(Http.json(http.get("/age/" + run)).size()).isEqualTo(ages.intValue());
  }

  /// One request: out of 1,000, as many as the numbers say.
  private HttpResponse<String> one(Random random, String session) {
    int dice = random.nextInt(1_000);
    var document = "/data/mixed/" + random.nextInt(200);
    if (dice < 250) {
      return http.get("/data/partition1/identifier1");
    } else if (dice < 330) {
      return http.get(document);
    } else if (dice < 400) {
      return http.put(document, "{\"n\":" + dice + "}");
    } else if (dice < 420) {
      return http.delete(document);
    } else if (dice < 430) {
      return http.get("/data/mixed");
    } else if (dice < 434) {
      ages.increment();
      return http.put("/age", "{\"name\":\"" + run + "\",\"age\":" + dice + "}");
    } else if (dice < 500) {
      return http.get("/age/Lukas" + random.nextInt(50));
    } else if (dice < 700) {
      counted.add(dice);
      return http.post("/increment", "{\"key\":\"" + run + "\",\"value\":" + dice + "}");
    } else if (dice < 740) {
      return http.get("/counters/" + run);
    } else if (dice < 780) {
      return http.get("/api/sessions", "Cookie", session);
    } else if (dice < 800) {
      return http.post("/api/increment", "{\"key\":\"by hand\",\"value\":1}", "Cookie", session);
    } else if (dice < 840) {
      return http.get("/multivac");
    } else if (dice < 850) {
      return http.get("/zzz");
    } else if (dice < 855) {
      return http.form("/multivac/data", "data=" + dice);
    } else if (dice < 880) {
      return http.get("/cpu");
    } else if (dice < 882) {
      return http.get("/local_program");
    } else if (dice < 900) {
      return http.get("/status");
    } else if (dice < 980) {
      return http.get("/categories/" + dice);
    } else if (dice < 990) {
      return http.post("/items", "x".repeat(dice));
    }
    return http.put("/age", "{\"name\":1}");
  }

  private static boolean isStated(HttpResponse<String> response) {
    return Map.of("/local_program", true).containsKey(response.uri().getPath())
        && (response.statusCode() == 503 || response.statusCode() == 504);
  }
}
