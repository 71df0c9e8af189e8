package dev.gatehouse.app.logs;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.FileSize;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/// A file of its own for each process, beside standard error, in the directory that
/// `GATEHOUSE_LOG_DIR` names: for whoever gathers logs without a way to the standard error of
/// containers.
///
/// It is bounded: each file is moved aside at 10 MB, two that were are kept, and what no process
/// has written to for a week is deleted by the next that starts.
final class LogFiles {
  private static final String LARGEST = "10MB";
  private static final int KEPT = 2;
  private static final Duration FORGOTTEN = Duration.ofDays(7);

  private LogFiles() {}

  /// The appender, ready to be added.
  static RollingFileAppender<ILoggingEvent> open(
      Path directory, String name, Encoder<ILoggingEvent> encoder, LoggerContext context) {
    var file = directory.resolve(name + ".log").toString();
    var appender = new RollingFileAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setName("file");
    appender.setFile(file);
    appender.setEncoder(encoder);
    var aside = new FixedWindowRollingPolicy();
    aside.setContext(context);
    aside.setParent(appender);
    aside.setFileNamePattern(file + ".%i");
    aside.setMinIndex(1);
    aside.setMaxIndex(KEPT);
    aside.start();
    var full = new SizeBasedTriggeringPolicy<ILoggingEvent>();
    full.setContext(context);
    full.setMaxFileSize(FileSize.valueOf(LARGEST));
    full.start();
    appender.setRollingPolicy(aside);
    appender.setTriggeringPolicy(full);
    appender.start();
    return appender;
  }

  /// Deletes what no process has written to for a week; others do the same at the same time.
  static void tidy(Path directory, Instant now) {
    try (var files = Files.newDirectoryStream(directory, "*.log{,.[0-9]}")) {
      for (var file : files) {
        if (Files.getLastModifiedTime(file).toInstant().plus(FORGOTTEN).isBefore(now)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException | DirectoryIteratorException gone) {
      // Somebody else was faster, or the directory cannot be read: then the appender says so.
    }
  }
}
