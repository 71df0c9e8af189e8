package dev.gatehouse.app.logs;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.http.Trace;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

class JsonLinesTest {
  private static final Instant NOW = Instant.parse("2026-11-20T12:00:00.250Z");

  private final LoggerContext context = new LoggerContext();

  JsonLinesTest() {
    context.setMDCAdapter(new LogbackMDCAdapter());
  }

  @Test
  void a_line_has_the_names_of_ecs_once_each_and_numbers_stay_numbers() {
    var event = event("answered", null);
    event.addKeyValuePair(new KeyValuePair("event.dataset", "gatehouse.access"));
    event.addKeyValuePair(new KeyValuePair("event.duration", 12L));
    event.addKeyValuePair(new KeyValuePair("http.response.status_code", 201));
    event.addKeyValuePair(new KeyValuePair("http.request.id", "r-2"));
    var trace = Trace.fresh();
    var line =
        new OnBehalf("r-1", Optional.of(trace)).call(() -> encode(event, Optional.of("storage-2")));
    assertThat(LogLine.service("storage-3f2a-b1")).isEqualTo("storage");
    assertThat(LogLine.service("edge")).isEqualTo("edge");
    assertThat(line.time()).isEqualTo(NOW);
    assertThat(line.level()).isEqualTo("WARN");
    assertThat(line.service()).isEqualTo("storage");
    assertThat(line.replica()).isEqualTo("storage-2");
    var fields = line.fields();
    assertThat(fields.path("log.logger").asString()).isEqualTo("dev.gatehouse.Somebody");
    assertThat(fields.path("message").asString()).isEqualTo("answered");
    assertThat(fields.path("process.thread.name").asString()).isNotEmpty();
    assertThat(fields.path("event.dataset").asString()).isEqualTo("gatehouse.access");
    assertThat(fields.path("event.duration").isIntegralNumber()).isTrue();
    assertThat(fields.path("http.response.status_code").intValue()).isEqualTo(201);
    assertThat(fields.path("http.request.id").asString()).isEqualTo("r-2");
    assertThat(fields.path("trace.id").asString()).isEqualTo(trace.id());
    assertThat(fields.path("span.id").asString()).isEqualTo(trace.span());
  }

  @Test
  void whatever_is_logged_is_one_line_that_can_be_read_again() {
    var odd = "two\nlines, \"quotes\", \u0000 \u001b[31m \u2028 \\ and half a pair \ud83d";
    var event = event(odd, new IllegalStateException(odd));
    event.addKeyValuePair(new KeyValuePair("k \"\n", odd));
    event.addKeyValuePair(new KeyValuePair("none", null));
    event.addKeyValuePair(new KeyValuePair("share", Double.NaN));
    var line = encode(event, Optional.empty());
    var expected = odd.replace('\ud83d', '?');
    assertThat(line.json()).endsWith("}").doesNotContain("\n");
    assertThat(line.fields().path("message").asString()).isEqualTo(expected);
    assertThat(line.fields().path("k \"\n").asString()).isEqualTo(expected);
    assertThat(line.fields().path("share").asString()).isEqualTo("NaN");
    assertThat(line.fields().path("error.type").asString())
        .isEqualTo(IllegalStateException.class.getName());
    assertThat(line.fields().path("error.stack_trace").asString())
        .contains("half a pair ?", "at dev.gatehouse.app.logs.JsonLinesTest");
    assertThat(line.fields().has("service.name")).isFalse();
  }

  private LoggingEvent event(String message, @Nullable Throwable thrown) {
    var event =
        new LoggingEvent(
            "x", context.getLogger("dev.gatehouse.Somebody"), Level.WARN, message, thrown, null);
    event.setInstant(NOW);
    return event;
  }

  private LogLine encode(LoggingEvent event, Optional<String> name) {
    var lines = new JsonLines(name);
    lines.setContext(context);
    lines.start();
    var text = new String(lines.encode(event), StandardCharsets.UTF_8);
    assertThat(text).endsWith("}\n");
    return LogLine.read(text.stripTrailing()).orElseThrow();
  }
}
