package dev.gatehouse.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CpuSumTest {
  @Test
  void a_sum_is_what_that_many_draws_from_0_to_100_make() {
    var sum = new CpuSum(new SplittableRandom(7));
    // The mean is 5,000,000 with a standard deviation of about 9,220: ten of them never happen.
    var sums = IntStream.range(0, 50).map(i -> sum.compute()).toArray();
    assertThat(IntStream.of(sums).boxed())
        .allSatisfy(value -> assertThat(value).isBetween(4_907_800, 5_092_200));
    assertThat(IntStream.of(sums).average().orElseThrow()).isBetween(4_987_000.0, 5_013_000.0);
    assertThat(IntStream.of(sums).distinct().count()).isGreaterThan(40);
  }

  @Test
  void being_polite_changes_no_draw() throws Exception {
    var quick = new CpuSum(new SplittableRandom(7));
    var polite = new CpuSum(new SplittableRandom(7));
    for (int i = 0; i < 5; i++) {
      assertThat(polite.computePolitely(() -> {})).isEqualTo(quick.compute());
    }
  }
}
