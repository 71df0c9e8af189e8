package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What those who put jobs in can ask for.
class QueueTest {
  private final Bench bench = new Bench();

  @AfterEach
  void close() throws Exception {
    bench.close();
  }

  @Test
  void many_jobs_at_once_are_all_there_in_their_order_or_none_is() {
    var jobs = IntStream.range(0, 2500).mapToObj(i -> NewJob.of("k", "p" + i)).toList();
    var ids = bench.queue.enqueueAll(jobs).stream().map(Enqueued::id).toList();
    assertThat(ids).isSorted().doesNotHaveDuplicates().hasSize(2500);
    var payloads = Collections.synchronizedList(new ArrayList<String>());
    bench.worker(
        Bench.settings("a").withConcurrency(1),
        job -> {
          payloads.add(job.payload());
          return Bench.recorded(job, "a");
        });
    await().until(() -> bench.effects().size() == 2500);
    assertThat(payloads).isEqualTo(jobs.stream().map(NewJob::payload).toList());
  }

  @Test
  void a_look_at_the_queue_tells_what_is_due_and_what_is_dead() {
    bench.queue.enqueueAll(List.of(NewJob.of("unknown", ""), NewJob.of("unknown", "")));
    var failing = bench.queue.enqueue("k", "");
    assertThat(bench.queue.figures().due()).isEqualTo(3);
    assertThat(bench.queue.figures().oldest()).isPositive();

    var worker =
        bench.worker(
            "a",
            job -> {
              throw new IllegalStateException("it fails");
            });
    bench.awaitState(failing, JobState.DEAD);
    await()
        .untilAsserted(() -> {
          assertThat(bench.queue.figures().dead()).isEqualTo(1);
          assertThat(bench.queue.figures().due()).isEqualTo(2);
          assertThat(worker.figures().dead()).isEqualTo(1);
          assertThat(worker.figures().failed()).isEqualTo(2);
          assertThat(worker.figures().running()).isZero();
        });
  }

  @Test
  void a_unique_key_gives_the_job_that_holds_it_until_that_ends() {
    var job = NewJob.of("k", "").unique("mail/1");
    var first = bench.queue.enqueue(job);
    assertThat(first.fresh()).isTrue();
    assertThat(bench.queue.enqueue(job)).isEqualTo(new Enqueued(first.id(), false));
    assertThat(bench.queue.enqueueAll(List.of(NewJob.of("k", "x"), job, job.unique("mail/2"))))
        .extracting(Enqueued::fresh)
        .containsExactly(true, false, true);

    bench.worker("a", done -> Bench.recorded(done, "a"));
    bench.awaitState(first.id(), JobState.DONE);
    await().until(() -> bench.queue.enqueue(job).fresh());
  }

  @Test
  void of_many_transactions_at_once_one_puts_in_a_unique_job() throws Exception {
    var fresh = new AtomicInteger();
    var threads =
        IntStream.range(0, 8)
            .mapToObj(i ->
                Thread.ofVirtual()
                    .start(() -> {
                      for (int n = 0; n < 50; n++) {
                        if (bench.queue.enqueue(NewJob.of("k", "").unique("u" + n)).fresh()) {
                          fresh.incrementAndGet();
                        }
                      }
                    }))
            .toList();
    for (var thread : threads) {
      thread.join();
    }
    assertThat(fresh).hasValue(50);
  }

  @Test
  void urgent_jobs_start_first_and_low_ones_last() {
    var order = Collections.synchronizedList(new ArrayList<String>());
    for (var priority : List.of(Priority.LOW, Priority.NORMAL, Priority.URGENT)) {
      for (int i = 0; i < 3; i++) {
        bench.queue.enqueue(NewJob.of("k", priority.name()).withPriority(priority));
      }
    }
    bench.worker(
        Bench.settings("a").withConcurrency(1),
        job -> {
          order.add(job.payload());
          return Bench.recorded(job, "a");
        });
    await().until(() -> order.size() == 9);
    assertThat(order)
        .containsExactly(
            "URGENT", "URGENT", "URGENT", "NORMAL", "NORMAL", "NORMAL", "LOW", "LOW", "LOW");
  }

  @Test
  void a_job_planned_for_later_starts_then_and_holds_nobody_up() {
    var soon = Instant.now().plusSeconds(2);
    var started = new ConcurrentHashMap<Long, Instant>();
    long later =
        bench.queue.enqueue(NewJob.of("k", "").withPriority(Priority.URGENT).startingAt(soon)).id();
    long never = bench.queue.enqueue(NewJob.of("k", "").startingAt(soon.plusSeconds(3600))).id();
    long now = bench.queue.enqueue("k", "");
    bench.worker(
        "a",
        job -> {
          started.put(job.id(), Instant.now());
          return Completion.done();
        });
    bench.awaitState(now, JobState.DONE);
    bench.awaitState(later, JobState.DONE);
    assertThat(started.get(now)).isBefore(soon);
    assertThat(started.get(later)).isAfterOrEqualTo(soon.minusMillis(1));
    assertThat(bench.status(never).state()).isEqualTo(JobState.WAITING);
  }

