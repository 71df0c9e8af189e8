package dev.gatehouse.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void it_doubles_with_each_attempt_up_to_the_longest_and_half_of_it_is_jitter() {
    var backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(60));
    var random = new Random(7);
    for (int attempt = 1; attempt <= 100; attempt++) {
      long whole = attempt > 6 ? 60_000 : 1000L << (attempt - 1);
      assertThat(backoff.after(attempt, random).toMillis()).isBetween(whole / 2, whole);
    }
  }
}
