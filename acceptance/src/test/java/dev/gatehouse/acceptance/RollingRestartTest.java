package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// Every replica of a service is restarted, one after the other, while clients read and write.
class RollingRestartTest {
  @Test
  void restarting_every_replica_under_load_fails_no_request_and_repeats_no_append()
      throws Exception {
    try (var program = ProgramUnderTest.assembly().start();
        var load = new Load()) {
      var http = new Http(program.edgePort());
      var name = "rolling-" + UUID.randomUUID();
      var appended = new AtomicInteger();
      load.with(3, i -> http.get("/data/partition1/identifier1"))
          .with(1, i -> http.put("/data/rolling/" + i % 50, "{\"i\":" + i + "}"))
          .with(
              2,
              i -> {
                var answer =
                    http.put("/age", "{\"name\":\"" + name + "\",\"age\":" + i % 100 + "}");
                appended.incrementAndGet();
                return answer;
              });
      await().until(() -> load.answered() > 200);
      var before = program.replica("storage-1").orElseThrow().pid();

      var outcome = program.run("restart", "storage");

      assertThat(outcome.exit()).as(outcome.err()).isZero();
      int answered = load.answered();
      await().until(() -> load.answered() > answered + 200);
      assertThat(load.failed()).isEmpty();
      assertThat(program.replica("storage-1").orElseThrow().pid()).isNotEqualTo(before);
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () -> assertThat(json(http.get("/age/" + name)).size()).isEqualTo(appended.get()));
    }
  }
}
