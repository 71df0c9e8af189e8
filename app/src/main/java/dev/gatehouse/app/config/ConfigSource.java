package dev.gatehouse.app.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Where a configuration came from, to read it once more.
///
/// @param file empty for the assembly that ships with Gatehouse
/// @param commandLine settings that override everything else
public record ConfigSource(Optional<Path> file, Map<String, String> commandLine) {
  /// That of a configuration which was read before.
  public static ConfigSource of(Loaded.Good loaded) {
    var commandLine = new LinkedHashMap<String, String>();
    for (var setting : loaded.settings()) {
      if (setting.origin() instanceof Setting.Origin.CommandLine) {
        commandLine.put(setting.path(), setting.value());
      }
    }
    return new ConfigSource(loaded.config().file(), commandLine);
  }

  /// The file's bytes.
  public byte[] text() throws IOException {
    return file.isPresent() ? Files.readAllBytes(file.get()) : ConfigFile.defaultBytes();
  }

  /// Reads the file.
  public Loaded load() {
    return file.isPresent()
        ? ConfigFile.load(file.get(), System.getenv(), commandLine)
        : ConfigFile.loadDefault(System.getenv(), commandLine);
  }

  /// Reads bytes that are, or were, in the file.
  public Loaded load(byte[] text) {
    return file.isPresent()
        ? ConfigFile.load(file.get(), text, System.getenv(), commandLine)
        : ConfigFile.loadDefault(System.getenv(), commandLine);
  }
}
