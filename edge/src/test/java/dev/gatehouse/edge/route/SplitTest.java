package dev.gatehouse.edge.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {
  private static Split split(int... weights) {
    var shares = new ArrayList<Split.Share>();
    for (int weight : weights) {
      shares.add(new Split.Share(new Route.Destination.External("o" + shares.size()), weight));
    }
    return new Split(shares, Split.Sticky.CLIENT);
  }

  private static List<String> clients() {
    return IntStream.range(0, 20_000).mapToObj(i -> "10.0." + i / 250 + "." + i % 250).toList();
  }

  @Test
  void every_number_below_the_whole_lies_in_exactly_its_share() {
    var split = split(2, 0, 1);

    assertThat(IntStream.range(0, split.whole()).mapToObj(split::pick)).containsExactly(0, 0, 2);
    assertThatThrownBy(() -> split.pick(3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> split(0, 0)).hasMessageContaining("more than 0");
  }

  @Test
  void a_fair_draw_gives_each_destination_its_weight() {
    var split = split(95, 5);
    var random = new Random(42);
    long canary =
        IntStream.range(0, 100_000)
            .filter(i -> split.pick(random.nextInt(split.whole())) == 1)
            .count();

    assertThat(canary).isCloseTo(5_000, within(300L));
  }

  @Test
  void neighbouring_clients_are_spread_by_weight_and_a_growing_canary_keeps_its_own() {
    var small = split(95, 5);
    var large = split(80, 20);
    var canary = clients().stream().filter(c -> small.pick(small.number(c)) == 1).toList();

    assertThat(canary.size()).isCloseTo(1_000, within(150));
    assertThat(canary).allMatch(client -> large.pick(large.number(client)) == 1);
  }
}
