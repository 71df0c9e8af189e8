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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A file of its own for each process, beside standard error, in the directory that
/// `GATEHOUSE_LOG_DIR` names: for whoever gathers logs without a way to the standard error of
/// containers. And all that an assembly keeps, read as one log.
///
/// It is bounded: each file is moved aside at 10 MB, two that were are kept, and what no process
/// has written to for a week is deleted by the next that starts.
public final class LogFiles {
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
    // At each line: by default it looks seldom, and a file grows by all that is written meanwhile.
    full.setCheckIncrement(ch.qos.logback.core.util.Duration.buildByMilliseconds(0));
    full.start();
    appender.setRollingPolicy(aside);
    appender.setTriggeringPolicy(full);
    appender.start();
    return appender;
  }

  /// Every log below a data directory, and those in `GATEHOUSE_LOG_DIR`, from the oldest line on.
  public static Reader read(Path data) throws IOException {
    var named = System.getenv("GATEHOUSE_LOG_DIR");
    return named == null || named.isEmpty()
        ? Reader.of(List.of(LogBook.in(data)))
        : Reader.of(List.of(LogBook.in(data), Path.of(named)));
  }

  /// Several logs as one, in the order of time. A line without a time of its own stays behind the
  /// one before it.
  public static final class Reader implements AutoCloseable {
    private final Map<LogFollower, Optional<LogLine>> heads = new LinkedHashMap<>();
    private final Set<Path> known = new HashSet<>();
    private final List<Path> directories;

    private Reader(List<Path> directories) {
      this.directories = directories;
    }

    static Reader of(List<Path> directories) throws IOException {
      var reader = new Reader(directories);
      reader.look();
      return reader;
    }

    /// Opens the logs that were not there before; whether there are any.
    private boolean look() throws IOException {
      boolean found = false;
      for (var directory : directories) {
        if (Files.isDirectory(directory)) {
          try (var files = Files.newDirectoryStream(directory, "*.log")) {
            for (var file : files) {
              if (known.add(file)) {
                heads.put(LogFollower.open(file), Optional.empty());
                found = true;
              }
            }
          }
        }
      }
      return found;
    }

    /// Whether there is no log at all.
    public boolean isEmpty() {
      return heads.isEmpty();
    }

    /// The oldest line that is there and was not read yet; empty when there is none, for now.
    public Optional<LogLine> next() throws IOException {
      Optional<LogFollower> oldest = Optional.empty();
      var time = Instant.MAX;
      for (var head : heads.entrySet()) {
        if (head.getValue().isEmpty()) {
          head.setValue(whole(head.getKey()));
        }
        if (head.getValue().isPresent() && head.getValue().get().time().isBefore(time)) {
          time = head.getValue().get().time();
          oldest = Optional.of(head.getKey());
        }
      }
      if (oldest.isEmpty() && look()) {
        return next();
      }
      return oldest.flatMap(from -> heads.put(from, Optional.empty()));
    }

    private static Optional<LogLine> whole(LogFollower from) throws IOException {
      for (var line = from.next(); line.isPresent(); line = from.next()) {
        var read = LogLine.read(line.get());
        if (read.isPresent()) {
          return read;
        }
      }
      return Optional.empty();
    }

    @Override
    public void close() throws IOException {
      for (var follower : heads.keySet()) {
        follower.close();
      }
    }
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
