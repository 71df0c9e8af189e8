package dev.gatehouse.edge.upstream;

import static dev.gatehouse.edge.upstream.UpstreamUnderTest.balanced;
import static dev.gatehouse.edge.upstream.UpstreamUnderTest.replica;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.UpstreamUnderTest.Wish;
import dev.gatehouse.http.Failure;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// When real requests and health checks take a replica out, and how it comes back.
class EjectionTest {
  private final Replica a = replica("a");
  private final Replica b = replica("b");
  private final Replica c = replica("c");
  private final UpstreamUnderTest service =
      new UpstreamUnderTest(balanced(new Balance.RoundRobin()), a, b, c);

  @Test
  void a_refused_or_reset_connection_ejects_at_once_and_every_replica_if_need_be() {
    for (var replica : List.of(a, b, c)) {
      service.upstream.failed(replica, Failure.ORIGIN_RESET, now(), now());
      assertThat(replica.ejected()).isTrue();
      assertThat(replica.snapshot().state()).isEqualTo(Replica.State.DOWN);
      assertThat(replica.snapshot().reason()).isPresent();
    }
    assertThat(service.next(Wish.least(Ask.Need.WELL))).isEqualTo("-");
  }

  @Test
  void errors_in_a_row_eject_and_a_good_answer_between_them_starts_the_count_anew() {
    errors(a, 4);
    service.answers(a, 200);
    errors(a, 4);
    assertThat(a.ejected()).isFalse();

    errors(a, 1);
    assertThat(a.ejected()).isTrue();
    assertThat(service.next(4)).doesNotContain("a");
  }

  @Test
  void a_high_share_of_errors_ejects_though_good_answers_lie_between() {
    for (int i = 0; i < 20; i++) {
      service.answers(a, i % 2 == 0 ? 200 : 500);
      service.answers(b, 200);
      service.answers(c, 200);
    }
    assertThat(a.ejected()).isTrue();
    assertThat(b.ejected()).isFalse();
  }

  @Test
  void nobody_is_ejected_while_the_others_do_no_better() {
    for (int i = 0; i < 100; i++) {
      service.answers(a, 503);
      service.answers(b, 503);
      service.answers(c, 503);
    }
    assertThat(List.of(a, b, c)).noneMatch(Replica::ejected);
  }

  @Test
  void no_more_than_the_set_share_is_ejected_by_errors() {
    errors(a, 5);
    errors(b, 50);

    assertThat(a.ejected()).isTrue();
    assertThat(b.ejected()).isFalse();
  }

  @Test
  void when_its_time_is_over_one_request_tries_and_a_good_answer_brings_it_back() {
    errors(a, 5);
    service.pass(Duration.ofMillis(1_100));

    assertThat(service.next(6)).containsOnlyOnce("a");
    service.answers(a, 200);

    assertThat(a.ejected()).isFalse();
    assertThat(service.next(6).replaceAll("[^a]", "")).isEqualTo("aa");
  }

  @Test
  void a_try_that_never_tells_how_it_went_is_followed_by_another_a_second_later() {
    errors(a, 5);
    service.pass(Duration.ofMillis(1_100));
    assertThat(service.next(6)).containsOnlyOnce("a");
    assertThat(service.next(6)).doesNotContain("a");
    service.pass(Duration.ofSeconds(1));

    assertThat(service.next(6)).containsOnlyOnce("a");
  }

  @Test
  void each_failed_try_makes_the_ejection_longer_up_to_a_limit() {
    errors(a, 5);
    for (int length = 2; length < 20; length++) {
      service.pass(Duration.ofSeconds(9));
      errors(a, 1); // the try
      int seconds = Math.min(8, length);
      service.pass(Duration.ofSeconds(seconds).minusMillis(1));
      assertThat(service.next(6)).as("%s s", seconds).doesNotContain("a");
      service.pass(Duration.ofMillis(2));
      assertThat(service.next(6)).as("%s s", seconds).contains("a");
    }
  }

