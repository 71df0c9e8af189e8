package dev.gatehouse.edge.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.limit.Limit.KeyPart;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/// A table of many keys: what it forgets, what it costs, what becomes of it when it is full.
class BucketsTest {
  private static final KeyHash.Secret SECRET = new KeyHash.Secret(1, 2);
  private final Rule rule = new Rule(perClient(10), 0, SECRET);

  private static Limit perClient(int permits) {
    return new Limit(
        "each",
        Limit.Match.ALL,
        List.of(KeyPart.of(KeyPart.Source.CLIENT)),
        new Limit.Rate(permits, Duration.ofMinutes(1)),
        OptionalInt.empty(),
        Limit.MissingKey.SKIP,
        1,
        Limit.Origin.FILE);
  }

  private boolean take(Buckets buckets, long key, long now) {
    var outcome = new Buckets.Outcome();
    buckets.take(rule, key, now, outcome);
    return outcome.taken();
  }

  @Test
  void a_million_keys_have_a_bucket_each_and_cost_less_than_100_bytes() {
    var buckets = new Buckets(1_000_000, new Sharing());
    var random = new SplittableRandom(5);
    var keys = random.longs(1_000_000).toArray();
    for (int i = 0; i < 10; i++) {
      for (long key : keys) {
        assertThat(take(buckets, key, 1)).isTrue();
      }
    }
    int passed = 0;
    for (long key : keys) {
      passed += take(buckets, key, 1) ? 1 : 0;
    }
    assertThat(passed).isLessThan(10);
    buckets.sweep(2);
    assertThat(buckets.kept()).isBetween(999_990L, 1_000_000L);
    assertThat(buckets.crowded()).isZero();
    assertThat(buckets.bytes()).isLessThan(100_000_000);
  }

  @Test
  void idle_keys_are_forgotten_and_their_memory_comes_back() {
    var buckets = new Buckets(100_000, new Sharing());
    for (long key : new SplittableRandom(5).longs(100_000).toArray()) {
      take(buckets, key, 1);
    }
    long full = buckets.bytes();
    buckets.sweep(Duration.ofMinutes(2).toNanos());
    assertThat(buckets.kept()).isZero();
    assertThat(buckets.bytes()).isLessThan(full / 20).isLessThan(300_000);
  }

  @Test
  void when_it_is_full_old_keys_keep_their_buckets_and_new_ones_are_limited_more_strictly() {
    var buckets = new Buckets(1_000, new Sharing());
    var random = new SplittableRandom(5);
    var old = random.longs(1_000).toArray();
    for (long key : old) {
      for (int i = 0; i < 9; i++) {
        take(buckets, key, 1);
      }
    }
    long bytes = buckets.bytes();
    int passes = 0;
    for (long key : random.longs(100_000).toArray()) {
      passes += take(buckets, key, 1) ? 1 : 0;
    }
    assertThat(buckets.crowded()).isGreaterThan(90_000);
    assertThat(passes).isBetween(640, 5_000);
    int kept = 0;
    for (long key : old) {
      kept += take(buckets, key, 1) && !take(buckets, key, 1) ? 1 : 0;
    }
    assertThat(kept).isGreaterThan(950);
    assertThat(buckets.bytes()).isLessThan(Math.max(bytes * 2, 1_000_000));
  }

  @Test
  void threads_that_share_a_key_never_get_more_than_the_limit() throws Exception {
    var shared = new Rule(perClient(10_000), 0, SECRET);
    var buckets = new Buckets(1_000, new Sharing());
    var passed = new LongAdder();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int t = 0; t < 4; t++) {
        threads.submit(() -> {
          var outcome = new Buckets.Outcome();
          for (int i = 0; i < 10_000; i++) {
            buckets.take(shared, 77, 1, outcome);
            passed.add(outcome.taken() ? 1 : 0);
          }
        });
      }
    }
    assertThat(passed.sum()).isEqualTo(10_000);
  }

  @Test
  void what_did_not_change_goes_on_counting_when_the_rules_are_made_anew() {
    var source = new Rules.Source(List.of(perClient(10)), java.util.Map.of());
    var before = new Rules(source, SECRET, Optional.empty());
    var after = new Rules(source, SECRET, Optional.of(before));
    assertThat(after.all().getFirst()).isSameAs(before.all().getFirst());
    var reset =
        new Rules(
            new Rules.Source(source.limits(), java.util.Map.of("each", 1L)),
            SECRET,
            Optional.of(before));
    assertThat(reset.all().getFirst().id).isNotEqualTo(before.all().getFirst().id);
  }
}
