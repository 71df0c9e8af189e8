package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.EmbeddedPostgres;
import dev.gatehouse.state.EmbeddedSettings;
import dev.gatehouse.state.Migrations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Three worker processes, killed at random moments and started again, and a Postgres with its
/// flushes on that is killed in the middle.
class ChaosTest {
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final int WORKERS = 3;

  private final Random random = new Random(20261121);
  private final List<Process> workers = new ArrayList<>();
  private Path data = Path.of("unset");
  private Optional<EmbeddedPostgres> postgres = Optional.empty();

  @BeforeEach
  void start() throws IOException {
    data = Files.createTempDirectory("gatehouse-chaos-");
    // Where the server has to run as another user, that user passes through here.
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x--x"));
    startPostgres();
  }

  @AfterEach
  void close() throws Exception {
    for (var worker : workers) {
      worker.destroyForcibly().waitFor();
    }
    postgres.ifPresent(EmbeddedPostgres::close);
    try (var files = Files.walk(data)) {
      for (var file : files.sorted(Collections.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  @Test
  void whoever_is_killed_every_effect_is_there_exactly_once() throws Exception {
    everyEffectExactlyOnce(2_000, 4);
  }

  @Test
  @Tag("full")
  void ten_thousand_jobs_twenty_kills_and_a_restart_of_postgres_leave_every_effect_exactly_once()
      throws Exception {
    everyEffectExactlyOnce(10_000, 20);
  }

  private void everyEffectExactlyOnce(int jobs, int kills) throws Exception {
    try (var database = open()) {
      Migrations.apply(database);
      database.with(handle -> handle.execute("CREATE TABLE effects (job bigint, worker text)"));
      var ids =
          new Queue(database, QueueSettings.named(Bench.QUEUE))
              .enqueueAll(Collections.nCopies(jobs, NewJob.of("k", ""))).stream()
                  .map(Enqueued::id)
                  .toList();
      for (int i = 0; i < WORKERS; i++) {
        workers.add(launch(i));
      }
      for (int kill = 1; kill <= kills; kill++) {
        int reached = (int) ((long) jobs * kill / (kills + 1));
        // After a restart our own pool, too, has connections that are dead.
        await()
            .atMost(PATIENCE)
            .ignoreExceptions()
            .until(() -> effects(database).size() >= reached);
        if (kill == kills / 2) {
          restartPostgres();
        }
        int victim = random.nextInt(WORKERS);
        workers.get(victim).destroyForcibly().waitFor();
        workers.set(victim, launch(victim));
      }
      await().atMost(PATIENCE).ignoreExceptions().until(() -> open(database) == 0);
      assertThat(effects(database)).isEqualTo(ids);
    }
  }

  private Database open() {
    return Database.open(new DatabaseSettings(postgres.orElseThrow().url(), 4, "chaos"));
  }

  private static List<Long> effects(Database database) {
    return database.with(handle ->
        handle.createQuery("SELECT job FROM effects ORDER BY job").mapTo(Long.class).list());
  }

  private static int open(Database database) {
    return database.with(
        handle -> handle.createQuery("SELECT count(*) FROM jobs").mapTo(Integer.class).one());
  }

  private void startPostgres() {
    postgres =
        Optional.of(
            EmbeddedPostgres.start(
                EmbeddedSettings.in(data).withBinaries(Path.of("target", "test-postgres"))));
  }

  private void restartPostgres() {
    var old = postgres.orElseThrow();
    var url = old.url();
    ProcessHandle.of(old.pid()).ifPresent(ProcessHandle::destroyForcibly);
    old.onExit().join();
    old.close();
    startPostgres();
    assertThat(postgres.orElseThrow().url()).isEqualTo(url);
  }

  private Process launch(int number) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Busy.class.getName(),
            postgres.orElseThrow().url(),
            "worker-" + number)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /// A worker process whose jobs take a few milliseconds each.
  static final class Busy {
    private Busy() {}

    public static void main(String[] args) throws Exception {
      var database = Database.open(new DatabaseSettings(args[0], 3, args[1]));
      Worker.start(
          database,
          QueueSettings.named(Bench.QUEUE),
          Map.of(
              "k",
              job -> {
                LockSupport.parkNanos(5_000_000 + job.id() % 7 * 3_000_000);
                return Bench.recorded(job, args[1]);
              }),
          WorkerSettings.named(args[1]),
          Bench.host());
      new CountDownLatch(1).await();
    }
  }
}
