package dev.gatehouse.edge.upstream;

import static dev.gatehouse.edge.upstream.UpstreamUnderTest.crowded;
import static dev.gatehouse.edge.upstream.UpstreamUnderTest.replica;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.UpstreamUnderTest.Wish;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Places per replica, and the queue for them.
class WaitingRoomTest {
  private final Replica a = replica("a");
  private final Replica b = replica("b");

  @Test
  void no_replica_ever_has_more_than_its_places() {
    var service = new UpstreamUnderTest(crowded(2, 10), a, b);
    for (int i = 0; i < 4; i++) {
      assertThat(service.upstream.take(new Wish(), 0)).isNotNull();
    }
    assertThat(service.upstream.take(new Wish(), 0)).isNull();
    assertThat(List.of(a, b)).allMatch(replica -> replica.inFlight() == 2);
    assertThat(service.upstream.hopeless(new Wish(), 0)).isFalse();
  }

  @Test
  void who_came_first_is_served_first_and_nobody_overtakes() {
    var service = new UpstreamUnderTest(crowded(1, 10), a);
    var first = service.upstream.take(new Wish(), 0);
    var waiting = List.of(new Wish(), new Wish());
    waiting.forEach(wish -> assertThat(service.upstream.queue(wish)).isTrue());

    assertThat(service.upstream.take(new Wish(), 0)).isNull();
    service.upstream.done(Objects.requireNonNull(first));

    assertThat(waiting).extracting(wish -> wish.seated).containsExactly(true, false);
    assertThat(service.upstream.take(new Wish(), 0)).isNull();
    service.upstream.done(a);
    assertThat(waiting).allMatch(wish -> wish.seat == a);
  }

  @Test
  void a_full_queue_takes_nobody_and_one_who_leaves_makes_room() {
    var service = new UpstreamUnderTest(crowded(1, 1), a);
    service.upstream.take(new Wish(), 0);
    var waiting = new Wish();
    assertThat(service.upstream.queue(waiting)).isTrue();
    assertThat(service.upstream.queue(new Wish())).isFalse();

    assertThat(service.upstream.unqueue(waiting, false)).isTrue();
    assertThat(service.upstream.unqueue(waiting, false)).isFalse();
    var next = new Wish();
    assertThat(service.upstream.queue(next)).isTrue();
    service.upstream.done(a);
    assertThat(waiting.seated).isFalse();
    assertThat(next.seat).isEqualTo(a);
  }

  @Test
  void who_waits_hears_at_once_when_the_last_replica_goes() {
    var service = new UpstreamUnderTest(crowded(1, 1), a);
    service.upstream.take(new Wish(), 0);
    var waiting = new Wish();
    service.upstream.queue(waiting);

    service.upstream.replace(List.of());

    assertThat(waiting.seated).isTrue();
    assertThat(waiting.seat).isNull();
  }

  @Test
  void one_that_may_not_use_the_free_place_does_not_hold_up_those_behind() {
    var service = new UpstreamUnderTest(crowded(1, 5), a, b);
    service.upstream.take(new Wish(), 0);
    service.upstream.take(new Wish(), 0);
    var choosy = new Wish();
    choosy.noteTried(a);
    var other = new Wish();
    service.upstream.queue(choosy);
    service.upstream.queue(other);

    service.upstream.done(a);

    assertThat(choosy.seated).isFalse();
    assertThat(other.seat).isEqualTo(a);
  }

  @Test
  void from_many_threads_everyone_gets_a_place_and_none_is_lost() throws Exception {
    var service = new UpstreamUnderTest(crowded(2, 10_000), a, b);
    int count = 2_000;
    var served = new CountDownLatch(count);
    var most = new AtomicInteger();
    try (var threads = Executors.newFixedThreadPool(8);
        var places = Executors.newFixedThreadPool(2)) {
      var all = new ArrayList<Future<?>>();
      for (int i = 0; i < count; i++) {
        all.add(
            threads.submit(() -> {
              var wish = new Guest(service.upstream, places, served, most);
              var replica = service.upstream.take(wish, 0);
              if (replica != null) {
                wish.seat(replica);
              } else {
                assertThat(service.upstream.queue(wish)).isTrue();
              }
            }));
      }
      for (var one : all) {
        one.get();
      }
      served.await();
    }
    assertThat(most.get()).isLessThanOrEqualTo(2);
    assertThat(List.of(a, b)).allMatch(replica -> replica.inFlight() == 0);
    assertThat(service.upstream.waiting()).isZero();
  }

  /// Uses its place on a thread of its own and gives it back.
  private static final class Guest extends Ask {
    private final Upstream upstream;
    private final Executor places;
    private final CountDownLatch served;
    private final AtomicInteger most;

    Guest(Upstream upstream, Executor places, CountDownLatch served, AtomicInteger most) {
      this.upstream = upstream;
      this.places = places;
      this.served = served;
      this.most = most;
    }

    @Override
    Need least() {
      return Need.CHECKED;
    }

    @Override
    long hash() {
      return 0;
    }

    @Override
    String stuckTo() {
      return "";
    }

    @Override
    void seat(@Nullable Replica replica) {
      var given = Objects.requireNonNull(replica);
      places.execute(() -> {
        most.accumulateAndGet(given.inFlight(), Math::max);
        upstream.done(given);
        served.countDown();
      });
    }

    @Override
    void onItsLoop(Runnable action) {
      action.run();
    }
  }
}
