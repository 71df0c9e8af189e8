package dev.gatehouse.edge.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What one bucket lets pass, with a clock of the test's own.
class MetersTest {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  @ParameterizedTest
  @CsvSource({"10, 5", "200, 5", "1000, 5", "100000, 5", "10, 64", "1000, 64"})
  void the_nth_of_n_passes_and_the_next_does_not(int permits, int words) {
    var meter = new SlidingWindow(permits, MINUTE, words);
    var cells = new long[meter.longs()];

    for (int i = 1; i <= permits; i++) {
      assertThat(meter.take(cells, 0, 1 + i, 1, 1)).isEqualTo(permits - i);
    }

    assertThat(meter.take(cells, 0, 2 + permits, 1, 1)).isNegative();
  }

  @ParameterizedTest
  @CsvSource({"10, 5", "200, 5", "1000, 5", "70000, 5", "10, 64", "1000, 64"})
  void no_window_of_any_position_sees_more_than_the_limit(int permits, int words) {
    var meter = new SlidingWindow(permits, MINUTE, words);
    var cells = new long[meter.longs()];
    var random = new SplittableRandom(7);
    var passed = new ArrayDeque<Long>();
    long now = 1;
    long all = 0;
    for (int i = 0; i < 400_000; i++) {
      // Quiet times, rushes, and everything between.
      now += random.nextInt(50) == 0 ? random.nextLong(MINUTE) : random.nextLong(MINUTE / permits);
      if (meter.take(cells, 0, now, 1, 1) >= 0) {
        passed.add(now);
        all++;
      }
      while (!passed.isEmpty() && passed.getFirst() <= now - MINUTE) {
        passed.removeFirst();
      }
      assertThat(passed.size()).isLessThanOrEqualTo(permits);
    }
    assertThat(all).isGreaterThan(permits);
  }

  @ParameterizedTest
  @CsvSource({"10, 5, 39", "1000, 5, 19", "100000, 5, 9", "10, 64, 127", "100000, 64, 127"})
  void a_permit_comes_back_at_most_one_sub_window_late(int permits, int words, int part) {
    var meter = new SlidingWindow(permits, MINUTE, words);
    var cells = new long[meter.longs()];
    for (int i = 0; i < permits; i++) {
      meter.take(cells, 0, 1, 1, 1);
    }

    assertThat(meter.take(cells, 0, MINUTE - 1, 1, 1)).isNegative();
    assertThat(meter.take(cells, 0, 1 + MINUTE + MINUTE / part + 200, 1, 1)).isNotNegative();
  }

  @Test
  void whoever_waits_as_long_as_told_passes() {
    var meter = new SlidingWindow(100, MINUTE, SlidingWindow.SMALL);
    var cells = new long[meter.longs()];
    var random = new SplittableRandom(3);
    long now = 1;
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      now += random.nextLong(MINUTE / 100);
      long left = meter.take(cells, 0, now, 1, 1);
      if (left < 0) {
        refused++;
        now += -left;
        assertThat(meter.take(cells, 0, now, 1, 1)).isNotNegative();
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void what_is_given_back_can_be_taken_again() {
    var meter = new SlidingWindow(3, MINUTE, SlidingWindow.SMALL);
    var cells = new long[meter.longs()];
    assertThat(meter.take(cells, 0, 5, 3, 1)).isZero();
    meter.refund(cells, 0, 5, 3);
    assertThat(meter.take(cells, 0, 6, 3, 1)).isZero();
    assertThat(meter.take(cells, 0, 7, 1, 1)).isNegative();
  }

  @Test
  void a_bucket_lets_a_burst_pass_and_then_the_rate() {
    var meter = new TokenBucket(60, MINUTE, 10);
    var cells = new long[meter.longs()];
    for (int i = 9; i >= 0; i--) {
      assertThat(meter.take(cells, 0, 1, 1, 1)).isEqualTo(i);
    }
    assertThat(meter.take(cells, 0, 1, 1, 1)).isEqualTo(-Duration.ofSeconds(1).toNanos());
    int passed = 0;
    for (long now = 1; now < 2 * MINUTE; now += MINUTE / 1000) {
      passed += meter.take(cells, 0, now, 1, 1) >= 0 ? 1 : 0;
    }
    assertThat(passed).isBetween(118, 120);
  }

  @Test
  void apart_from_the_others_an_edge_keeps_to_its_share() {
    var window = new SlidingWindow(10, MINUTE, SlidingWindow.SMALL);
    var cells = new long[window.longs()];
    int passed = 0;
    for (int i = 0; i < 20; i++) {
      passed += window.take(cells, 0, 1, 1, 2) >= 0 ? 1 : 0;
    }
    assertThat(passed).isEqualTo(5);
    var bucket = new TokenBucket(60, MINUTE, 10);
    cells = new long[bucket.longs()];
    passed = 0;
    for (long now = 1; now < MINUTE; now += MINUTE / 1000) {
      passed += bucket.take(cells, 0, now, 1, 2) >= 0 ? 1 : 0;
    }
    assertThat(passed).isBetween(33, 35);
  }

  @Test
  void what_others_let_in_counts_however_much_it_is() {
    for (int permits : new int[] {10, 1000, 100_000}) {
      var window = new SlidingWindow(permits, MINUTE, SlidingWindow.SMALL);
      var cells = new long[window.longs()];
      window.charge(cells, 0, 1, permits - 1);
      assertThat(window.take(cells, 0, 1, 1, 1)).isZero();
      window.charge(cells, 0, 1, Long.MAX_VALUE / 2);
      assertThat(window.take(cells, 0, 2, 1, 1)).isNegative();
      assertThat(window.take(cells, 0, 2 * MINUTE, 1, 1)).isNotNegative();
    }
  }
}
