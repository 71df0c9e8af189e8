package dev.gatehouse.app.reload;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Changes;
import dev.gatehouse.app.config.ConfigSource;
import dev.gatehouse.app.config.Loaded;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes over a changed configuration, or refuses it whole and leaves the running one in force.
///
/// One at a time: whoever comes while another change is taken over waits for it.
public final class Reloader {
  private static final Logger log = LoggerFactory.getLogger(Reloader.class);

  /// What a new configuration is applied to.
  public interface Target {
    /// Applies all of it, or throws and has changed nothing.
    ///
    /// @param text the file's bytes that `next` was read from
    /// @throws PlainError why it cannot be
    void apply(Loaded.Good next, byte[] text, Changes changes);

    /// A configuration was refused; the one in force stays.
    void refused(String reason);
  }

  private final Target target;
  private final ConfigSource source;
  private Loaded.Good inForce;
  private byte[] tried;

  /// The last refusal in the log: the watch and an order may meet the same mistake.
  private String told = "";

  /// @param text the bytes that `inForce` was read from
  public Reloader(Loaded.Good inForce, byte[] text, Target target) {
    this.inForce = inForce;
    this.tried = text;
    this.target = target;
    this.source = ConfigSource.of(inForce);
  }

  /// The file that is read again; empty for the assembly that ships with Gatehouse.
  public Optional<Path> file() {
    return source.file();
  }

  /// Reads the file and takes it over; says what changed.
  ///
  /// @throws PlainError why it was refused
  public synchronized String reload() {
    var file =
        source
            .file()
            .orElseThrow(() ->
                new PlainError(
                    "This assembly runs the configuration that ships with Gatehouse; there is no file"
                        + " to read again."));
    byte[] text;
    try {
      text = source.text();
    } catch (IOException e) {
      text = new byte[0];
    }
    tried = text;
    try {
      var next = good(text);
      var changes = Changes.between(inForce, next);
      changes
          .refusal()
          .ifPresent(sentence -> {
            throw new PlainError(sentence);
          });
      target.apply(next, text, changes);
      inForce = next;
      told = "";
      var said = file + " is in force: " + changes.inWords();
      log.info("{}", said);
      return said;
    } catch (PlainError e) {
      if (!e.sentence().equals(told)) {
        log.error("{} is refused and the configuration in force stays: {}", file, e.sentence());
        told = e.sentence();
      }
      target.refused(e.sentence());
      throw e;
    }
  }

  private Loaded.Good good(byte[] text) {
    return switch (text.length == 0 ? source.load() : source.load(text)) {
      case Loaded.Good good -> good;
      case Loaded.Bad bad -> throw new PlainError("the configuration is wrong\n" + bad.render());
    };
  }

  /// As [#reload], for whoever has nobody to tell: the log says it all.
  public void reloadQuietly() {
    try {
      reload();
    } catch (PlainError e) {
      // Logged where it was refused.
    }
  }

  /// The file may have changed; one whose bytes were looked at already is left alone.
  synchronized void looked() {
    try {
      if (Arrays.equals(source.text(), tried)) {
        return;
      }
    } catch (IOException gone) {
      if (tried.length == 0) {
        return;
      }
    }
    reloadQuietly();
  }
}
