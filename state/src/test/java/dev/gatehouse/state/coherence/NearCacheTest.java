package dev.gatehouse.state.coherence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.coherence.NearCache.Boarding;
import dev.gatehouse.state.coherence.NearCache.Loaded;
import dev.gatehouse.state.coherence.NearCache.Written;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class NearCacheTest {
  private static final Duration LEASE = Duration.ofSeconds(2);

  private final AtomicLong clock = new AtomicLong();
  private final Lease lease = new Lease(clock::get, LEASE, Duration.ZERO);
  private Runnable beforeAnswer = () -> {};
  private final NearCache<String> cache =
      new NearCache<>(
          "rows",
          100_000,
          String::length,
          lease,
          new Nobody(),
          clock::get,
          () -> beforeAnswer.run());
  private final AtomicInteger loads = new AtomicInteger();

  @Test
  void a_thousand_readers_of_one_cold_key_make_one_load() throws Exception {
    lease.begin(clock.get());
    var arrived = new CountDownLatch(1);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var readers = new ArrayList<Future<String>>();
      for (int i = 0; i < 1000; i++) {
        readers.add(
            threads.submit(() ->
                cache.get(
                    "k",
                    key -> {
                      awaitOn(arrived);
                      return loaded("v");
                    })));
      }
      await().until(() -> cache.misses() == 1000);
      arrived.countDown();
      for (var reader : readers) {
        assertThat(reader.get()).isEqualTo("v");
      }
    }
    assertThat(loads).hasValue(1);
  }

  @Test
  void a_load_that_a_write_overtook_is_not_remembered_and_not_joined_by_later_readers() {
    lease.begin(clock.get());
    var answer =
        cache.get(
            "k",
            key -> {
              var old = loaded("old");
              cache.change("k", () -> new Written<>(true, 1, 7));
              assertThat(cache.get("k", again -> loaded("new"))).isEqualTo("new");
              return old;
            });
    assertThat(answer).isEqualTo("old");
    assertThat(cache.peek("k")).contains("new");
  }

  @Test
  void a_reader_whose_lease_ends_between_look_and_answer_reads_through() {
    lease.begin(clock.get());
    assertThat(cache.get("k", key -> loaded("old"))).isEqualTo("old");
    beforeAnswer = () -> clock.addAndGet(LEASE.toNanos());
    assertThat(cache.get("k", key -> loaded("new"))).isEqualTo("new");
  }

  @Test
  void a_reader_whose_lease_began_anew_between_look_and_answer_does_not_answer_what_it_saw() {
    lease.begin(clock.get());
    assertThat(cache.get("k", key -> loaded("old"))).isEqualTo("old");
    beforeAnswer =
        () -> {
          clock.addAndGet(LEASE.toNanos());
          lease.begin(clock.get());
        };
    assertThat(cache.get("k", key -> loaded("new"))).isEqualTo("new");
  }

  @Test
  void a_load_from_before_a_gap_in_the_lease_is_worth_nothing_after_it() {
    lease.begin(clock.get());
    cache.get(
        "k",
        key -> {
          clock.addAndGet(LEASE.toNanos());
          lease.begin(clock.get());
          return loaded("old");
        });
    assertThat(cache.peek("k")).isEmpty();
    assertThat(cache.get("k", key -> loaded("new"))).isEqualTo("new");
  }

  @Test
  void a_lease_that_ran_out_is_not_prolonged() {
    lease.begin(clock.get());
    long sentAt = clock.addAndGet(LEASE.toNanos() - 1);
    clock.addAndGet(1);
    assertThat(lease.extend(sentAt)).isFalse();
    assertThat(lease.epoch()).isEqualTo(Lease.NONE);
  }

  @Test
  void without_a_lease_nothing_is_remembered_or_shared() {
    assertThat(cache.get("k", key -> loaded("1"))).isEqualTo("1");
    assertThat(cache.get("k", key -> loaded("2"))).isEqualTo("2");
    assertThat(cache.readThrough()).isEqualTo(2);
  }

  @Test
  void an_entry_loaded_after_just_the_change_that_is_told_may_stay() {
    lease.begin(clock.get());
    cache.get("k", key -> new Loaded<>("v", 7));
    cache.drop("k", 7);
    assertThat(cache.peek("k")).contains("v");
    cache.drop("k", 6);
    assertThat(cache.peek("k")).isEmpty();
  }

  @Test
  void while_it_is_closed_nothing_of_a_row_is_remembered() {
    lease.begin(clock.get());
    cache.get("k", key -> loaded("old"));
    cache.close("k", clock.get() + 20);
    assertThat(cache.peek("k")).isEmpty();
    assertThat(cache.get("k", key -> loaded("old"))).isEqualTo("old");
    assertThat(cache.peek("k")).isEmpty();

    clock.addAndGet(10);
    cache.close("k", clock.get() + 20);
    cache.close("k", clock.get() + 1);
    cache.drop("k", 7);
    cache.clear();
    clock.addAndGet(19);
    cache.get("k", key -> loaded("old"));
    assertThat(cache.peek("k")).isEmpty();

    clock.addAndGet(1);
    assertThat(cache.get("k", key -> loaded("new"))).isEqualTo("new");
    assertThat(cache.peek("k")).contains("new");
  }

  @Test
  void of_the_readers_of_a_closed_row_one_loads_at_a_time_for_those_that_came_before_it_began() {
    lease.begin(clock.get());
    long epoch = lease.epoch();
    cache.close("k", clock.get() + 20);
    var first = cache.board("k", epoch);
    assertThat(first.own()).isTrue();
    assertThat(cache.board("k", epoch)).isEqualTo(new Boarding<>(first.flight(), false));
    cache.begin("k", first.flight());

    var second = cache.board("k", epoch);
    assertThat(second.own()).isTrue();
    assertThat(cache.board("k", epoch)).isEqualTo(new Boarding<>(second.flight(), false));
    assertThat(second.flight().ready()).isNotDone();
    cache.land("k", first.flight(), new Loaded<>("v", 1));
    assertThat(second.flight().ready()).isDone();
    assertThat(cache.peek("k")).isEmpty();
  }

  @Test
  void rows_that_were_closed_take_no_memory_later() {
    for (int i = 0; i < 1000; i++) {
      cache.close("k" + i, clock.incrementAndGet() + 20);
    }
    assertThat(cache.underway()).isEqualTo(20);
  }

  @Test
  void a_write_that_failed_is_forgotten_too_since_it_may_have_been_carried_out() {
    lease.begin(clock.get());
    cache.get("k", key -> loaded("v"));
    assertThatThrownBy(() ->
            cache.change(
                "k",
                () -> {
                  throw new IllegalStateException("the connection broke at COMMIT");
                }))
        .hasMessageContaining("COMMIT");
    assertThat(cache.peek("k")).isEmpty();
  }

  @Test
  void a_load_that_fails_fails_its_readers_and_the_next_reader_loads_again() {
    lease.begin(clock.get());
    assertThatThrownBy(() ->
            cache.get(
                "k",
                key -> {
                  throw new IllegalStateException("down");
                }))
        .hasMessage("down");
    assertThat(cache.get("k", key -> loaded("v"))).isEqualTo("v");
  }

  @Test
  void it_holds_no_more_bytes_than_it_was_given() {
    lease.begin(clock.get());
    for (int i = 0; i < 1000; i++) {
      cache.get("k" + i, key -> loaded("v".repeat(1000)));
    }
    assertThat(cache.bytes()).isLessThanOrEqualTo(100_000);
  }

  private Loaded<String> loaded(String value) {
    loads.incrementAndGet();
    return new Loaded<>(value, 1);
  }

  private static void awaitOn(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException stopped) {
      throw new IllegalStateException(stopped);
    }
  }
}
