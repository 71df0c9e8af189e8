package dev.gatehouse.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// Holds `docs/configuration.md` to the declaration that the loader reads.
class ConfigReferenceTest {
  private static final Path PAGE = Path.of("../docs/configuration.md");
  private static final String WRITE = "reference.write";

  @Test
  void the_reference_is_what_the_loader_reads() throws IOException {
    var page = ConfigReference.markdown();
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(PAGE, page);
    }
    assertThat(Files.exists(PAGE) ? Files.readString(PAGE) : "")
        .as(
            "docs/configuration.md is not what the model says. Write it anew: ./mvnw -pl app -am test"
                + " -Dtest=ConfigReferenceTest -Dsurefire.failIfNoSpecifiedTests=false -D"
                + WRITE
                + "=true")
        .isEqualTo(page);
  }
}