  @Test
  void answers_to_what_was_sent_before_the_ejection_change_nothing() {
    long before = now();
    service.pass(Duration.ofMillis(1));
    errors(a, 5);
    service.upstream.answered(a, 200, before, now());
    assertThat(a.ejected()).isTrue();

    service.upstream.failed(a, Failure.ORIGIN_RESET, before, now());
    service.pass(Duration.ofMillis(1_100));
    assertThat(service.next(6)).contains("a");
  }

  @Test
  void an_ejected_replica_is_better_than_none_unless_the_route_fails_closed() {
    errors(a, 5);
    service.upstream.replace(List.of(a));

    assertThat(service.next(Wish.least(Ask.Need.WELL))).isEqualTo("-");
    assertThat(service.next(Wish.least(Ask.Need.CHECKED))).isEqualTo("a");
  }

  @Test
  void one_that_is_checked_comes_back_when_its_check_is_good_and_its_ejection_is_over() {
    var checked = new UpstreamUnderTest(UpstreamSettings.own(false), replica("x"), replica("y"));
    var x = checked.upstream.replicas().getFirst();
    checked.upstream.failed(x, Failure.ORIGIN_REFUSED, 0, 0);
    checked.pass(Duration.ofSeconds(5));
    assertThat(checked.next(4)).isEqualTo("yyyy");

    checked.upstream.checked(x, Optional.empty());
    assertThat(checked.next(4)).contains("x");

    checked.answers(x, 200);
    checked.upstream.failed(x, Failure.ORIGIN_REFUSED, now(checked), now(checked));
    checked.upstream.checked(x, Optional.empty());
    assertThat(checked.next(4)).isEqualTo("yyyy");
  }

  @Test
  void a_process_that_was_started_anew_is_not_blamed_for_its_ancestor() {
    var checked = new UpstreamUnderTest(UpstreamSettings.own(false), replica("x"), replica("y"));
    var x = checked.upstream.replicas().getFirst();
    checked.upstream.failed(x, Failure.ORIGIN_RESET, 0, 0);
    assertThat(checked.next(4)).isEqualTo("yyyy");

    checked.upstream.replace(
        List.of(UpstreamUnderTest.startedAt("x", Instant.EPOCH.plusSeconds(1)), replica("y")));

    assertThat(checked.upstream.replicas().getFirst()).isSameAs(x);
    assertThat(checked.next(4)).contains("xy");
  }

  @Test
  void fail_open_sends_to_one_that_is_down_and_the_others_do_not() {
    var checked = new UpstreamUnderTest(UpstreamSettings.own(false), replica("x"));
    var x = checked.upstream.replicas().getFirst();
    checked.upstream.checked(x, Optional.of("no"));

    assertThat(checked.next(Wish.least(Ask.Need.CHECKED))).isEqualTo("-");
    assertThat(checked.next(Wish.least(Ask.Need.PRESENT))).isEqualTo("x");
  }

  @Test
  void a_replica_that_leaves_the_list_gets_nothing_more_and_its_connections_are_let_go() {
    service.upstream.take(new Wish(), 0);
    service.upstream.replace(List.of(b, c));

    assertThat(service.next(6)).doesNotContain("a");
    assertThat(service.left).containsExactly(a.origin());
    assertThat(a.inFlight()).isEqualTo(1);
  }

  @Test
  void what_is_known_of_a_replica_survives_a_new_list_and_new_settings() {
    errors(a, 5);
    service.upstream.replace(List.of(replica("a"), b, c));
    service.upstream.adopt(balanced(new Balance.LeastRequests()));

    assertThat(service.upstream.replicas().getFirst()).isSameAs(a);
    assertThat(service.next(20)).doesNotContain("a");
  }

  private void errors(Replica replica, int times) {
    for (int i = 0; i < times; i++) {
      service.answers(replica, 500);
    }
  }

  private long now() {
    return now(service);
  }

  private static long now(UpstreamUnderTest of) {
    return of.time.getAsLong();
  }
}
