package dev.gatehouse.edge.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.UpstreamSettings.Retries;
import dev.gatehouse.testkit.Seeded;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// How many retries there are, in a time that only the test moves.
class RetryBudgetTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final RetryBudget budget = new RetryBudget();

  @Test
  void ten_a_second_are_always_allowed() {
    for (int second = 0; second < 5; second++) {
      assertThat(spent(100, false, second * SECOND)).isEqualTo(10);
    }
  }

  @Test
  void a_lost_replica_may_spend_the_share_of_ten_seconds_at_once() {
    for (int second = 0; second < 10; second++) {
      requests(2_000, second * SECOND);
    }
    assertThat(spent(100_000, false, 9 * SECOND)).isEqualTo(4_000);
    assertThat(spent(100_000, false, 10 * SECOND)).isEqualTo(10);
  }

  @Test
  void when_every_answer_is_a_503_the_load_of_each_second_is_at_most_a_fifth_above_the_clients() {
    Seeded.check(
        20,
        random -> {
          var fresh = new RetryBudget();
          for (int second = 0; second < 30; second++) {
            boolean failing = second >= 12;
            int load = 100 + random.nextInt(3_000);
            int sent = load;
            for (int i = 0; i < load; i++) {
              long now = second * SECOND + i * SECOND / load;
              fresh.request(now);
              // Each failure asks for a retry, and each retry's failure for another one.
              while (failing && fresh.spend(Retries.DEFAULT, true, now)) {
                sent++;
              }
            }
            assertThat(sent).isLessThanOrEqualTo((int) (load * 1.2));
          }
        });
  }

  @Test
  void what_is_older_than_ten_seconds_counts_no_more() {
    requests(1_000, 0);
    assertThat(spent(1_000, false, 11 * SECOND)).isEqualTo(10);
  }

  private void requests(int count, long now) {
    for (int i = 0; i < count; i++) {
      budget.request(now);
    }
  }

  private int spent(int wanted, boolean answered, long now) {
    int spent = 0;
    for (int i = 0; i < wanted; i++) {
      if (budget.spend(Retries.DEFAULT, answered, now)) {
        spent++;
      }
    }
    return spent;
  }
}
