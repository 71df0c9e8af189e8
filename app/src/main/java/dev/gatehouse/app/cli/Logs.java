package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.logs.LogFiles;
import dev.gatehouse.app.logs.LogLine;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// `gatehouse logs`: what the processes of an assembly said, whether it runs or not.
final class Logs {
  private static final List<String> LEVELS = List.of("TRACE", "DEBUG", "INFO", "WARN", "ERROR");
  private static final Pattern AGE = Pattern.compile("(\\d{1,9})(s|m|h|d)");
  private static final long LOOK_MILLIS = 200;

  private final Wish wish;
  private final Optional<Instant> since;
  private final PrintStream out;

  private Logs(Wish wish, Optional<Instant> since, PrintStream out) {
    this.wish = wish;
    this.since = since;
    this.out = out;
  }

  /// What is asked for.
  ///
  /// @param service or one of its replicas
  /// @param level the lowest
  /// @param age `10m`: how far back
  /// @param json whether lines are shown as they were written
  record Wish(
      Optional<String> service,
      Optional<String> level,
      Optional<String> request,
      Optional<String> age,
      boolean follow,
      boolean json) {}

  static int run(Path data, Wish wish, InstantSource clock, OutputStream to)
      throws InterruptedException {
    wish.level
        .filter(level -> !LEVELS.contains(level.toUpperCase(Locale.ROOT)))
        .ifPresent(level -> {
          throw new PlainError(
              "'" + level + "' is no level; those are error, warn, info, debug and trace.");
        });
    var since = wish.age.map(text -> clock.instant().minus(age(text)));
    var out = new PrintStream(to, false, StandardCharsets.UTF_8);
    try (var files = LogFiles.read(data)) {
      if (files.isEmpty() && !wish.follow) {
        throw new PlainError(
            "There are no logs in " + data + " yet; --data names another directory.");
      }
      new Logs(wish, since, out).show(files);
      return 0;
    } catch (IOException e) {
      throw new PlainError("The logs in " + data + " cannot be read: " + e.getMessage() + ".");
    }
  }

  private static Duration age(String text) {
    var parts = AGE.matcher(text);
    if (!parts.matches()) {
      throw new PlainError("'" + text + "' is no time; write 30s, 10m, 2h or 7d.");
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }

  private void show(LogFiles.Reader files) throws IOException, InterruptedException {
    var never = new CountDownLatch(1);
    while (true) {
      for (var line = files.next(); line.isPresent(); line = files.next()) {
        if (isWanted(line.get())) {
          out.println(text(line.get()));
        }
      }
      // A reader such as `head` has had enough.
      if (out.checkError() || !wish.follow) {
        return;
      }
      never.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private boolean isWanted(LogLine line) {
    return wish.service
            .filter(name -> !name.equals(line.service()) && !name.equals(line.replica()))
            .isEmpty()
        && wish.level
            .filter(least ->
                LEVELS.indexOf(line.level()) < LEVELS.indexOf(least.toUpperCase(Locale.ROOT)))
            .isEmpty()
        && wish.request.filter(id -> !line.concerns(id)).isEmpty()
        && since.filter(from -> line.time().isBefore(from)).isEmpty();
  }

  private String text(LogLine line) {
    if (wish.json) {
      return line.json();
    }
    var replica = line.replica();
    var rows = new ArrayList<String>();
    var front = replica + " ".repeat(Math.max(0, 10 - replica.length())) + " | ";
    line.text(
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS", Locale.ROOT),
            ZoneId.systemDefault())
        .lines()
        .forEach(row -> rows.add(front + row));
    return String.join("\n", rows);
  }
}
