package dev.gatehouse.edge.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Two edges on one database, with a clock of the test's own and rounds when it says so.
class ExchangeTest {
  private static final Duration TENTH = Duration.ofMillis(100);

  private final FakeTicker ticker = new FakeTicker();
  private final Database database = TestPostgres.database();
  private final List<Limit> file = List.of(Edges.named("each", 1000));
  private final Edges one = new Edges(ticker, database, 1, file);
  private final Edges two = new Edges(ticker, database, 2, file);

  @AfterEach
  void close() {
    database.close();
  }

  private void rounds() {
    one.exchange.turn();
    two.exchange.turn();
    // Each has heard of the other only after a second look.
    one.exchange.turn();
  }

  /// What passes in so many tenths of a second when each edge is asked `each` times in each.
  private int passed(int tenths, int each, Runnable between) {
    int passed = 0;
    for (int i = 0; i < tenths; i++) {
      for (int part = 0; part < 10; part++) {
        for (int j = 0; j < each / 10; j++) {
          passed += one.ask("192.0.2.1") ? 1 : 0;
          passed += two.ask("192.0.2.1") ? 1 : 0;
        }
        ticker.advance(TENTH.dividedBy(10));
      }
      between.run();
    }
    return passed;
  }

  @Test
  void together_two_edges_let_in_what_one_would() {
    rounds();
    Runnable round =
        () -> {
          one.exchange.turn();
          two.exchange.turn();
        };
    for (int window = 0; window < 3; window++) {
      // 2,000 a second against a limit of 1,000, for ten seconds.
      assertThat(passed(100, 100, round)).isBetween(8_500, 10_500);
    }
  }

  @Test
  void a_client_of_one_edge_only_has_the_whole_limit_there() {
    rounds();
    int passed = 0;
    for (int i = 0; i < 2_000; i++) {
      passed += one.ask("192.0.2.7") ? 1 : 0;
    }
    assertThat(passed).isEqualTo(1_000);
  }

  @Test
  void without_word_of_the_others_an_edge_keeps_to_its_share_and_comes_back_by_itself() {
    rounds();
    // Nobody exchanges for 30 s.
    assertThat(passed(10, 100, () -> {})).isLessThanOrEqualTo(1_500);
    int share = passed(290, 100, () -> {});
    assertThat(share).isBetween(24_000, 29_000);
    assertThat(one.limits.figures().apart()).isTrue();
    rounds();
    assertThat(one.limits.figures().apart()).isFalse();
    ticker.advance(Duration.ofSeconds(3));
    rounds();
    int passed = 0;
    for (int i = 0; i < 2_000; i++) {
      passed += one.ask("192.0.2.1") ? 1 : 0;
    }
    assertThat(passed).isEqualTo(1_000);
  }

  @Test
  void after_an_outage_an_edge_keeps_to_its_share_until_the_others_are_heard_of_or_thought_dead() {
    rounds();
    ticker.advance(Duration.ofSeconds(30));
    // As a crash leaves it, and the first edge finds the database before the second one does.
    database.with(handle -> handle.execute("TRUNCATE limits_edges, limits_usage"));
    one.exchange.turn();
    assertThat(asked(one, 2_000)).isEqualTo(500);
    two.exchange.turn();
    one.exchange.turn();
    assertThat(asked(one, 2_000)).isEqualTo(500);
    assertThat(one.limits.figures().apart()).isFalse();

    ticker.advance(Duration.ofSeconds(30));
    database.with(handle -> handle.execute("TRUNCATE limits_edges, limits_usage"));
    one.exchange.turn();
    ticker.advance(Duration.ofSeconds(2));
    one.exchange.turn();
    assertThat(asked(one, 2_000)).isEqualTo(500);
    ticker.advance(Duration.ofSeconds(2));
    one.exchange.turn();
    assertThat(one.limits.figures().edges()).isEqualTo(1);
    assertThat(asked(one, 2_000)).isEqualTo(1_000);
  }

  @Test
  void an_edge_that_has_never_heard_of_the_others_keeps_to_its_share_of_those_it_expects() {
    var late = new Edges(ticker, database, 3, file);
    late.limits.expect(4);
    assertThat(asked(late, 2_000)).isEqualTo(250);
    // Then it learns what buckets are called on all edges, and counts anew.
    late.exchange.turn();
    assertThat(late.limits.figures().edges()).isEqualTo(1);
    assertThat(asked(late, 2_000)).isEqualTo(1_000);
  }

  private static int asked(Edges edge, int times) {
    int passed = 0;
    for (int i = 0; i < times; i++) {
      passed += edge.ask("192.0.2.1") ? 1 : 0;
    }
    return passed;
  }

  @Test
  void an_edge_that_is_alone_tells_nothing() {
    one.exchange.turn();
    for (int i = 0; i < 2_000; i++) {
      one.ask("192.0.2.1");
    }
    one.exchange.turn();
    assertThat(rows()).isZero();
  }

  @Test
  void only_busy_keys_are_told_and_they_are_forgotten_when_they_are_quiet() {
    rounds();
    for (int client = 0; client < 200; client++) {
      for (int i = 0; i < 100; i++) {
        one.ask("192.0.2." + client);
      }
    }
    one.exchange.turn();
    assertThat(rows()).isZero();
    for (int i = 0; i < 300; i++) {
      one.ask("198.51.100.1");
    }
    one.exchange.turn();
    assertThat(rows()).isEqualTo(1);
    for (int i = 0; i < 4; i++) {
      ticker.advance(Duration.ofSeconds(2));
      rounds();
    }
    assertThat(rows()).isZero();
    assertThat(one.limits.figures().told()).isZero();
    assertThat(two.limits.figures().told()).isZero();
  }

  @Test
  void what_is_set_on_one_edge_is_in_force_there_at_once_and_on_the_other_at_its_next_round() {
    rounds();
    assertThat(one.exchange.put("tight", "1")).isTrue();
    assertThat(one.ask("192.0.2.9")).isTrue();
    assertThat(one.ask("192.0.2.9")).isFalse();
    two.exchange.turn();
    assertThat(two.limits.find("tight")).isPresent();
    assertThat(new Edges(ticker, database, 3, file).limits.find("tight")).isEmpty();
    var later = new Edges(ticker, database, 4, file);
    later.exchange.turn();
    assertThat(later.limits.find("tight")).isPresent();
    one.exchange.reset("tight");
    assertThat(one.ask("192.0.2.9")).isTrue();
    assertThat(two.exchange.delete("tight")).isTrue();
    assertThat(two.exchange.delete("tight")).isFalse();
    one.exchange.turn();
    assertThat(one.limits.find("tight")).isEmpty();
  }

  private int rows() {
    return database.with(handle ->
        handle.createQuery("SELECT count(*) FROM limits_usage").mapTo(Integer.class).one());
  }
}
