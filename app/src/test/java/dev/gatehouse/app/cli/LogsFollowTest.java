package dev.gatehouse.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.app.logs.LogBook;
import dev.gatehouse.app.logs.LogLine;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogsFollowTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

  @TempDir private Path data;

  private final ByteArrayOutputStream shown = new ByteArrayOutputStream();

  @Test
  void one_who_follows_sees_what_was_said_and_what_is_said_later_until_he_leaves()
      throws InterruptedException {
    // He may come before the first line.
    var follower = Thread.ofVirtual().start(this::follow);
    try (var book = new LogBook(LogBook.in(data), 20_000, () -> NOW)) {
      say(book, "storage-1", 0);
      await().atMost(PATIENCE).until(() -> shown().contains("said 0"));
      // So many that files are moved aside while he reads.
      for (int i = 1; i <= 40; i++) {
        say(book, "storage-1", i);
        say(book, "edge", i);
        if (i % 4 == 0) {
          var last = "said " + i + "\n";
          await().atMost(PATIENCE).until(() -> shown().endsWith(last));
        }
      }
      follower.interrupt();
      follower.join();
    }
    assertThat(shown().lines().map(line -> line.replaceFirst(".* said ", "")).toList())
        .isEqualTo(IntStream.rangeClosed(0, 40).mapToObj(Integer::toString).toList());
    assertThat(shown().lines()).allMatch(line -> line.startsWith("storage-1  | "));
  }

  private void follow() {
    var nothing = Optional.<String>empty();
    var wish = new Logs.Wish(Optional.of("storage"), nothing, nothing, nothing, true, false);
    try {
      Logs.run(data, wish, () -> NOW, shown);
    } catch (InterruptedException left) {
      Thread.currentThread().interrupt();
    }
  }

  private static void say(LogBook book, String replica, int number) {
    book.add(LogLine.wrap(replica, "said " + number, NOW.plusSeconds(number)));
  }

  private String shown() {
    return shown.toString(StandardCharsets.UTF_8);
  }
}
