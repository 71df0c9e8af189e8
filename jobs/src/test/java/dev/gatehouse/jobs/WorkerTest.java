package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkerTest {
  private final Bench bench = new Bench();

  @AfterEach
  void close() throws Exception {
    bench.close();
  }

  @Test
  void a_job_is_done_together_with_its_effect() {
    long id = bench.queue.enqueue("k", "payload");
    bench.worker("a", job -> Bench.recorded(job, job.payload()));

    bench.awaitState(id, JobState.DONE);
    assertThat(bench.effects()).containsExactly(id);
    assertThat(bench.status(id).attempts()).isEqualTo(1);
    assertThat(bench.status(id).worker()).contains("a");
  }

  @Test
  void with_no_worker_jobs_wait_and_none_is_lost() {
    var ids = IntStream.range(0, 50).mapToObj(i -> bench.queue.enqueue("k", "p" + i)).toList();
    assertThat(bench.queue.list(Optional.of(JobState.WAITING), 100, Optional.empty())).hasSize(50);

    bench.worker("late", job -> Bench.recorded(job, "late"));
    await().until(() -> bench.effects().equals(ids));
  }

  @Test
  void two_workers_never_run_one_job_twice_or_at_once() {
    var runs = new ConcurrentHashMap<Long, AtomicInteger>();
    var ids = IntStream.range(0, 1000).mapToObj(i -> bench.queue.enqueue("k", "")).toList();
    for (var name : List.of("a", "b", "c")) {
      bench.worker(
          name,
          job -> {
            runs.computeIfAbsent(job.id(), _ -> new AtomicInteger()).incrementAndGet();
            return Bench.recorded(job, name);
          });
    }

    await().until(() -> bench.effects().size() >= ids.size());
    assertThat(bench.effects()).isEqualTo(ids);
    assertThat(runs.values()).allMatch(count -> count.get() == 1);
  }

  @Test
  void a_failed_job_is_tried_again_until_it_is_dead() {
    var attempts = new AtomicInteger();
    long id = bench.queue.enqueue("k", "");
    bench.worker(
        "a",
        job -> {
          throw new IllegalStateException("no\u0000luck " + attempts.incrementAndGet());
        });

    bench.awaitState(id, JobState.DEAD);
    assertThat(attempts).hasValue(3);
    assertThat(bench.status(id).attempts()).isEqualTo(3);
    assertThat(bench.status(id).lastError()).contains("no luck 3");
  }

  @Test
  void a_dead_job_runs_again_when_it_is_retried_and_only_then() {
    var broken = new AtomicBoolean(true);
    long id = bench.queue.enqueue("k", "");
    bench.worker(
        "a",
        job -> {
          if (broken.get()) {
            throw new IllegalStateException("broken");
          }
          return Bench.recorded(job, "a");
        });
    bench.awaitState(id, JobState.DEAD);
    broken.set(false);

    assertThat(bench.queue.retry(id)).isEqualTo(Retry.WAITING);
    bench.awaitState(id, JobState.DONE);
    assertThat(bench.effects()).containsExactly(id);
    assertThat(bench.queue.retry(id)).isEqualTo(Retry.NOT_DEAD);
    assertThat(bench.queue.retry(id + 1)).isEqualTo(Retry.UNKNOWN);
  }

  @Test
  void an_effect_that_fails_fails_its_job_and_leaves_its_neighbours_done() {
    var all = new CountDownLatch(5);
    var ids = IntStream.range(0, 5).mapToObj(i -> bench.queue.enqueue("k", "" + i)).toList();
    bench.worker(
        "a",
        job -> {
          all.countDown();
          all.await();
          return job.payload().equals("2")
              ? Completion.with(handle -> handle.execute("INSERT INTO no_such_table VALUES (1)"))
              : Bench.recorded(job, "a");
        });

    bench.awaitState(ids.get(2), JobState.DEAD);
    await().until(() -> bench.effects().size() == 4);
    assertThat(bench.effects()).doesNotContain(ids.get(2));
    assertThat(bench.status(ids.get(2)).lastError().orElseThrow()).contains("no_such_table");
  }

  @Test
  void a_sleeping_worker_is_woken_at_once() {
    bench.worker(
        Bench.settings("a").withPollEvery(Duration.ofMinutes(5)), job -> Bench.recorded(job, "a"));
    bench.awaitState(bench.queue.enqueue("k", ""), JobState.DONE);

    long inTransaction =
        bench.database.inTransaction(
            handle -> bench.queue.enqueue(handle, NewJob.of("k", "")).id());
    bench.awaitState(inTransaction, JobState.DONE);
  }

  @Test
  void a_job_of_a_transaction_that_rolls_back_was_never_there() {
    var thrown =
        catchThrowable(() ->
            bench.database.inTransaction(handle -> {
              bench.queue.enqueue(handle, NewJob.of("k", ""));
              throw new IllegalStateException("changed my mind");
            }));
    assertThat(thrown).hasMessage("changed my mind");
    assertThat(bench.queue.list(Optional.empty(), 10, Optional.empty())).isEmpty();
  }

  @Test
  void a_kind_nobody_here_knows_waits_for_a_worker_that_does() {
    long unknown = bench.queue.enqueue("other", "");
    bench.worker("a", job -> Bench.recorded(job, "a"));
    bench.awaitState(bench.queue.enqueue("k", ""), JobState.DONE);
    assertThat(bench.status(unknown).state()).isEqualTo(JobState.WAITING);
    assertThat(bench.status(unknown).attempts()).isZero();
  }

  @Test
  void a_job_longer_than_its_lease_stays_its_workers_own() {
    var runs = new AtomicInteger();
    var go = new CountDownLatch(1);
    long id = bench.queue.enqueue("k", "");
    for (var name : List.of("a", "b")) {
      bench.worker(
          Bench.settings(name).withLease(Duration.ofMillis(600)),
          job -> {
            runs.incrementAndGet();
            go.await();
            return Bench.recorded(job, name);
          });
    }
    await().until(() -> runs.get() == 1);
    var firstEnd = bench.status(id).dueAt();
    await().until(() -> bench.status(id).dueAt().isAfter(firstEnd.plusMillis(1200)));
    go.countDown();

    bench.awaitState(id, JobState.DONE);
    assertThat(runs).hasValue(1);
  }

  @Test
  void a_worker_whose_job_was_taken_over_stops_it_and_records_nothing() {
    var started = new CountDownLatch(1);
    var stopped = new CountDownLatch(1);
    long id = bench.queue.enqueue("k", "");
    bench.worker(
        Bench.settings("slow").withLease(Duration.ofMillis(200)),
        job -> {
          started.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            stopped.countDown();
          }
          return Bench.recorded(job, "slow");
        });
    await().until(() -> started.getCount() == 0);
    bench.sql(
        "UPDATE jobs SET token = token + 1, worker = 'other', leased_until = now() + interval '1 hour'"
            + " WHERE id = ?",
        id);

    await().until(() -> stopped.getCount() == 0);
    bench.awaitState(bench.queue.enqueue("other", ""), JobState.WAITING);
    assertThat(bench.effects()).isEmpty();
    assertThat(bench.status(id).state()).isEqualTo(JobState.RUNNING);
    assertThat(bench.status(id).worker()).contains("other");
  }

  @Test
  void closing_lets_running_jobs_end_and_claims_nothing_more() throws Exception {
    var started = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    long first = bench.queue.enqueue("k", "");
    var worker =
        bench.worker(
            Bench.settings("a").withConcurrency(1),
            job -> {
              started.countDown();
              go.await();
              return Bench.recorded(job, "a");
            });
    started.await();
    long second = bench.queue.enqueue("k", "");
    var closing = Thread.ofVirtual().start(worker::close);
    await().until(() -> closing.getState() == Thread.State.TIMED_WAITING);
    go.countDown();
    closing.join();

    assertThat(bench.status(first).state()).isEqualTo(JobState.DONE);
    assertThat(bench.status(second).state()).isEqualTo(JobState.WAITING);
    worker.close();
  }

  @Test
  void closing_hands_back_what_does_not_end_in_time_and_counts_no_attempt() throws Exception {
    var started = new CountDownLatch(1);
    long id = bench.queue.enqueue("k", "");
    var worker =
        bench.worker(
            Bench.settings("a").withDrain(Duration.ofMillis(50)),
            job -> {
              started.countDown();
              new CountDownLatch(1).await();
              return Completion.done();
            });
    started.await();
    worker.close();

    assertThat(bench.status(id).state()).isEqualTo(JobState.WAITING);
    assertThat(bench.status(id).attempts()).isZero();
  }

  @Test
  void a_worker_survives_the_loss_of_all_its_connections() {
    var go = new CountDownLatch(1);
    long running = bench.queue.enqueue("k", "");
    bench.worker(
        "a",
        job -> {
          go.await();
          return Bench.recorded(job, "a");
        });
    bench.awaitState(running, JobState.RUNNING);
    try (var admin = Database.open(new DatabaseSettings(bench.url, 1, "admin"))) {
      admin.with(handle ->
          handle
              .createQuery(
                  "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                      + " WHERE application_name = 'jobs-test'"
                      + " AND datname = current_database()")
              .mapTo(Long.class)
              .one());
    }
    go.countDown();

    await().ignoreExceptions().until(() -> bench.status(running).state() == JobState.DONE);
    bench.awaitState(bench.queue.enqueue("k", ""), JobState.DONE);
    assertThat(bench.effects()).hasSize(2);
  }

  @Test
  void start_needs_no_database() {
    try (var nowhere =
            Database.open(
                new DatabaseSettings("postgres://gatehouse:x@127.0.0.1:1/none", 4, "nowhere"));
        var worker =
            Worker.start(
                nowhere, bench.settings, Map.of(), Bench.settings("lonely"), Bench.host())) {
      assertThat(worker).isNotNull();
    }
  }
}
