package dev.gatehouse.app.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private final Backoff backoff = new Backoff();

  @Test
  void a_crash_loop_slows_down_from_100_ms_to_10_s_and_no_further() {
    var waits =
        IntStream.range(0, 9).mapToObj(i -> backoff.afterRunOf(Duration.ofSeconds(1)).toMillis());

    assertThat(waits)
        .containsExactly(100L, 200L, 400L, 800L, 1600L, 3200L, 6400L, 10_000L, 10_000L);
  }

  @Test
  void a_steady_minute_is_forgiven() {
    IntStream.range(0, 5).forEach(i -> backoff.afterRunOf(Duration.ZERO));

    assertThat(backoff.afterRunOf(Duration.ofSeconds(59))).isEqualTo(Duration.ofMillis(3200));
    assertThat(backoff.afterRunOf(Duration.ofSeconds(60))).isEqualTo(Duration.ofMillis(100));
  }
}