  @Test
  void at_most_so_many_jobs_of_one_key_run_at_once_over_all_workers_and_others_are_not_held_up() {
    var now = new AtomicInteger();
    var most = new AtomicInteger();
    var jobs = new ArrayList<NewJob>();
    for (int i = 0; i < 200; i++) {
      jobs.add(NewJob.of("k", "limited").limited("customer", 2));
    }
    for (int i = 0; i < 100; i++) {
      jobs.add(NewJob.of("k", "free"));
      jobs.add(NewJob.of("k", "other").limited("other-" + i % 7, 1));
    }
    bench.queue.enqueueAll(jobs);
    var go = new CountDownLatch(1);
    var free = new AtomicInteger();
    for (var name : List.of("a", "b", "c")) {
      bench.worker(
          name,
          job -> {
            if (job.payload().equals("limited")) {
              most.accumulateAndGet(now.incrementAndGet(), Math::max);
              go.await();
              now.decrementAndGet();
            } else {
              free.incrementAndGet();
            }
            return Bench.recorded(job, name);
          });
    }
    await().until(() -> free.get() == 200);
    assertThat(now).hasValue(2);
    go.countDown();
    await().until(() -> bench.effects().size() == 400);
    assertThat(most).hasValue(2);
  }

  @Test
  void a_failed_job_gives_its_slot_to_the_next_of_its_key() {
    var settings =
        bench.settings.withBackoff(new Backoff(Duration.ofHours(1), Duration.ofHours(1)));
    long bad = bench.queue.enqueue(NewJob.of("k", "bad").limited("key", 1)).id();
    long good = bench.queue.enqueue(NewJob.of("k", "good").limited("key", 1)).id();
    bench.worker(
        settings,
        Bench.settings("a"),
        job -> {
          if (job.payload().equals("bad")) {
            throw new IllegalStateException("bad");
          }
          return Bench.recorded(job, "a");
        });
    bench.awaitState(good, JobState.DONE);
    assertThat(bench.status(bad).lastError()).contains("bad");
  }

  @Test
  void a_paused_queue_gives_out_nothing_until_it_is_resumed() {
    bench.worker("a", job -> Bench.recorded(job, "a"));
    bench.queue.pause();
    bench.queue.pause();
    assertThat(bench.queue.isPaused()).isTrue();
    var other = new Queue(bench.database, QueueSettings.named("other"));
    assertThat(other.isPaused()).isFalse();
    long id = bench.queue.enqueue("k", "");
    assertThat(bench.claim("b", Duration.ofMinutes(1), 10)).isEmpty();
    assertThat(bench.status(id).state()).isEqualTo(JobState.WAITING);

    bench.queue.resume();
    bench.awaitState(id, JobState.DONE);
  }

  @Test
  void a_waiting_job_that_is_cancelled_never_runs() {
    long id = bench.queue.enqueue("k", "");
    assertThat(bench.queue.cancel(id)).isEqualTo(Cancel.CANCELLED);
    assertThat(bench.queue.cancel(id)).isEqualTo(Cancel.FINISHED);
    assertThat(bench.queue.cancel(id + 1)).isEqualTo(Cancel.UNKNOWN);
    bench.worker("a", job -> Bench.recorded(job, "a"));
    bench.awaitState(bench.queue.enqueue("k", ""), JobState.DONE);
    assertThat(bench.status(id).state()).isEqualTo(JobState.CANCELLED);
    assertThat(bench.effects()).doesNotContain(id);
  }

  @Test
  void a_running_job_that_is_cancelled_is_interrupted_and_its_completion_does_not_count()
      throws Exception {
    var started = new CountDownLatch(1);
    var interrupted = new CountDownLatch(1);
    long id = bench.queue.enqueue("k", "");
    bench.worker(
        Bench.settings("a").withLease(Duration.ofMillis(400)),
        job -> {
          started.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            interrupted.countDown();
          }
          return Bench.recorded(job, "a");
        });
    started.await();
    assertThat(bench.queue.cancel(id)).isEqualTo(Cancel.CANCELLED);
    interrupted.await();
    await().until(() -> bench.status(id).state() == JobState.CANCELLED);
    assertThat(bench.effects()).isEmpty();
  }

  @Test
  void all_dead_jobs_run_again_but_for_those_whose_key_is_taken() {
    var ids = IntStream.range(0, 5).mapToObj(i -> bench.queue.enqueue("k", "")).toList();
    var unique = bench.queue.enqueue(NewJob.of("k", "").unique("u")).id();
    bench.sql("UPDATE jobs SET state = 'dead', attempts = 3, finished_at = now()");
    var holder =
        bench.queue.enqueue(
            NewJob.of("k", "").unique("u").startingAt(Instant.now().plusSeconds(3600)));
    assertThat(holder.fresh()).isTrue();

    assertThat(bench.queue.retry(unique)).isEqualTo(Retry.KEY_TAKEN);
    assertThat(bench.queue.retryAll()).isEqualTo(5);
    assertThat(bench.status(unique).state()).isEqualTo(JobState.DEAD);
    bench.worker("a", job -> Bench.recorded(job, "a"));
    await().until(() -> bench.effects().equals(ids));
    assertThat(bench.queue.list(Optional.of(JobState.DEAD), 10, Optional.empty())).hasSize(1);
  }

  @Test
  void what_waits_behind_a_slow_job_goes_to_another_worker() {
    var go = new CountDownLatch(1);
    var slow = new AtomicInteger();
    // The fast ones make the first worker hold many ahead, and then it meets the slow one.
    var jobs = new ArrayList<NewJob>();
    IntStream.range(0, 3000).forEach(i -> jobs.add(NewJob.of("k", i == 1500 ? "slow" : "")));
    bench.queue.enqueueAll(jobs);
    for (var name : List.of("a", "b")) {
      bench.worker(
          Bench.settings(name).withConcurrency(1),
          job -> {
            if (job.payload().equals("slow")) {
              slow.incrementAndGet();
              go.await();
            }
            return Bench.recorded(job, name);
          });
    }
    await().until(() -> bench.effects().size() == 2999);
    go.countDown();
    await().until(() -> bench.effects().size() == 3000);
    assertThat(slow).hasValue(1);
  }
}
