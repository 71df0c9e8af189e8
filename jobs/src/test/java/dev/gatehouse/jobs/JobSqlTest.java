package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.state.Line;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JobSqlTest {
  private static final Duration OVER = Duration.ofMillis(-1);

  /// The server grants as much after its start, before it takes a job from anybody.
  private static final Duration BRIEF = Duration.ofMillis(1);

  private static final Duration LONG = Duration.ofMinutes(1);

  private final Bench bench = new Bench();

  @AfterEach
  void close() throws Exception {
    bench.close();
  }

  @Test
  void a_stale_completion_is_refused_and_has_no_effect() {
    bench.queue.enqueue("k", "");
    var stale = bench.claim("a", OVER, 1).getFirst();
    var fresh = bench.claim("b", BRIEF, 1).getFirst();
    assertThat(fresh.id()).isEqualTo(stale.id());
    assertThat(fresh.token()).isGreaterThan(stale.token());

    assertThat(settle(stale, "a").refused()).containsExactly(stale.id());
    assertThat(bench.effects()).isEmpty();
    assertThat(settle(fresh, "b").refused()).isEmpty();
    assertThat(settle(fresh, "b").refused()).containsExactly(fresh.id());
    assertThat(bench.effects()).containsExactly(fresh.id());
  }

  @Test
  void a_claim_that_a_crash_of_the_server_undid_cannot_complete_for_the_next() {
    bench.queue.enqueue("k", "");
    var undone = bench.claim("a", LONG, 1).getFirst();
    bench.sql("UPDATE jobs SET token = 0, worker = NULL, leased_until = NULL");
    var next = bench.claim("b", LONG, 1).getFirst();
    assertThat(next.id()).isEqualTo(undone.id());

    assertThat(settle(undone, "a").refused()).containsExactly(undone.id());
    assertThat(settle(next, "b").refused()).isEmpty();
  }

  @Test
  void a_stale_failure_is_refused() {
    bench.queue.enqueue("k", "");
    var stale = bench.claim("a", OVER, 1).getFirst();
    var fresh = bench.claim("b", BRIEF, 1).getFirst();
    var failed = new Ended.Failed(run(stale), "late", Duration.ZERO);

    assertThat(play(failed).refused()).containsExactly(stale.id());
    assertThat(bench.status(fresh.id()).lastError()).isEmpty();
  }

  @Test
  void a_late_completion_counts_while_nobody_has_taken_the_job() {
    bench.queue.enqueue("k", "");
    var late = bench.claim("a", OVER, 1).getFirst();
    assertThat(settle(late, "a").refused()).isEmpty();
    assertThat(bench.status(late.id()).state()).isEqualTo(JobState.DONE);
  }

  @Test
  void a_claim_skips_what_another_transaction_is_claiming() {
    IntStream.range(0, 10).forEach(i -> bench.queue.enqueue("k", ""));
    bench.database.inTransaction(handle -> {
      var mine = Bench.claim(handle, "a", LONG, 4);
      var theirs = bench.claim("b", LONG, 10);
      assertThat(mine).hasSize(4);
      assertThat(theirs).hasSize(6);
      assertThat(theirs)
          .extracting(Job::id)
          .doesNotContainAnyElementsOf(mine.stream().map(Job::id).toList());
      return true;
    });
  }

  @Test
  void retention_takes_finished_jobs_by_age_and_by_count_and_no_others() {
    var ids = IntStream.range(0, 12).mapToObj(i -> bench.queue.enqueue("k", "")).toList();
    bench.database.inTransaction(handle -> {
      var held =
          Bench.claim(handle, "a", LONG, 10).stream()
              .map(job -> new JobSql.Hold(job.id(), job.token(), 1, false))
              .toList();
      return JobSql.complete(handle, held);
    });
    bench.sql("UPDATE jobs_finished SET finished_at = now() - id * interval '1 minute'");
    bench.sql("UPDATE jobs SET state = 'dead' WHERE id = ?", ids.get(11));
    bench.sql(
        "UPDATE jobs_finished SET finished_at = now() - interval '2 days' WHERE id = ?",
        ids.get(0));

    sweep(new Retention(Duration.ofDays(1), 100));
    assertThat(left()).doesNotContain(ids.get(0)).hasSize(11);
    sweep(new Retention(Duration.ofDays(1), 3));
    assertThat(left())
        .containsExactlyInAnyOrder(ids.get(1), ids.get(2), ids.get(3), ids.get(10), ids.get(11));
  }

  @Test
  void pages_follow_one_another_and_keep_to_their_state() {
    var ids = IntStream.range(0, 5).mapToObj(i -> bench.queue.enqueue("k", "")).toList();
    bench.claim("a", LONG, 1);

    var page = bench.queue.list(Optional.empty(), 2, Optional.empty());
    assertThat(page).extracting(JobStatus::id).containsExactly(ids.get(4), ids.get(3));
    assertThat(bench.queue.list(Optional.empty(), 9, Optional.of(ids.get(3))))
        .extracting(JobStatus::id)
        .containsExactly(ids.get(2), ids.get(1), ids.get(0));
    assertThat(bench.queue.list(Optional.of(JobState.RUNNING), 9, Optional.empty()))
        .extracting(JobStatus::id)
        .containsExactly(ids.get(0));
  }

  @Test
  void queues_do_not_see_each_other() {
    long id = bench.queue.enqueue("k", "");
    var other = new Queue(bench.database, QueueSettings.named("other"));
    assertThat(other.find(id)).isEmpty();
    assertThat(other.retry(id)).isEqualTo(Retry.UNKNOWN);
    assertThat(other.list(Optional.empty(), 9, Optional.empty())).isEmpty();
  }

  private Round settle(Job job, String worker) {
    return play(new Ended.Succeeded(run(job), Bench.recorded(job, worker)));
  }

  private Round play(Ended end) {
    try (var line = new Line(bench.database, Duration.ofSeconds(10), JobSql.PLAN)) {
      return Round.play(
          line,
          List.of(end),
          new Round.Wish(Bench.QUEUE, Set.of("k"), Bench.settings("any"), 0, false, ""));
    }
  }

  private static Run run(Job job) {
    return new Run(new JobSql.Claimed(job, 0, false, 1, OnBehalf.NOBODY), 0);
  }

  private void sweep(Retention retention) {
    bench.database.with(handle ->
        JobSql.sweep(handle, Bench.QUEUE, JobSql.sweptUpTo(handle, Bench.QUEUE, retention), 1000));
  }

  private List<Long> left() {
    return bench.queue.list(Optional.empty(), 100, Optional.empty()).stream()
        .map(JobStatus::id)
        .toList();
  }
}
