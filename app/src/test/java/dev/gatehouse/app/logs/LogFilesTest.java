package dev.gatehouse.app.logs;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFilesTest {
  @TempDir private Path directory;

  @Test
  void however_much_is_logged_a_process_keeps_three_files_of_10_mb() throws IOException {
    var context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    var encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%msg%n");
    encoder.start();
    var log = context.getLogger("test");
    log.addAppender(LogFiles.open(directory, "storage-1", encoder, context));
    var line = "x".repeat(1 << 20);
    for (int i = 0; i < 60; i++) {
      log.info("{} {}", i, line);
    }
    context.stop();
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("storage-1.log", "storage-1.log.1", "storage-1.log.2");
    }
    assertThat(directory.resolve("storage-1.log.1")).isRegularFile();
    assertThat(Files.size(directory.resolve("storage-1.log.1"))).isBetween(10L << 20, 12L << 20);
  }

  @Test
  void what_nobody_has_written_to_for_a_week_is_deleted_and_nothing_else() throws IOException {
    var now = Instant.parse("2026-11-20T12:00:00Z");
    var old = file("storage-a.log.2", now.minus(Duration.ofDays(8)));
    var young = file("storage-b.log", now.minus(Duration.ofDays(6)));
    var other = file("notes.txt", now.minus(Duration.ofDays(80)));
    LogFiles.tidy(directory, now);
    assertThat(old).doesNotExist();
    assertThat(young).exists();
    assertThat(other).exists();
  }

  private Path file(String name, Instant written) throws IOException {
    var file = Files.writeString(directory.resolve(name), "x");
    return Files.setLastModifiedTime(file, FileTime.from(written));
  }
}
