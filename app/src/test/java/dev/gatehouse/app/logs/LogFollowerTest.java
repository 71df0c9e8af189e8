package dev.gatehouse.app.logs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFollowerTest {
  @TempDir private Path directory;

  @Test
  void every_line_comes_once_and_in_order_however_often_the_log_was_moved_aside()
      throws IOException {
    write("one", "two");
    moveAside();
    write("three");
    try (var log = LogFollower.open(file(0))) {
      assertThat(rest(log)).containsExactly("one", "two", "three");
      write("four");
      assertThat(rest(log)).containsExactly("four");
      write("five");
      moveAside();
      write("six");
      moveAside();
      write("seven");
      moveAside();
      write("eight");
      assertThat(rest(log)).containsExactly("five", "six", "seven", "eight");
      moveAside();
      assertThat(rest(log)).isEmpty();
      write("nine");
      assertThat(rest(log)).containsExactly("nine");
    }
  }

  @Test
  void a_log_whose_read_part_was_deleted_meanwhile_goes_on_with_what_is_left() throws IOException {
    write("one");
    try (var log = LogFollower.open(file(0))) {
      assertThat(rest(log)).containsExactly("one");
      moveAside();
      write("two");
      moveAside();
      write("three");
      Files.delete(file(2));
      assertThat(rest(log)).containsExactly("two", "three");
    }
  }

  private void write(String... lines) throws IOException {
    Files.write(file(0), List.of(lines), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private void moveAside() throws IOException {
    int last = 0;
    while (Files.exists(file(last))) {
      last++;
    }
    for (int i = last; i > 0; i--) {
      Files.move(file(i - 1), file(i));
    }
  }

  private Path file(int number) {
    return directory.resolve(number == 0 ? "edge.log" : "edge.log." + number);
  }

  private static List<String> rest(LogFollower log) throws IOException {
    var lines = new ArrayList<String>();
    for (var line = log.next(); line.isPresent(); line = log.next()) {
      lines.add(line.get());
    }
    return lines;
  }
}
