package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Jobs that take their worker with them, in worker processes that are started again as the
/// supervisor does it.
class PoisonTest {
  private static final Duration LEASE = Duration.ofMillis(800);

  private final Bench bench = new Bench();
  private final List<Process> processes = new ArrayList<>();
  private final Thread supervisor = Thread.ofVirtual().unstarted(this::keepAWorkerRunning);
  private volatile boolean over;

  @AfterEach
  void close() throws Exception {
    over = true;
    supervisor.interrupt();
    supervisor.join();
    for (var process : List.copyOf(processes)) {
      process.destroyForcibly().waitFor();
    }
    bench.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"throw", "exit", "memory", "spin"})
  void a_poison_job_ends_in_the_dead_letters_and_takes_no_neighbour_with_it(String poison)
      throws Exception {
    var jobs = new ArrayList<NewJob>();
    IntStream.range(0, 300).forEach(i -> jobs.add(NewJob.of("k", i == 20 ? poison : "fine")));
    var queue = new Queue(bench.database, bench.settings.withMaxAttempts(2));
    var ids = queue.enqueueAll(jobs).stream().map(Enqueued::id).toList();
    supervisor.start();

    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> bench.status(ids.get(20)).state() == JobState.DEAD);
    await().until(() -> bench.effects().size() == 299);
    assertThat(bench.status(ids.get(20)).attempts()).isEqualTo(2);
    assertThat(bench.effects()).doesNotHaveDuplicates().doesNotContain(ids.get(20));
    for (long id : bench.effects()) {
      assertThat(bench.status(id).attempts()).as("attempts of job " + id).isEqualTo(1);
    }
  }

  @Test
  void while_one_job_spins_the_others_run_and_leases_are_kept() throws Exception {
    long spinning = bench.queue.enqueue("k", "spin-on");
    long second = bench.queue.enqueue("k", "spin-on");
    launch("60000");
    bench.awaitState(spinning, JobState.RUNNING);
    bench.awaitState(second, JobState.RUNNING);
    var firstEnd = bench.status(second).dueAt();
    await().until(() -> bench.status(second).dueAt().isAfter(firstEnd.plus(LEASE)));
    for (int i = 0; i < 20; i++) {
      bench.awaitState(bench.queue.enqueue("k", "fine"), JobState.DONE);
    }
    assertThat(bench.status(spinning).worker()).contains("poisoned");
    assertThat(bench.effects()).hasSize(20);
  }

  private void keepAWorkerRunning() {
    try {
      while (!over) {
        launch("2000").waitFor();
      }
    } catch (Exception e) {
      // The test is over.
    }
  }

  private Process launch(String timeoutMillis) throws Exception {
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                System.getProperty("java.class.path"),
                Poisoned.class.getName(),
                bench.url,
                timeoutMillis)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    processes.add(process);
    return process;
  }

  /// A worker process whose handler does what the payload says.
  static final class Poisoned {
    private Poisoned() {}

    public static void main(String[] args) throws Exception {
      var database = Database.open(new DatabaseSettings(args[0], 4, "poisoned"));
      Worker.start(
          database,
          QueueSettings.named(Bench.QUEUE)
              .withMaxAttempts(2)
              .withBackoff(Bench.SHORT)
              .withTimeout(Duration.ofMillis(Long.parseLong(args[1]))),
          Map.of("k", Poisoned::run),
          Bench.settings("poisoned").withLease(LEASE),
          new Host(System::nanoTime, new Random(1), () -> Runtime.getRuntime().halt(70)));
      new CountDownLatch(1).await();
    }

    private static Completion run(Job job) {
      switch (job.payload()) {
        case "throw" -> throw new IllegalStateException("poison");
        case "exit" -> System.exit(1);
        case "memory" -> {
          var all = new ArrayList<byte[]>();
          while (all.size() < 1_000_000) {
            all.add(new byte[1 << 20]);
          }
        }
        case "spin", "spin-on" -> {
          long n = 0;
          while (n != -1) {
            n = Math.abs(n + 1);
          }
        }
        default -> {}
      }
      return Bench.recorded(job, "poisoned");
    }
  }
}
