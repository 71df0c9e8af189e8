package dev.gatehouse.app.roles;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Changes;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ConfigSource;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.config.Setting;
import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.app.reload.FileWatch;
import dev.gatehouse.app.reload.Hangup;
import dev.gatehouse.app.reload.Reloader;
import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.discover.Discovery;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.observe.Metrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/// The edge's side of a changed configuration: applies it to the gateway, and knows what became of
/// the last one for `/readyz`, `/admin/config` and the metrics.
///
/// Below a supervisor the supervisor decides first and sends the text; an edge on its own watches
/// the file and SIGHUP itself.
final class EdgeReload implements Reloader.Target, AutoCloseable {
  private final Gateway gateway;
  private final Function<Config, Gateway.Settings> plan;
  private final Discovery discovery;
  private final InstantSource clock;
  private final Limits limits;
  private volatile Loaded.Good inForce;
  private volatile double takenSeconds;
  private volatile Optional<String> refused = Optional.empty();
  private Optional<FileWatch> watch = Optional.empty();

  /// @param plan a configuration in the gateway's words
  /// @param discovery is closed with this
  EdgeReload(
      Loaded.Good inForce,
      Gateway gateway,
      Function<Config, Gateway.Settings> plan,
      Discovery discovery,
      InstantSource clock,
      Metrics metrics,
      Limits limits) {
    this.inForce = inForce;
    this.gateway = gateway;
    this.plan = plan;
    this.discovery = discovery;
    this.clock = clock;
    this.limits = limits;
    this.takenSeconds = seconds();
    metrics.gauge(
        "gatehouse_config_last_reload_successful",
        "Whether the last configuration was taken over.",
        () -> refused.isEmpty() ? 1 : 0);
    metrics.gauge(
        "gatehouse_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was taken over.",
        () -> takenSeconds);
  }

  /// Discovers what is to be discovered, and listens to the supervisor, or where there is none to
  /// the file and to SIGHUP.
  void begin(Optional<ControlPipe> pipe) throws IOException {
    discovery.watch(new EdgePlan(inForce.config()).discovered());
    if (pipe.isPresent()) {
      pipe.get().onReload(order -> ordered(pipe.get(), order));
    } else if (inForce.config().file().isPresent()) {
      var reloader = new Reloader(inForce, ConfigSource.of(inForce).text(), this);
      Hangup.means(reloader::reloadQuietly);
      if (inForce.config().reload().watch()) {
        watch = Optional.of(FileWatch.start(inForce.config().file().get(), reloader));
      }
    }
  }

  private void ordered(ControlPipe pipe, JsonNode order) {
    if (order.has("refused")) {
      refused(order.path("refused").asString());
      return;
    }
    long id = order.path("id").asLong();
    var text = order.path("text").asString().getBytes(StandardCharsets.UTF_8);
    try {
      switch (ConfigSource.of(inForce).load(text)) {
        case Loaded.Good good -> apply(good, text, Changes.between(inForce, good));
        case Loaded.Bad bad -> throw new PlainError(bad.render());
      }
      pipe.tell(Map.of("event", "reloaded", "id", id));
    } catch (PlainError e) {
      refused(e.sentence());
      pipe.tell(Map.of("event", "refused", "id", id, "reason", e.sentence()));
    }
  }

  @Override
  public void apply(Loaded.Good next, byte[] text, Changes changes) {
    try {
      gateway.reconfigure(plan.apply(next.config()));
    } catch (IOException e) {
      throw new PlainError(String.valueOf(e.getMessage()));
    }
    limits.file(next.config().limits());
    discovery.watch(new EdgePlan(next.config()).discovered());
    LogSetup.level(next.config().log().level().name());
    inForce = next;
    takenSeconds = seconds();
    refused = Optional.empty();
  }

  @Override
  public void refused(String reason) {
    refused = Optional.of(reason);
  }

  private double seconds() {
    return clock.millis() / 1000.0;
  }

  /// Why the last configuration was refused; empty when it is in force.
  Optional<String> refusal() {
    return refused;
  }

  /// What is in force.
  Config config() {
    return inForce.config();
  }

  /// Every setting in force.
  List<Setting> settings() {
    return inForce.settings();
  }

  @Override
  public void close() {
    watch.ifPresent(FileWatch::close);
    discovery.close();
  }
}
