package dev.gatehouse.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Golden files: every `config/NAME.yaml` has its mistakes, word for word, in `config/NAME.txt`.
class MistakesTest {
  private static final Path FILES = Path.of("src/test/resources/config");

  static List<String> names() {
    try (var files = Files.list(FILES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".yaml"))
          .map(name -> name.substring(0, name.length() - ".yaml".length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void no_golden_file_got_lost() {
    assertThat(names()).hasSize(98);
  }

  @ParameterizedTest
  @MethodSource("names")
  void a_mistake_is_told_as_its_golden_file_says(String name) throws IOException {
    var text = Files.readAllBytes(FILES.resolve(name + ".yaml"));
    var loaded = ConfigFile.read(name + ".yaml", text, Map.of("PATH", "/usr/bin:/bin"), Map.of());

    assertThat(loaded).isInstanceOf(Loaded.Bad.class);
    assertThat(((Loaded.Bad) loaded).render() + "\n")
        .isEqualTo(Files.readString(FILES.resolve(name + ".txt")));
  }
}
