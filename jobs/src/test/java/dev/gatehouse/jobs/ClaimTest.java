package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A claim costs what it takes, and nothing for what lies about: counted in pages touched, which is
/// the same on every machine, and told in time, which is not.
class ClaimTest {
  private static final int CLAIMS = 40;
  private static final int BATCH = 100;

  @Test
  void a_claim_does_not_feel_the_jobs_that_are_done() throws Exception {
    assertThat(pagesWith(50_000, 5_000)).isLessThanOrEqualTo(pagesWith(0, 5_000) * 1.2);
  }

  @Test
  @Tag("full")
  void a_million_done_jobs_and_a_hundred_thousand_due_change_a_claim_by_a_fifth_at_most()
      throws Exception {
    assertThat(pagesWith(1_000_000, 100_000))
        .isLessThanOrEqualTo(pagesWith(0, CLAIMS * BATCH + BATCH) * 1.2);
  }

  /// The pages a claim touches on average, with so many jobs done before it and so many due.
  private static double pagesWith(int done, int due) throws Exception {
    try (var bench = new Bench()) {
      bench.sql(
          """
          INSERT INTO jobs_finished
            (id, queue, kind, state, attempts, max_attempts, enqueued_at, finished_at, worker)
          SELECT -n, 'test', 'k', 'done', 1, 3, now(), now() - n * interval '1 ms', 'w'
          FROM generate_series(1, ?) n
          """,
          done);
      bench.sql(
          """
          INSERT INTO jobs (queue, kind, payload, max_attempts)
          SELECT 'test', 'k', '{}', 3 FROM generate_series(1, ?) n
          """,
          due);
      bench.claim("warm", Duration.ofMinutes(1), BATCH);
      long before = pages(bench);
      var nanos = new long[CLAIMS];
      for (int i = 0; i < CLAIMS; i++) {
        long began = System.nanoTime();
        assertThat(bench.claim("a", Duration.ofMinutes(1), BATCH)).hasSize(BATCH);
        nanos[i] = System.nanoTime() - began;
      }
      double pages = (double) (pages(bench) - before) / CLAIMS;
      Arrays.sort(nanos);
      System.out.printf(
          "%d done, %d due: a claim of %d touches %.0f pages, median %.2f ms%n",
          done, due, BATCH, pages, nanos[CLAIMS / 2] / 1e6);
      return pages;
    }
  }

  private static long pages(Bench bench) {
    return bench.database.with(handle -> {
      // Each pooled connection tells what it did when it is asked to, or a second later.
      handle.execute("SELECT pg_stat_force_next_flush()");
      handle.execute("SELECT 1");
      return handle
          .createQuery(
              """
              SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)
              FROM pg_statio_user_tables WHERE relname LIKE 'jobs%'
              """)
          .mapTo(Long.class)
          .one();
    });
  }
}
