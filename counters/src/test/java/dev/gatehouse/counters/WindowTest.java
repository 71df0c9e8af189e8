package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Window.Flushed;
import dev.gatehouse.testkit.Seeded;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class WindowTest {
  @Test
  void keys_sort_as_their_utf_8_bytes() {
    Seeded.check(
        2000,
        random -> {
          var a = Seeded.text(random, 4) + (random.nextBoolean() ? "\uff5e" : "");
          var b = (random.nextBoolean() ? a : "") + Seeded.text(random, 4);
          int bytes =
              Arrays.compareUnsigned(
                  a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
          assertThat(Integer.signum(Keys.ORDER.compare(a, b))).isEqualTo(Integer.signum(bytes));
        });
  }

  @Test
  void a_page_is_the_keys_with_the_prefix_after_the_last_one() {
    Seeded.check(
        2000,
        random -> {
          var key = Seeded.text(random, 3);
          var prefix = random.nextBoolean() ? key.substring(0, key.offsetByCodePoints(0, 1)) : "a";
          var after = random.nextInt(3) == 0 ? "" : Seeded.text(random, 3);
          var range = Range.page(prefix, after);
          boolean in =
              Keys.ORDER.compare(key, range.from()) >= 0 && Keys.ORDER.compare(key, range.to()) < 0;
          assertThat(in)
              .isEqualTo(
                  key.startsWith(prefix)
                      && (after.isEmpty() || Keys.ORDER.compare(key, after) > 0));
        });
  }

  @Test
  void a_sum_beyond_64_bits_is_exact() {
    Seeded.check(
        500,
        random -> {
          var delta = new Delta();
          var sum = BigInteger.ZERO;
          for (int i = 0; i < 20; i++) {
            long value =
                switch (random.nextInt(4)) {
                  case 0 -> Long.MAX_VALUE;
                  case 1 -> Long.MIN_VALUE;
                  case 2 -> random.nextInt(10) - 5;
                  default -> random.nextLong();
                };
            delta.add(value);
            sum = sum.add(BigInteger.valueOf(value));
          }
          assertThat(delta.total()).isEqualTo(sum);
        });
  }

  @Test
  void chunks_cover_the_window_in_order_and_what_is_flushed_is_not_missing() {
    var window = new Window(3);
    for (var key : List.of("e", "a", "d", "b", "c")) {
      window.add(key, 1, 0);
    }
    var chunks = window.cut(2);
    window.cutAt(chunks);
    assertThat(chunks)
        .extracting(Window.Chunk::keys)
        .containsExactly(List.of("a", "b"), List.of("c", "d"), List.of("e"));
    var all = Range.page("", "");
    assertThat(window.missing(all, Flushed.NOTHING)).containsOnlyKeys("a", "b", "c", "d", "e");
    assertThat(window.missing(all, new Flushed(2, 9))).containsOnlyKeys("a", "b", "c", "d", "e");
    assertThat(window.missing(all, new Flushed(3, 0))).containsOnlyKeys("c", "d", "e");
    assertThat(window.missing(all, new Flushed(3, 1))).containsOnlyKeys("e");
    assertThat(window.missing(all, new Flushed(3, 2))).isEmpty();
    assertThat(window.missing(all, new Flushed(4, 0))).isEmpty();
    assertThat(window.missing(Range.one("d"), new Flushed(3, 0))).containsOnlyKeys("d");
    assertThat(window.missing(Range.one("b"), new Flushed(3, 0))).isEmpty();
  }
}
