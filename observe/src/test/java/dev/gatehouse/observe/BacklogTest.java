package dev.gatehouse.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BacklogTest {
  @Test
  void what_finds_no_room_is_dropped_and_counted_and_the_rest_arrives_in_order() {
    var open = new CountDownLatch(1);
    var got = Collections.synchronizedList(new ArrayList<Integer>());
    try (var backlog =
        Backlog.<Integer>start(
            "test",
            3,
            some -> {
              pass(open);
              got.addAll(some);
            })) {
      int taken = 0;
      for (int i = 0; i < 1000; i++) {
        taken += backlog.offer(i) ? 1 : 0;
      }
      // The thread may have emptied the queue once before it met the latch.
      assertThat(taken).isBetween(3, 6);
      assertThat(backlog.dropped()).isEqualTo(1000 - taken);
      open.countDown();
      int expected = taken;
      await().until(() -> got.size() == expected);
      assertThat(got.subList(0, 3)).containsExactly(0, 1, 2);
      assertThat(got).isSorted();
    }
  }

  @Test
  void closing_hands_over_what_waits() {
    var got = new ArrayList<Integer>();
    var backlog = Backlog.<Integer>start("test", 100, got::addAll);
    IntStream.range(0, 100).forEach(backlog::offer);
    backlog.close();
    backlog.close();
    assertThat(got).isEqualTo(List.copyOf(IntStream.range(0, 100).boxed().toList()));
  }

  private static void pass(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
