package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Changes;
import dev.gatehouse.app.config.ConfigSource;
import dev.gatehouse.app.config.Loaded;
import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.app.reload.FileWatch;
import dev.gatehouse.app.reload.Hangup;
import dev.gatehouse.app.reload.InForce;
import dev.gatehouse.app.reload.Reloader;
import dev.gatehouse.app.supervisor.DataDir;
import dev.gatehouse.app.supervisor.Supervisor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// What `gatehouse up` does with a changed configuration: `gatehouse reload`, SIGHUP and a change
/// of the file all end here.
final class Takeover {
  private final Loaded.Good atStart;
  private final byte[] text;
  private final InForce copy;

  private Takeover(Loaded.Good atStart, byte[] text, InForce copy) {
    this.atStart = atStart;
    this.text = text;
    this.copy = copy;
  }

  /// Writes down what is in force, for the children that are about to start.
  static Takeover prepare(Loaded.Good loaded, DataDir data) {
    try {
      var takeover = new Takeover(loaded, ConfigSource.of(loaded).text(), new InForce(data.run()));
      takeover.copy.write(takeover.text);
      return takeover;
    } catch (IOException e) {
      throw new PlainError("The configuration cannot be read: " + e.getMessage() + ".");
    }
  }

  /// Listens for changes as long as the process lives.
  void begin(Supervisor supervisor) {
    var reloader = new Reloader(atStart, text, new Everything(supervisor));
    supervisor.onReload(reloader::reload);
    Hangup.means(reloader::reloadQuietly);
    if (atStart.config().reload().watch()) {
      reloader.file().ifPresent(file -> FileWatch.start(file, reloader));
    }
  }

  private final class Everything implements Reloader.Target {
    private final Supervisor supervisor;
    private Map<String, Integer> counts = Assembly.counts(atStart.config());

    Everything(Supervisor supervisor) {
      this.supervisor = supervisor;
    }

    @Override
    public void apply(Loaded.Good next, byte[] newText, Changes changes) {
      var wanted = Assembly.counts(next.config());
      var changed = new LinkedHashMap<>(wanted);
      // What was scaled by hand stays so until the file says something new.
      changed.entrySet().removeIf(count -> count.getValue().equals(counts.get(count.getKey())));
      var level = next.config().log().level().name();
      supervisor.reconfigure(new String(newText, StandardCharsets.UTF_8), changed, level);
      LogSetup.level(level);
      copy.write(newText);
      counts = wanted;
    }

    @Override
    public void refused(String reason) {
      supervisor.refused(reason);
    }
  }
}
