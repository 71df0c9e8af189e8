package dev.gatehouse.app.logs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogBookTest {
  private static final long KEEP = 20_000;

  @TempDir private Path home;

  private Instant now = Instant.parse("2026-11-20T12:00:00Z");
  private final InstantSource clock = () -> now;

  @Test
  void however_much_is_said_an_assembly_keeps_no_more_than_it_was_told_and_the_newest()
      throws IOException {
    try (var book = book()) {
      for (int i = 0; i < 5000; i++) {
        say(book, i);
      }
    }
    try (Stream<Path> files = Files.list(LogBook.in(home))) {
      var all = files.toList();
      assertThat(all).hasSizeBetween(2, LogBook.FILES);
      long bytes = 0;
      for (var file : all) {
        bytes += Files.size(file);
      }
      assertThat(bytes).isBetween(KEEP / 2, KEEP + 2000);
    }
    var read = numbers();
    assertThat(read.getLast()).isEqualTo(4999);
    assertThat(read).isEqualTo(range(read.getFirst(), 5000));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(LogBook.in(home))))
        .isEqualTo("rwx------");
  }

  @Test
  void one_who_follows_misses_no_line_while_files_are_moved_aside() throws IOException {
    try (var book = book()) {
      say(book, 0);
      try (var reader = LogFiles.read(home)) {
        var got = new ArrayList<Integer>();
        for (int i = 1; i < 2000; i++) {
          say(book, i);
          if (i % 13 == 0) {
            drain(reader, got);
          }
        }
        drain(reader, got);
        assertThat(got).isEqualTo(range(0, 2000));
      }
    }
  }

  @Test
  void a_line_that_a_crash_tore_costs_itself_and_not_the_next_one() throws IOException {
    try (var book = book()) {
      say(book, 1);
    }
    Files.writeString(
        LogBook.in(home).resolve(LogBook.NAME), "{\"message\":\"tor", StandardOpenOption.APPEND);
    try (var book = book()) {
      say(book, 2);
    }
    assertThat(numbers()).containsExactly(1, 2);
  }

  @Test
  void what_could_not_be_written_is_missing_and_counted_once_it_can() throws IOException {
    Files.writeString(LogBook.in(home), "in the way");
    try (var book = book()) {
      say(book, 1);
      say(book, 2);
      Files.delete(LogBook.in(home));
      now = now.plus(Duration.ofSeconds(5));
      say(book, 3);
    }
    try (var reader = LogFiles.read(home)) {
      assertThat(reader.next().orElseThrow().json()).contains("2 lines are missing here");
    }
    assertThat(numbers()).containsExactly(3);
  }

  @Test
  void logs_of_several_processes_are_read_in_the_order_of_time() throws IOException {
    var directory = Files.createDirectory(LogBook.in(home));
    Files.writeString(directory.resolve("a.log"), line(1, "a") + "\n" + line(4, "a") + "\n");
    Files.writeString(directory.resolve("b.log.1"), line(2, "b") + "\n");
    Files.writeString(directory.resolve("b.log"), line(3, "b") + "\n" + line(5, "b") + "\n");
    assertThat(numbers()).containsExactly(1, 2, 3, 4, 5);
  }

  private LogBook book() {
    return new LogBook(LogBook.in(home), KEEP, clock);
  }

  private void say(LogBook book, int number) {
    book.add(line(number, "storage-1"));
  }

  private String line(int number, String replica) {
    return LogLine.wrap(replica, Integer.toString(number), now.plusSeconds(number));
  }

  private List<Integer> numbers() throws IOException {
    try (var reader = LogFiles.read(home)) {
      var got = new ArrayList<Integer>();
      drain(reader, got);
      return got;
    }
  }

  private static void drain(LogFiles.Reader reader, List<Integer> to) throws IOException {
    for (var line = reader.next(); line.isPresent(); line = reader.next()) {
      var message = line.get().fields().path("message").asString();
      if (message.matches("\\d+")) {
        to.add(Integer.valueOf(message));
      }
    }
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }
}
