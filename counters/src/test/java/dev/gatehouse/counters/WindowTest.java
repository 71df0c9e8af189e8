package dev.gatehouse.counters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.counters.Keys.Range;
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
          var delta = new Delta("k");
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
    window.add(request("1", "b"), 0);
    window.add(request("2", "x"), 0);
    window.add(request("2", "x"), 0);
    var cuts = window.cuts(2);
    var chunks = window.cut(cuts);
    window.cutAt(chunks);
    assertThat(chunks)
        .extracting(chunk -> chunk.sums().stream().map(Delta::key).toList())
        .containsExactly(List.of(), List.of("a", "b"), List.of("c", "d"), List.of("e"));
    assertThat(chunks).extracting(Window.Chunk::number).containsExactly(0, 1, 2, Mark.LAST);
    assertThat(missing(window, Mark.NOTHING)).isEqualTo("a1 b2 c1 d1 e1 x1");
    assertThat(missing(window, new Mark(2, 9))).isEqualTo("a1 b2 c1 d1 e1 x1");
    assertThat(missing(window, new Mark(3, 0))).isEqualTo("a1 b1 c1 d1 e1");
    assertThat(missing(window, new Mark(3, 1))).isEqualTo("c1 d1 e1");
    assertThat(missing(window, new Mark(3, 2))).isEqualTo("e1");
    assertThat(missing(window, new Mark(3, Mark.LAST))).isEmpty();
    assertThat(missing(window, new Mark(4, 0))).isEmpty();
  }

  @Test
  void a_window_that_lost_some_of_itself_is_cut_where_it_was() {
    Seeded.check(
        300,
        random -> {
          var whole = new Window(1);
          var part = new Window(1);
          for (int i = 0; i < 40; i++) {
            boolean lost = random.nextInt(4) == 0;
            if (random.nextInt(3) == 0) {
              var request = request("id" + (random.nextInt(1000) * 100 + i), "k" + i);
              whole.add(request, 0);
              if (!lost) {
                part.add(request, 0);
              }
            } else {
              var key = "k" + random.nextInt(1000);
              whole.add(key, 1, 0);
              if (!lost) {
                part.add(key, 1, 0);
              }
            }
          }
          var cuts = whole.cuts(1 + random.nextInt(10));
          var expected = whole.cut(cuts);
          var found = part.cut(cuts);
          assertThat(found).hasSameSizeAs(expected);
          for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).number()).isEqualTo(expected.get(i).number());
            assertThat(expected.get(i).sums().stream().map(Delta::key))
                .containsAll(found.get(i).sums().stream().map(Delta::key).toList());
            assertThat(expected.get(i).requests()).containsAll(found.get(i).requests());
          }
        });
  }

  private static Window.Request request(String id, String key) {
    return new Window.Request(new Increment.Once(id, "body"), List.of(new Item(key, 1)));
  }

  private static String missing(Window window, Mark mark) {
    var all = new StringBuilder();
    for (var key : Window.first(window.listed(), Range.page("", ""), 100)) {
      window.missing(key, mark).ifPresent(sum -> all.append(key).append(sum).append(' '));
    }
    return all.toString().trim();
  }
}
