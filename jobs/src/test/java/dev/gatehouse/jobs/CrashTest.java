package dev.gatehouse.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CrashTest {
  private final Bench bench = new Bench();

  @AfterEach
  void close() throws Exception {
    bench.close();
  }

  @Test
  void the_job_of_a_worker_killed_in_the_middle_runs_again_in_seconds_and_counts_once()
      throws Exception {
    long id = bench.queue.enqueue("k", "");
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Doomed.class.getName(),
                bench.url)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var lines = process.inputReader(UTF_8)) {
      assertThat(lines.readLine()).isEqualTo("started " + id);
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(bench.status(id).state()).isEqualTo(JobState.RUNNING);

    bench.worker("heir", job -> Bench.recorded(job, "heir"));
    // Five seconds on a machine that has time for it: a lease of four, and a poll of one at most.
    await().atMost(Duration.ofSeconds(10)).until(() -> bench.status(id).state() == JobState.DONE);
    assertThat(bench.effects()).containsExactly(id);
    assertThat(bench.status(id).attempts()).isEqualTo(1);
    assertThat(bench.status(id).worker()).contains("heir");
  }

  /// A worker process that begins a job and never ends it.
  static final class Doomed {
    private Doomed() {}

    public static void main(String[] args) throws Exception {
      var database = Database.open(new DatabaseSettings(args[0], 4, "doomed"));
      Worker.start(
          database,
          QueueSettings.named(Bench.QUEUE),
          Map.of(
              "k",
              job -> {
                System.out.println("started " + job.id());
                new CountDownLatch(1).await();
                return Completion.done();
              }),
          WorkerSettings.named("doomed"),
          Bench.host());
      new CountDownLatch(1).await();
    }
  }
}
