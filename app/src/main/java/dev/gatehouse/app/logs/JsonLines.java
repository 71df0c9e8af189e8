package dev.gatehouse.app.logs;

import ch.qos.logback.classic.spi.ILoggingEvent;
import co.elastic.logging.AdditionalField;
import co.elastic.logging.JsonUtils;
import co.elastic.logging.logback.EcsEncoder;
import dev.gatehouse.http.OnBehalf;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// One event as one line of JSON, named as the Elastic Common Schema has it: what Elastic's encoder
/// writes, and with it the event's key-value pairs and on whose behalf the thread works.
///
/// That is read from [OnBehalf], so this must run on the thread that logs, as it does behind a
/// console appender. Logstash's encoder was refused: it brings a JSON mapper of its own into every
/// process, where this is eight small classes.
final class JsonLines extends EcsEncoder {
  /// @param name of this process, such as `storage-2`
  JsonLines(Optional<String> name) {
    name.ifPresent(node -> {
      // As a service's name the encoder would take it for the data set of each event too.
      addAdditionalField(new AdditionalField(LogLine.SERVICE, LogLine.service(node)));
      setServiceNodeName(node);
    });
  }

  @Override
  protected void addCustomFields(ILoggingEvent event, StringBuilder line) {
    for (var field : fields(event).entrySet()) {
      line.append('"');
      JsonUtils.quoteAsString(field.getKey(), line);
      line.append("\":");
      var value = field.getValue();
      if (value instanceof Long || value instanceof Integer) {
        line.append(value);
      } else {
        line.append('"');
        JsonUtils.quoteAsString(String.valueOf(value), line);
        line.append('"');
      }
      line.append(',');
    }
  }

  /// Each name once: a reader may refuse a line that has one twice.
  private static Map<String, Object> fields(ILoggingEvent event) {
    var fields = new LinkedHashMap<String, Object>();
    var behalf = OnBehalf.current();
    if (!behalf.requestId().isEmpty()) {
      fields.put(LogLine.REQUEST, behalf.requestId());
    }
    behalf
        .trace()
        .ifPresent(trace -> {
          fields.put("trace.id", trace.id());
          fields.put("span.id", trace.span());
        });
    var pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair -> fields.put(pair.key, pair.value));
    }
    return fields;
  }
}
