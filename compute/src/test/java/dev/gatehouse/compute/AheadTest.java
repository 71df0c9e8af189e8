package dev.gatehouse.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AheadTest {
  private static final int SIZE = 64;

  private final List<Thread> threads = new ArrayList<>();
  private final ThreadFactory factory =
      work -> {
        var thread = Thread.ofPlatform().daemon().unstarted(work);
        threads.add(thread);
        return thread;
      };
  private final AtomicLong made = new AtomicLong();

  @Test
  void no_value_is_ever_served_twice() throws Exception {
    var served = ConcurrentHashMap.<Long>newKeySet();
    try (var ahead = counting(SIZE, 2);
        var callers = Executors.newFixedThreadPool(8)) {
      Callable<Integer> caller =
          () -> {
            int fresh = 0;
            for (int i = 0; i < 1_250; i++) {
              fresh += served.add(ahead.take()) ? 1 : 0;
            }
            return fresh;
          };
      int fresh = 0;
      for (var result : callers.invokeAll(java.util.Collections.nCopies(8, caller))) {
        fresh += result.get();
      }
      assertThat(fresh).isEqualTo(10_000);
      assertThat(made.get()).isBetween(10_000L, 10_000L + SIZE);
    }
  }

  @Test
  void no_more_than_the_buffer_is_made_ahead_of_demand() throws Exception {
    try (var ahead = counting(SIZE, 2)) {
      await().until(() -> ahead.ready() == SIZE);
      assertThat(made.get()).isEqualTo(SIZE);
      ahead.take();
      await().until(() -> ahead.ready() == SIZE);
      assertThat(made.get()).isEqualTo(SIZE + 1);
    }
  }

  @Test
  void a_request_that_finds_nothing_computes_for_itself() throws Exception {
    var never = new CountDownLatch(1);
    try (var ahead =
        Ahead.<Long>start(
            "numbers",
            SIZE,
            1,
            factory,
            () -> {
              never.await();
              return -1L;
            },
            made::incrementAndGet)) {
      assertThat(ahead.take()).isEqualTo(1);
      assertThat(ahead.take()).isEqualTo(2);
    }
  }

  @Test
  void a_buffer_of_nothing_computes_every_value_on_demand() throws Exception {
    try (var ahead = counting(0, 2)) {
      assertThat(threads).isEmpty();
      assertThat(ahead.take()).isEqualTo(1);
      assertThat(made.get()).isEqualTo(1);
    }
  }

  @Test
  void producers_that_fail_rest_until_a_request_has_succeeded() throws Exception {
    var broken = new AtomicBoolean(true);
    var tries = new AtomicLong();
    Ahead.Computation<Long> computation =
        () -> {
          tries.incrementAndGet();
          if (broken.get()) {
            throw new IllegalStateException("broken for now");
          }
          return made.incrementAndGet();
        };
    try (var ahead = Ahead.start("numbers", SIZE, 1, factory, computation, computation)) {
      await().until(() -> threads.getFirst().getState() == Thread.State.WAITING);
      assertThat(tries.get()).isEqualTo(1);
      assertThatThrownBy(ahead::take).hasMessage("broken for now");
      assertThat(tries.get()).isEqualTo(2);
      assertThat(threads.getFirst().getState()).isEqualTo(Thread.State.WAITING);

      broken.set(false);
      assertThat(ahead.take()).isEqualTo(1);
      await().until(() -> ahead.ready() == SIZE);
    }
  }

  @Test
  void closing_ends_the_producers_whatever_they_are_at() {
    var never = new CountDownLatch(1);
    Ahead.Computation<Long> stuck =
        () -> {
          never.await();
          return 0L;
        };
    var full = counting(SIZE, 2);
    var computing = Ahead.start("stuck", SIZE, 2, factory, stuck, stuck);
    await().until(() -> full.ready() == SIZE);
    full.close();
    computing.close();
    full.close();
    assertThat(threads).hasSize(4).noneMatch(Thread::isAlive);
    assertThat(full.ready()).isZero();
  }

  private Ahead<Long> counting(int size, int producers) {
    return Ahead.start(
        "numbers", size, producers, factory, made::incrementAndGet, made::incrementAndGet);
  }
}
