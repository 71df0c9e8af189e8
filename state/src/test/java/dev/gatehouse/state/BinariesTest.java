package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BinariesTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({"Mac OS X,aarch64", "Windows 11,amd64", "Linux,riscv64"})
  void a_platform_without_binaries_is_told_to_name_a_database(String system, String machine) {
    assertThatThrownBy(() -> Binaries.unpacked(directory, system, machine))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "Gatehouse carries no PostgreSQL for %s on %s: set `database: postgres://user:password@host:port/database` to use one of your own."
                .formatted(system, machine));
  }

  @ParameterizedTest
  @CsvSource({"amd64", "aarch64"})
  void both_platforms_unpack_whole_over_what_a_killed_run_left(String machine) throws Exception {
    Path half = directory.resolve("bin-" + Binaries.version() + ".partial/bin");
    Files.writeString(Files.createDirectories(half).resolve("postgres"), "half of it");

    Path unpacked = Binaries.unpacked(directory, "Linux", machine);

    assertThat(unpacked.resolve("bin/postgres")).isExecutable();
    assertThat(unpacked.resolve("bin/initdb")).isExecutable();
    assertThat(unpacked.resolve("lib/libpq.so.5")).isSymbolicLink().exists();
    assertThat(unpacked.resolve("share/postgresql/postgres.bki")).isRegularFile();
    assertThat(half).doesNotExist();
  }

  @Test
  void what_is_unpacked_is_not_unpacked_again() throws Exception {
    Path there = Files.createDirectory(directory.resolve("bin-" + Binaries.version()));

    assertThat(Binaries.unpacked(directory, "Linux", "amd64")).isEqualTo(there);
    assertThat(there).isEmptyDirectory();
  }
}
