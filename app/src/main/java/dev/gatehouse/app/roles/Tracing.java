package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.app.config.TracesConfig;
import dev.gatehouse.app.logs.LogLine;
import dev.gatehouse.http.Spans;
import dev.gatehouse.observe.OtlpTraces;
import java.net.URI;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/// Has the spans of this process sent where the configuration says; without an endpoint nothing of
/// it is even loaded.
public final class Tracing implements AutoCloseable {
  private final Optional<OtlpTraces> traces;

  private Tracing(Optional<OtlpTraces> traces) {
    this.traces = traces;
  }

  /// @param process such as `storage-2`
  public static Tracing begin(TracesConfig config, String process, InstantSource clock) {
    var started =
        config
            .endpoint()
            .map(server ->
                OtlpTraces.start(
                    new OtlpTraces.Settings(
                        URI.create(server + "/v1/traces"),
                        config.sample(),
                        LogLine.service(process),
                        process,
                        Version.current()),
                    clock,
                    System::nanoTime,
                    () -> ThreadLocalRandom.current().nextDouble()));
    started.ifPresent(sink -> Spans.into(Optional.of(sink)));
    return new Tracing(started);
  }

  @Override
  public void close() {
    Spans.into(Optional.empty());
    traces.ifPresent(OtlpTraces::close);
  }
}
