package dev.gatehouse.app.roles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.gatehouse.app.config.LogConfig;
import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.edge.filter.Steps;
import dev.gatehouse.http.Failure;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class AccessLogTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Logger logger = (Logger) LoggerFactory.getLogger("access");
  private final List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();
  private final AppenderBase<ILoggingEvent> lister =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          lines.add(event);
        }
      };

  /// Draws 0, 1 and so on to 99, again and again.
  private final AtomicInteger drawn = new AtomicInteger();

  private final AccessLog log = new AccessLog(below -> drawn.getAndIncrement() % below);

  @BeforeEach
  void listen() {
    lister.start();
    logger.addAppender(lister);
  }

  @AfterEach
  void close() {
    log.close();
    logger.detachAppender(lister);
  }

  @Test
  void of_what_goes_well_the_share_that_was_asked_for_is_written_and_of_what_fails_all() {
    configure(true, 10);
    assertThat(log.on()).isTrue();
    for (int i = 0; i < 200; i++) {
      log.note(over("well", 200, Optional.empty()));
    }
    for (int i = 0; i < 30; i++) {
      log.note(over("bad", 500, Optional.empty()));
      log.note(over("left", 200, Optional.of(Failure.CLIENT_LEFT)));
    }
    log.close();
    assertThat(of("well")).isEqualTo(20);
    assertThat(of("bad")).isEqualTo(30);
    assertThat(of("left")).isEqualTo(30);
  }

  @Test
  void a_change_of_the_share_counts_from_the_next_request_on() {
    configure(false, 100);
    log.note(over("off", 500, Optional.empty()));
    assertThat(log.on()).isFalse();
    configure(true, 100);
    log.note(over("all", 200, Optional.empty()));
    await().atMost(PATIENCE).until(() -> of("all") == 1);
    configure(true, 0);
    log.note(over("none", 200, Optional.empty()));
    configure(true, 100);
    log.note(over("again", 200, Optional.empty()));
    await().atMost(PATIENCE).until(() -> of("again") == 1);
    assertThat(of("off")).isZero();
    assertThat(of("none")).isZero();
  }

  private void configure(boolean access, int sample) {
    log.configure(new LogConfig(LogConfig.Level.INFO, access, sample, 1 << 20));
  }

  private long of(String id) {
    return lines.stream()
        .filter(line ->
            line.getKeyValuePairs().stream()
                .anyMatch(pair -> pair.key.equals("http.request.id") && id.equals(pair.value)))
        .count();
  }

  private static ExchangeRecord over(String id, int status, Optional<Failure> failure) {
    return new ExchangeRecord(
        id,
        "GET",
        "/",
        "rest",
        "127.0.0.1",
        status,
        0,
        0,
        1,
        1,
        "",
        failure,
        new Steps(),
        Optional.empty());
  }
}
