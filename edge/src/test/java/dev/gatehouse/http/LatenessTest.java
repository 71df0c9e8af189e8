package dev.gatehouse.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LatenessTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final Lateness lateness = new Lateness(0);

  @Test
  void the_worst_is_told_for_15_seconds_at_least_and_forgotten_after_30() {
    lateness.note(7, 14 * SECOND);
    lateness.note(2, 16 * SECOND);
    assertThat(lateness.worst()).isEqualTo(Duration.ofNanos(7));
    lateness.note(1, 29 * SECOND);
    assertThat(lateness.worst()).isEqualTo(Duration.ofNanos(7));
    lateness.note(1, 32 * SECOND);
    assertThat(lateness.worst()).isEqualTo(Duration.ofNanos(2));
  }

  @Test
  void what_was_before_a_long_rest_is_forgotten() {
    lateness.note(7, 1 * SECOND);
    lateness.note(1, 300 * SECOND);
    assertThat(lateness.worst()).isEqualTo(Duration.ofNanos(1));
  }
}
