package dev.gatehouse.app.logs;

import dev.gatehouse.http.Json;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// One line of a log, as [JsonLines] or [#of] wrote it, read again.
public record LogLine(String json, JsonNode fields) {
  private static final String TIME = "@timestamp";
  private static final String LEVEL = "log.level";
  private static final String LOGGER = "log.logger";
  private static final String MESSAGE = "message";
  private static final String STACK = "error.stack_trace";
  static final String REQUEST = "http.request.id";
  static final String SERVICE = "service.name";
  private static final String REPLICA = "service.node.name";

  /// What a process said that is no JSON (the JVM's own last words), as a line.
  public static String wrap(String replica, String said, Instant now) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put(TIME, now.toString());
    fields.put(LEVEL, "WARN");
    fields.put(MESSAGE, said);
    fields.put(SERVICE, service(replica));
    fields.put(REPLICA, replica);
    return Json.string(fields);
  }

  /// What a process belongs to: `storage-2`, and `storage-` with a container's name, are of
  /// `storage`.
  public static String service(String replica) {
    int dash = replica.indexOf('-');
    return dash < 0 ? replica : replica.substring(0, dash);
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
      return Instant.parse(field(TIME));
    } catch (DateTimeParseException odd) {
      return Instant.EPOCH;
    }
  }

  public String level() {
    return field(LEVEL);
  }

  public String replica() {
    return field(REPLICA);
  }

  public String service() {
    return field(SERVICE);
  }

  /// Whether it belongs to this request, by its field or because its text names it.
  public boolean concerns(String request) {
    return field(REQUEST).equals(request) || field(MESSAGE).contains(request);
  }

  /// For people: several lines where there is a stack trace.
  ///
  /// @param time how the time is shown
  public String text(DateTimeFormatter time, ZoneId zone) {
    var logger = field(LOGGER);
    var stack = field(STACK);
    return String.format(
        Locale.ROOT,
        "%s %-5s %s%s%s",
        time.withZone(zone).format(time()),
        level(),
        logger.isEmpty() ? "" : logger.substring(logger.lastIndexOf('.') + 1) + ": ",
        field(MESSAGE),
        stack.isEmpty() ? "" : "\n" + stack.stripTrailing());
  }
}
