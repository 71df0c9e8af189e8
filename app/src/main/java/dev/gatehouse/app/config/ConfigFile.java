package dev.gatehouse.app.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.Node;

/// Reads a configuration file.
///
/// What is in force is, first to last: the command line, a variable `GATEHOUSE_<PATH>` that is not
/// empty (`GATEHOUSE_ADMIN_LISTEN` for `admin.listen`, `GATEHOUSE_EDGE_LISTEN` for the first
/// listener), the file, the default. Inside the file `${NAME}` and `${NAME:-default}` are filled in
/// in values. Anchors, aliases, tags and several documents are refused, so that every value stands
/// where it is used. Relative paths are relative to the working directory.
public final class ConfigFile {
  /// The name of the assembly that ships with Gatehouse, as a class path resource and in messages.
  public static final String DEFAULT = "gatehouse.yaml";

  private ConfigFile() {}

  public static Loaded load(Path file, Map<String, String> environment) {
    return load(file, environment, Map.of());
  }

  /// @param commandLine settings by path, such as `data`, which override everything else
  public static Loaded load(
      Path file, Map<String, String> environment, Map<String, String> commandLine) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return bad(file, "there is no such file");
    } catch (IOException e) {
      return bad(
          file,
          Files.isDirectory(file)
              ? "this is a directory, not a file"
              : "it cannot be read: " + e.getMessage());
    }
    return load(file, bytes, environment, commandLine);
  }

  /// As [#load(Path, Map, Map)], of bytes that are in memory already.
  static Loaded load(
      Path file, byte[] bytes, Map<String, String> environment, Map<String, String> commandLine) {
    return switch (read(file.toString(), bytes, environment, commandLine)) {
      case Loaded.Bad bad -> bad;
      case Loaded.Good(Config config, List<Setting> settings) ->
          new Loaded.Good(config.in(file), settings);
    };
  }

  /// The assembly that ships with Gatehouse.
  public static Loaded loadDefault(
      Map<String, String> environment, Map<String, String> commandLine) {
    return read(DEFAULT, defaultBytes(), environment, commandLine);
  }

  static byte[] defaultBytes() {
    try (InputStream in = ConfigFile.class.getResourceAsStream("/" + DEFAULT)) {
      if (in == null) {
        throw new IllegalStateException(DEFAULT + " is missing from this build of Gatehouse");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Loaded bad(Path file, String sentence) {
    return new Loaded.Bad(List.of(Place.ofFile(file.toString()).mistake(sentence)));
  }

  /// Reads a file that is already in memory; `name` is what messages call it.
  static Loaded read(
      String name, byte[] bytes, Map<String, String> environment, Map<String, String> commandLine) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return bad(Path.of(name), "this is not UTF-8 text");
    }
    if (text.startsWith("\uFEFF")) {
      text = text.substring(1);
    }
    var reading = new Reading(name, text, environment, commandLine);
    Optional<Node> node = Yaml.parse(text, reading);
    if (!reading.mistakes().isEmpty()) {
      return bad(reading);
    }
    var start = reading.at(1, 1);
    var config =
        Declaration.ROOT.read(reading, new Spot("", node, start, List.of(), Optional.empty()));
    return config.isPresent() && reading.mistakes().isEmpty()
        ? new Loaded.Good(config.get(), List.copyOf(reading.settings()))
        : bad(reading);
  }

  private static Loaded bad(Reading reading) {
    return new Loaded.Bad(
        reading.mistakes().stream()
            .sorted(
                Comparator.comparing((Mistake mistake) -> mistake.line() == 0)
                    .thenComparingInt(Mistake::line)
                    .thenComparingInt(Mistake::column))
            .toList());
  }
}
