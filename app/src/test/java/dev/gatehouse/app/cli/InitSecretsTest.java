package dev.gatehouse.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatehouse.app.PlainError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitSecretsTest {
  @TempDir private Path directory;

  @Test
  void every_secret_is_new_random_and_its_owner_s_alone() throws IOException {
    var one = directory.resolve("one.env");
    var two = directory.resolve("two.env");
    InitSecrets.run(one, new SecureRandom());
    InitSecrets.run(two, new SecureRandom());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(one)))
        .isEqualTo("rw-------");
    assertThat(secrets(one))
        .hasSize(4)
        .doesNotHaveDuplicates()
        .allMatch(line -> line.matches("[A-Z_]+=[0-9a-f]{48}"))
        .doesNotContainAnyElementsOf(secrets(two));
  }

  @Test
  void a_file_that_is_there_is_never_overwritten() throws IOException {
    var file = Files.writeString(directory.resolve(".env"), "mine");
    assertThatThrownBy(() -> InitSecrets.run(file, new SecureRandom()))
        .isInstanceOf(PlainError.class)
        .hasMessageContaining("is there already");
    assertThat(file).hasContent("mine");
  }

  private static List<String> secrets(Path file) throws IOException {
    return Files.readAllLines(file).stream().filter(line -> !line.startsWith("#")).toList();
  }
}
