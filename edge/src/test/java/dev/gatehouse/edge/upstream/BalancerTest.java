package dev.gatehouse.edge.upstream;

import static dev.gatehouse.edge.upstream.UpstreamUnderTest.balanced;
import static dev.gatehouse.edge.upstream.UpstreamUnderTest.replica;
import static dev.gatehouse.edge.upstream.UpstreamUnderTest.slowly;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.UpstreamUnderTest.Wish;
import dev.gatehouse.http.Failure;
import dev.gatehouse.testkit.Seeded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Who gets the next request, for every policy.
class BalancerTest {
  private static final Balance IN_TURN = new Balance.RoundRobin();

  private final Replica a = replica("a");
  private final Replica b = replica("b");
  private final Replica c = replica("c");

  @Test
  void equal_replicas_take_turns() {
    assertThat(new UpstreamUnderTest(balanced(IN_TURN), a, b, c).next(7)).isEqualTo("abcabca");
  }

  @Test
  void the_turns_of_one_that_is_out_are_shared_by_all_others() {
    var service = new UpstreamUnderTest(balanced(IN_TURN), a, b, c);
    service.upstream.failed(a, Failure.ORIGIN_REFUSED, 0, 0);

    assertThat(service.next(6)).isIn("bcbcbc", "cbcbcb");
  }

  @Test
  void weights_are_kept_exactly_and_evenly_mixed() {
    var service =
        new UpstreamUnderTest(
            balanced(new Balance.Weighted()),
            replica("a", 5, 1),
            replica("b", 1, 1),
            replica("c", 1, 1));

    assertThat(service.next(14)).isEqualTo("aabacaaaabacaa");
  }

  @Test
  void the_turns_of_one_that_is_out_go_to_the_others_by_their_weights() {
    var lost = replica("x", 6, 1);
    var service =
        new UpstreamUnderTest(
            balanced(new Balance.Weighted()), lost, replica("a", 3, 1), replica("b", 1, 1));
    service.upstream.failed(lost, Failure.ORIGIN_REFUSED, 0, 0);

    var turns = service.next(10_000);

    assertThat(turns).doesNotContain("x");
    assertThat(turns.chars().filter(name -> name == 'a').count()).isBetween(7_000L, 8_000L);
  }

  @Test
  void a_busy_replica_gets_no_request_while_a_less_busy_one_is_drawn_too() {
    Seeded.check(
        20,
        random -> {
          var one = replica("a");
          var other = replica("b");
          var service =
              new UpstreamUnderTest(
                  balanced(new Balance.LeastRequests()), random.nextLong(), one, other);
          one.enter(0);

          assertThat(service.next(50)).isEqualTo("b".repeat(50));
        });
  }

  @Test
  void two_choices_keep_the_busiest_near_the_mean() {
    Seeded.check(
        10,
        random -> {
          var replicas = new ArrayList<Replica>();
          for (char name = 'a'; name < 'a' + 10; name++) {
            replicas.add(replica(String.valueOf(name)));
          }
          var service =
              new UpstreamUnderTest(
                  balanced(new Balance.LeastRequests()),
                  random.nextLong(),
                  replicas.toArray(Replica[]::new));
          for (int i = 0; i < 1_000; i++) {
            service.upstream.take(new Wish(), 0);
          }
          assertThat(replicas).allMatch(replica -> replica.inFlight() <= 105);
        });
  }

  @Test
  void the_faster_one_gets_the_request_until_it_is_the_slower_one() {
    var service = new UpstreamUnderTest(balanced(new Balance.Fastest()), a, b);
    a.pace().answered(10_000_000, 0);
    b.pace().answered(1_000_000, 0);
    assertThat(service.next(10)).isEqualTo("b".repeat(10));

    b.pace().answered(50_000_000, 0);
    assertThat(service.next(10)).isEqualTo("a".repeat(10));
  }

  @Test
  void a_peak_is_believed_at_once_and_forgotten_slowly() {
    a.pace().answered(1_000_000, 0);
    a.pace().answered(100_000_000, 0);
    assertThat(a.pace().load(0)).isEqualTo(100_000_000);

    a.pace().answered(1_000_000, Duration.ofMillis(100).toNanos());
    assertThat(a.pace().load(0)).isBetween(95_000_000.0, 100_000_000.0);
    a.pace().answered(1_000_000, Duration.ofSeconds(60).toNanos());
    assertThat(a.pace().load(0)).isLessThan(2_000_000);
  }

