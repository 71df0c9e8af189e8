package dev.gatehouse.jobs;

import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.testkit.TestPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.awaitility.Awaitility;
import org.jdbi.v3.core.Handle;

/// A database, a queue in it, a table that effects write to, and the workers a test starts.
final class Bench implements AutoCloseable {
  static final String QUEUE = "test";
  static final Backoff SHORT = new Backoff(Duration.ofMillis(20), Duration.ofMillis(40));

  static {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
  }

  final String url = TestPostgres.url();
  final Database database = Database.open(new DatabaseSettings(url, 20, "jobs-test"));
  final QueueSettings settings = QueueSettings.named(QUEUE).withMaxAttempts(3).withBackoff(SHORT);
  final Queue queue = new Queue(database, settings);
  private final List<AutoCloseable> open = new ArrayList<>();

  Bench() {
    database.with(handle -> handle.execute("CREATE TABLE effects (job bigint, worker text)"));
  }

  static WorkerSettings settings(String name) {
    return WorkerSettings.named(name).withPollEvery(Duration.ofMillis(50));
  }

  Worker worker(String name, JobHandler handler) {
    return worker(settings(name), handler);
  }

  Worker worker(WorkerSettings worker, JobHandler handler) {
    return worker(settings, worker, handler);
  }

  Worker worker(QueueSettings queue, WorkerSettings settings, JobHandler handler) {
    var worker = Worker.start(database, queue, Map.of("k", handler), settings, host());
    open.add(worker);
    return worker;
  }

  static Host host() {
    return new Host(System::nanoTime, new Random(1), () -> {});
  }

  /// A completion that leaves a row, so that each one that counted can be counted.
  static Completion recorded(Job job, String worker) {
    return Completion.with(
        handle -> handle.execute("INSERT INTO effects VALUES (?, ?)", job.id(), worker));
  }

  List<Long> effects() {
    return database.with(handle ->
        handle.createQuery("SELECT job FROM effects ORDER BY job").mapTo(Long.class).list());
  }

  JobStatus status(long id) {
    return queue.find(id).orElseThrow();
  }

  void awaitState(long id, JobState state) {
    await().until(() -> status(id).state() == state);
  }

  List<Job> claim(String worker, Duration lease, int limit) {
    return database.inTransaction(handle -> claim(handle, worker, lease, limit));
  }

  static List<Job> claim(Handle handle, String worker, Duration lease, int limit) {
    handle.execute(JobSql.PLAN);
    return JobSql.claim(handle, QUEUE, Set.of("k"), worker, lease, limit, false).stream()
        .map(JobSql.Claimed::job)
        .toList();
  }

  void sql(String statement, Object... arguments) {
    database.with(handle -> handle.execute(statement, arguments));
  }

  @Override
  public void close() throws Exception {
    for (var one : open) {
      one.close();
    }
    database.close();
  }
}
