package dev.gatehouse.state;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How the embedded PostgreSQL is run.
///
/// Everything of it lies in `<data>/postgres`, but for the unpacked program, which lies in
/// `binaries`. `parameters` are server parameters that go before our own; `log` gets every line
/// that the server logs, on one thread, and must not block.
public record EmbeddedSettings(
    Path data, Path binaries, Map<String, String> parameters, Consumer<String> log) {

  private static final Logger LOG = LoggerFactory.getLogger("dev.gatehouse.state.postgres");

  public EmbeddedSettings {
    data = data.toAbsolutePath().normalize();
    binaries = binaries.toAbsolutePath().normalize();
    parameters = Map.copyOf(parameters);
  }

  /// The settings of an assembly whose state lives in `data`.
  public static EmbeddedSettings in(Path data) {
    return new EmbeddedSettings(data, data.resolve("postgres"), Map.of(), LOG::info);
  }

  /// The same with the program unpacked (or found unpacked) in `elsewhere`.
  public EmbeddedSettings withBinaries(Path elsewhere) {
    return new EmbeddedSettings(data, elsewhere, parameters, log);
  }

  /// The same with one more server parameter, such as `work_mem`.
  public EmbeddedSettings with(String parameter, String value) {
    var more = new LinkedHashMap<>(parameters);
    more.put(parameter, value);
    return new EmbeddedSettings(data, binaries, more, log);
  }

  /// The same with the server's log lines going to `lines`.
  public EmbeddedSettings withLog(Consumer<String> lines) {
    return new EmbeddedSettings(data, binaries, parameters, lines);
  }
}
