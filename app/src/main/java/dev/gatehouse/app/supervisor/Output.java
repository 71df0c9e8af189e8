package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.logs.LogBook;
import dev.gatehouse.app.logs.LogLine;
import java.io.PrintStream;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;

/// Where the children's log lines come together: on standard error, readable on a terminal, and in
/// the [LogBook].
public final class Output {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT);

  private final PrintStream out;
  private final boolean json;
  private final InstantSource clock;
  private final Optional<LogBook> book;
  private int width = 10;

  /// A line of a child that is no JSON (the JVM's own last words) is wrapped into some.
  ///
  /// @param json whether `out` gets the lines as they are
  public Output(PrintStream out, boolean json, InstantSource clock, Optional<LogBook> book) {
    this.out = out;
    this.json = json;
    this.clock = clock;
    this.book = book;
  }

  /// Writes one whole line; lines of several children never mix.
  synchronized void line(String replica, String line) {
    if (line.isBlank()) {
      return;
    }
    var read = LogLine.read(line);
    var whole = read.isPresent() ? line : LogLine.wrap(replica, line, clock.instant());
    book.ifPresent(kept -> kept.add(whole));
    if (json) {
      out.println(whole);
    } else {
      width = Math.max(width, replica.length());
      var front = replica + " ".repeat(width - replica.length()) + " | ";
      read.map(known -> known.text(TIME, ZoneId.systemDefault()))
          .orElse(line)
          .lines()
          .forEach(row -> out.println(front + row));
    }
    out.flush();
  }

  boolean json() {
    return json;
  }
}
