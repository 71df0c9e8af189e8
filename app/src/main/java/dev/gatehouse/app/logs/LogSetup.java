package dev.gatehouse.app.logs;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/// Configures Logback in code: an XML file would cost every process some 100 ms at its start.
///
/// `GATEHOUSE_LOG` is `text` or `json`, and the launcher sets it; `GATEHOUSE_NAME` names this
/// process in JSON lines, which `GATEHOUSE_LOG_DIR` has it write to a file there as well
/// ([LogFiles]). Children of a supervisor always speak JSON to it; on a terminal it shows their
/// lines with their names in front. `GATEHOUSE_LOG_LEVEL` is the lowest level that is written until
/// the configuration has been read; then `log.level` is, which that variable overrides.
public final class LogSetup extends ContextAwareBase implements Configurator {
  /// Libraries that tell at INFO what only their authors want to know.
  private static final String[] TALKATIVE = {
    "io.netty", "com.zaxxer.hikari", "org.flywaydb", "org.postgresql"
  };

  /// They tell of every connection of a pool that its server is gone, with where that was noticed;
  /// [dev.gatehouse.state.Database] says it once.
  private static final String[] REPEATING = {
    "com.zaxxer.hikari.pool.PoolBase", "com.zaxxer.hikari.pool.ProxyConnection"
  };

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var appender = new ConsoleAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setName("stderr");
    appender.setTarget("System.err");
    appender.setEncoder(
        "json".equals(System.getenv("GATEHOUSE_LOG")) ? json(context) : text(context));
    appender.start();
    var root = context.getLogger("ROOT");
    root.setLevel(Level.toLevel(System.getenv("GATEHOUSE_LOG_LEVEL"), Level.INFO));
    root.addAppender(appender);
    file(context).ifPresent(root::addAppender);
    for (var name : TALKATIVE) {
      context.getLogger(name).setLevel(Level.WARN);
    }
    for (var name : REPEATING) {
      context.getLogger(name).setLevel(Level.ERROR);
    }
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /// Beside standard error, where `GATEHOUSE_LOG_DIR` asks for it and this process has a name.
  private static Optional<Appender<ILoggingEvent>> file(LoggerContext context) {
    var directory = System.getenv("GATEHOUSE_LOG_DIR");
    var name = name();
    if (directory == null || directory.isEmpty() || name.isEmpty()) {
      return Optional.empty();
    }
    if (!Files.isWritable(Path.of(directory))) {
      System.err.println("gatehouse: " + directory + " cannot be written; the log goes here only");
      return Optional.empty();
    }
    LogFiles.tidy(Path.of(directory), InstantSource.system().instant());
    return Optional.of(LogFiles.open(Path.of(directory), name.get(), json(context), context));
  }

  /// The lowest level that is written from now on, such as `info`.
  public static void level(String level) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.getLogger("ROOT").setLevel(Level.toLevel(level, Level.INFO));
  }

  /// Has what this process logs go into `book` too, under the name of the supervisor.
  public static void alsoInto(LogBook book) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    var encoder = json(context, Optional.of("supervisor"));
    var appender =
        new AppenderBase<ILoggingEvent>() {
          @Override
          protected void append(ILoggingEvent event) {
            book.add(new String(encoder.encode(event), StandardCharsets.UTF_8).stripTrailing());
          }
        };
    appender.setContext(context);
    appender.setName("book");
    appender.start();
    context.getLogger("ROOT").addAppender(appender);
  }

  /// Writes one line in each format to nowhere, so that a rehearsal has loaded what both need.
  public static void rehearse() {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    var line =
        new LoggingEvent(
            LogSetup.class.getName(),
            context.getLogger("rehearsal"),
            Level.INFO,
            "a {}",
            null,
            new Object[] {"line"});
    for (var encoder : List.of(text(context), json(context))) {
      encoder.encode(line);
      encoder.stop();
    }
  }

  private static Encoder<ILoggingEvent> text(LoggerContext context) {
    var layout = new PatternLayout();
    layout.setContext(context);
    layout.setPattern("%d{HH:mm:ss.SSS} %-5level %logger{0}: %msg%n");
    layout.start();
    var encoder = new LayoutWrappingEncoder<ILoggingEvent>();
    encoder.setContext(context);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setLayout(layout);
    encoder.start();
    return encoder;
  }

  private static Encoder<ILoggingEvent> json(LoggerContext context) {
    return json(context, name());
  }

  private static Encoder<ILoggingEvent> json(LoggerContext context, Optional<String> name) {
    var encoder = new JsonLines(name);
    encoder.setContext(context);
    encoder.start();
    return encoder;
  }

  private static Optional<String> name() {
    return Optional.ofNullable(System.getenv("GATEHOUSE_NAME"))
        .filter(name -> name.matches("[A-Za-z0-9._-]{1,100}"));
  }
}