  @Test
  void equal_requests_meet_the_same_replica_and_only_the_share_of_a_lost_one_moves() {
    Seeded.check(
        5,
        random -> {
          var replicas = List.of(replica("a"), replica("b"), replica("c"), replica("d"));
          var service =
              new UpstreamUnderTest(
                  balanced(new Balance.Hash(new Balance.By.Path())),
                  random.nextLong(),
                  replicas.toArray(Replica[]::new));
          var before = new HashMap<Long, String>();
          for (int i = 0; i < 4_000; i++) {
            long hash = random.nextLong();
            before.put(hash, service.next(Wish.hashed(hash)));
          }
          for (var replica : replicas) {
            assertThat(before.values().stream().filter(replica.id()::equals).count())
                .isBetween(800L, 1_200L);
          }

          service.upstream.replace(replicas.subList(0, 3));

          before.forEach((hash, was) -> {
            if (!was.equals("d")) {
              assertThat(service.next(Wish.hashed(hash))).isEqualTo(was);
            }
          });
        });
  }

  @Test
  void a_hot_key_spills_over_before_its_replica_has_much_more_than_its_share() {
    var service =
        new UpstreamUnderTest(balanced(new Balance.Hash(new Balance.By.Client())), a, b, c);
    for (int i = 0; i < 300; i++) {
      service.upstream.take(Wish.hashed(7), 0);
    }
    assertThat(List.of(a, b, c)).allMatch(replica -> replica.inFlight() <= 126);
  }

  @Test
  void a_client_stays_with_the_replica_its_cookie_names_and_falls_to_another_when_that_is_out() {
    var service = new UpstreamUnderTest(balanced(new Balance.Sticky("r")), a, b, c);
    var mine = Wish.stuckTo(b.nickname());
    assertThat(b.nickname()).matches("[0-9a-f]{24}").isNotEqualTo(a.nickname());
    for (int i = 0; i < 5; i++) {
      assertThat(service.next(mine)).isEqualTo("b");
    }
    service.upstream.failed(b, Failure.ORIGIN_REFUSED, 0, 0);

    assertThat(service.next(mine)).isIn("a", "c");
    assertThat(service.next(Wish.stuckTo("forged"))).isIn("a", "c");
  }

  @Test
  void a_higher_group_is_used_only_while_nobody_of_a_lower_one_is_well() {
    var first = replica("a", 1, 1);
    var second = replica("b", 1, 2);
    var service = new UpstreamUnderTest(balanced(IN_TURN), second, first);
    assertThat(service.next(3)).isEqualTo("aaa");

    service.upstream.failed(first, Failure.ORIGIN_REFUSED, 0, 0);
    assertThat(service.next(3)).isEqualTo("bbb");

    service.pass(Duration.ofSeconds(2));
    assertThat(service.next()).isEqualTo("a");
    service.answers(first, 200);
    assertThat(service.next(3)).isEqualTo("aaa");
  }

  @Test
  void a_request_that_failed_goes_to_another_replica_and_to_the_next_group_when_there_is_none() {
    var service = new UpstreamUnderTest(balanced(IN_TURN), a, replica("b", 1, 2));
    var wish = new Wish();
    wish.noteTried(a);

    assertThat(service.next(wish)).isEqualTo("b");
    assertThat(service.upstream.hopeless(wish, 0)).isFalse();
  }

  @Test
  void a_new_replica_gets_its_full_share_slowly() {
    var service = new UpstreamUnderTest(slowly(IN_TURN, Duration.ofSeconds(10)), a, b);
    service.upstream.replace(List.of(a, b, c));
    var shares = new ArrayList<Long>();
    for (int second = 0; second <= 10; second += 5) {
      shares.add(service.next(3_000).chars().filter(name -> name == 'c').count());
      service.pass(Duration.ofSeconds(5));
    }
    assertThat(shares.get(0)).isBetween(30L, 200L);
    assertThat(shares.get(1)).isBetween(450L, 700L);
    assertThat(shares.get(2)).isBetween(980L, 1_020L);
  }

  @Test
  void the_first_replicas_of_all_start_at_once() {
    var service = new UpstreamUnderTest(slowly(IN_TURN, Duration.ofSeconds(10)));
    service.upstream.replace(List.of(a, b));

    assertThat(service.next(4)).isEqualTo("abab");
  }

  @Test
  void every_policy_uses_all_replicas_and_nobody_who_is_out() {
    var policies =
        Map.<String, Balance>of(
            "in turn", IN_TURN,
            "weighted", new Balance.Weighted(),
            "least", new Balance.LeastRequests(),
            "fastest", new Balance.Fastest(),
            "hash", new Balance.Hash(new Balance.By.Path()),
            "sticky", new Balance.Sticky("r"));
    policies.forEach((name, policy) ->
        Seeded.check(
            3,
            random -> {
              var one = replica("a");
              var other = replica("b");
              var out = replica("x");
              var service =
                  new UpstreamUnderTest(balanced(policy), random.nextLong(), out, one, other);
              service.upstream.failed(out, Failure.ORIGIN_REFUSED, 0, 0);
              var seen = new StringBuilder();
              for (int i = 0; i < 200; i++) {
                seen.append(service.next(Wish.hashed(random.nextLong())));
              }
              assertThat(seen.toString()).as(name).contains("a", "b").doesNotContain("x", "-");
            }));
  }
}
