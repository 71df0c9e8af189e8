package dev.gatehouse.app.logs;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.OnBehalf;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/// One event as one line of JSON, named as the Elastic Common Schema has it.
///
/// It reads on whose behalf the thread works ([OnBehalf]), so it must run on the thread that logs,
/// as it does behind a console appender.
final class EcsEncoder extends EncoderBase<ILoggingEvent> {
  static final String TIME = "@timestamp";
  static final String LEVEL = "log.level";
  static final String LOGGER = "log.logger";
  static final String MESSAGE = "message";
  static final String STACK = "error.stack_trace";
  static final String REQUEST = "http.request.id";
  static final String REPLICA = "service.node.name";
  static final String SERVICE = "service.name";

  private static final byte[] NONE = {};

  private final Optional<String> name;

  /// @param name of this process, such as `storage-2`
  EcsEncoder(Optional<String> name) {
    this.name = name;
  }

  /// What every line begins with.
  static Map<String, Object> line(Instant time, String level, Optional<String> name) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put(TIME, time.toString());
    fields.put(LEVEL, level);
    name.ifPresent(node -> {
      fields.put(SERVICE, node.replaceFirst("-\\d+$", ""));
      fields.put(REPLICA, node);
    });
    return fields;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    var fields =
        line(Instant.ofEpochMilli(event.getTimeStamp()), event.getLevel().toString(), name);
    fields.put(LOGGER, event.getLoggerName());
    fields.put("process.thread.name", event.getThreadName());
    var behalf = OnBehalf.current();
    if (!behalf.requestId().isEmpty()) {
      fields.put(REQUEST, behalf.requestId());
    }
    behalf
        .trace()
        .ifPresent(trace -> {
          fields.put("trace.id", trace.id());
          fields.put("span.id", trace.span());
        });
    fields.put(MESSAGE, String.valueOf(event.getFormattedMessage()));
    var pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair ->
          fields.put(
              pair.key, pair.value instanceof Number ? pair.value : String.valueOf(pair.value)));
    }
    var thrown = event.getThrowableProxy();
    if (thrown != null) {
      fields.put("error.type", thrown.getClassName());
      fields.put(STACK, ThrowableProxyUtil.asString(thrown));
    }
    return (json(fields) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /// Whatever somebody logs, a line comes of it: half a surrogate pair becomes a question mark.
  private static String json(Map<String, Object> fields) {
    try {
      return Json.string(fields);
    } catch (JacksonException odd) {
      fields.replaceAll((name, value) ->
          value instanceof String text
              ? new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8)
              : value);
      return Json.string(fields);
    }
  }

  @Override
  public byte[] headerBytes() {
    return NONE;
  }

  @Override
  public byte[] footerBytes() {
    return NONE;
  }
}
