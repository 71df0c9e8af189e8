package dev.gatehouse.app.logs;

import dev.gatehouse.http.Json;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// One line of a log, as [EcsEncoder] or [#of] wrote it, read again.
public record LogLine(String json, JsonNode fields) {
  /// What a process said that is no JSON (the JVM's own last words), as a line.
  public static String wrap(String replica, String said, Instant now) {
    var fields = EcsEncoder.line(now, "WARN", Optional.of(replica));
    fields.put(EcsEncoder.MESSAGE, said);
    return Json.string(fields);
  }

  /// Empty when it is none of ours, such as one that was torn by a crash.
  public static Optional<LogLine> read(String line) {
    if (!line.startsWith("{")) {
      return Optional.empty();
    }
    try {
      return Optional.of(new LogLine(line, Json.mapper().readTree(line)));
    } catch (JacksonException torn) {
      return Optional.empty();
    }
  }

  private String field(String name) {
    return fields.path(name).asString("");
  }

  public Instant time() {
    try {
      return Instant.parse(field(EcsEncoder.TIME));
    } catch (DateTimeParseException odd) {
      return Instant.EPOCH;
    }
  }

  public String level() {
    return field(EcsEncoder.LEVEL);
  }

  public String replica() {
    return field(EcsEncoder.REPLICA);
  }

  public String service() {
    return field(EcsEncoder.SERVICE);
  }

  /// Whether it belongs to this request, by its field or because its text names it.
  public boolean concerns(String request) {
    return field(EcsEncoder.REQUEST).equals(request) || field(EcsEncoder.MESSAGE).contains(request);
  }

  /// For people: several lines where there is a stack trace.
  ///
  /// @param time how the time is shown
  public String text(DateTimeFormatter time, ZoneId zone) {
    var logger = field(EcsEncoder.LOGGER);
    var stack = field(EcsEncoder.STACK);
    return String.format(
        Locale.ROOT,
        "%s %-5s %s%s%s",
        time.withZone(zone).format(time()),
        level(),
        logger.isEmpty() ? "" : logger.substring(logger.lastIndexOf('.') + 1) + ": ",
        field(EcsEncoder.MESSAGE),
        stack.isEmpty() ? "" : "\n" + stack.stripTrailing());
  }
}
