package dev.gatehouse.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/// A queue that was filled by an older version.
class UpgradeTest {
  @Test
  void jobs_of_the_first_schema_are_all_there_after_the_last() throws IOException {
    try (var database =
        Database.open(new DatabaseSettings(TestPostgres.emptyUrl(), 4, "upgrade-test"))) {
      migrate(database, "V400__jobs_queue.sql");
      database.with(handle ->
          handle.execute(
              """
              INSERT INTO jobs
                (queue, kind, payload, state, due_at, attempts, max_attempts, token, worker, last_error,
                 finished_at)
              VALUES
                ('test', 'k', 'new', 'waiting', now(), 0, 3, 0, NULL, NULL, NULL),
                ('test', 'k', 'failed once', 'waiting', now(), 1, 3, 1, 'w', 'oh', NULL),
                ('test', 'k', 'of a lost worker', 'running', now() - interval '1 s', 1, 3, 1, 'w', NULL, NULL),
                ('test', 'k', 'dead', 'dead', now(), 3, 3, 3, 'w', 'no', now()),
                ('test', 'k', 'done', 'done', now(), 1, 3, 1, 'w', NULL, now()),
                ('test', 'k', 'later', 'waiting', now() + interval '1 h', 0, 3, 0, NULL, NULL, NULL)
              """));
      migrate(database, "V401__jobs_leases_keys_and_history.sql");
      migrate(database, "V402__jobs_on_behalf.sql");

      var queue = new Queue(database, QueueSettings.named("test"));
      assertThat(queue.list(Optional.empty(), 10, Optional.empty())).hasSize(6);
      assertThat(status(queue, 4).state()).isEqualTo(JobState.DEAD);
      assertThat(status(queue, 4).lastError()).contains("no");
      assertThat(status(queue, 5).state()).isEqualTo(JobState.DONE);
      assertThat(queue.retry(4)).isEqualTo(Retry.WAITING);

      var ran = new ConcurrentHashMap<Long, String>();
      try (var worker =
          Worker.start(
              database,
              QueueSettings.named("test"),
              Map.of(
                  "k",
                  job -> {
                    ran.put(job.id(), job.payload());
                    return Completion.done();
                  }),
              Bench.settings("heir"),
              Bench.host())) {
        for (long id = 1; id <= 4; id++) {
          long one = id;
          await().until(() -> status(queue, one).state() == JobState.DONE);
        }
      }
      assertThat(ran)
          .isEqualTo(Map.of(1L, "new", 2L, "failed once", 3L, "of a lost worker", 4L, "dead"));
      assertThat(status(queue, 2).attempts()).isEqualTo(2);
      assertThat(status(queue, 6).state()).isEqualTo(JobState.WAITING);
    }
  }

  private static JobStatus status(Queue queue, long id) {
    return queue.find(id).orElseThrow();
  }

  private static void migrate(Database database, String file) throws IOException {
    try (var script =
        Objects.requireNonNull(UpgradeTest.class.getResourceAsStream("/db/migration/" + file))) {
      var sql = new String(script.readAllBytes(), UTF_8);
      database.inTransaction(handle -> handle.createScript(sql).execute());
    }
  }
}
