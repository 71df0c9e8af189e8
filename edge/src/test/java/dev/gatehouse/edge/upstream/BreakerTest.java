package dev.gatehouse.edge.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.UpstreamSettings.Trip;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// When the breaker opens and closes, in a time that only the test moves.
class BreakerTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Breaker breaker = new Breaker(Trip.DEFAULT);

  @Test
  void half_of_enough_tries_failing_opens_it() {
    for (int i = 0; i < 10; i++) {
      breaker.succeeded(0, 0);
    }
    for (int i = 0; i < 9; i++) {
      assertThat(breaker.failed(0)).isFalse();
    }
    assertThat(breaker.failed(0)).isTrue();
    assertThat(breaker.admits(0)).isFalse();
    assertThat(breaker.waitNanos(0)).isEqualTo(2 * SECOND);
  }

  @Test
  void few_failures_or_old_ones_do_not_open_it() {
    for (int i = 0; i < 19; i++) {
      breaker.failed(0);
    }
    assertThat(breaker.admits(0)).isTrue();
    assertThat(breaker.failed(11 * SECOND)).isFalse();
    assertThat(breaker.admits(11 * SECOND)).isTrue();
  }

  @Test
  void half_open_lets_one_request_through_and_a_good_answer_closes_it() {
    open();
    assertThat(breaker.admits(2 * SECOND)).isTrue();
    assertThat(breaker.admits(2 * SECOND)).isFalse();

    assertThat(breaker.succeeded(2 * SECOND, 3 * SECOND)).isTrue();
    assertThat(breaker.admits(3 * SECOND)).isTrue();
    assertThat(breaker.failed(3 * SECOND)).isFalse();
  }

  @Test
  void a_probe_that_fails_or_never_tells_is_followed_by_another_later() {
    open();
    assertThat(breaker.admits(2 * SECOND)).isTrue();
    breaker.failed(3 * SECOND);
    assertThat(breaker.admits(3 * SECOND)).isFalse();
    assertThat(breaker.admits(4 * SECOND)).isTrue();
    assertThat(breaker.admits(6 * SECOND)).isTrue();
  }

  @Test
  void a_late_answer_from_before_it_opened_does_not_close_it() {
    breaker.failed(SECOND);
    for (int i = 0; i < 20; i++) {
      breaker.failed(SECOND);
    }
    assertThat(breaker.succeeded(0, SECOND)).isFalse();
    assertThat(breaker.open()).isTrue();
  }

  private void open() {
    for (int i = 0; i < 20; i++) {
      breaker.failed(0);
    }
  }
}
