package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunAsTest {
  private static final Path CLUSTER = Path.of("/data/postgres/cluster");

  @Test
  void an_ordinary_user_runs_the_server_as_itself() {
    var runAs = RunAs.choose(1000, OptionalInt.of(1000), CLUSTER, _ -> false);

    assertThat(runAs.command(Path.of("/postgres"), "-D", "x"))
        .containsExactly("/postgres", "-D", "x");
  }

  @Test
  void an_ordinary_user_is_refused_files_of_another() {
    assertThatThrownBy(() -> RunAs.choose(1000, OptionalInt.of(0), CLUSTER, _ -> true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("belong to user 0");
  }

  @Test
  void root_takes_a_user_namespace_where_it_can() {
    assertThat(RunAs.choose(0, OptionalInt.empty(), CLUSTER, _ -> true))
        .isEqualTo(new RunAs(List.of("unshare", "-U", "--"), OptionalInt.empty()));
  }

  @Test
  void root_without_namespaces_becomes_nobody() {
    var runAs = RunAs.choose(0, OptionalInt.empty(), CLUSTER, prefix -> prefix.contains("setpriv"));

    assertThat(runAs.owner()).hasValue(65534);
    assertThat(runAs.prefix()).contains("--reuid=65534");
  }

  @Test
  void root_keeps_to_the_user_whose_files_they_are() {
    assertThat(RunAs.choose(0, OptionalInt.of(1000), CLUSTER, _ -> true).prefix())
        .contains("setpriv", "--reuid=1000", "--regid=1000");
  }

  @Test
  void root_without_any_way_is_told_what_to_do() {
    assertThatThrownBy(() -> RunAs.choose(0, OptionalInt.empty(), CLUSTER, _ -> false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("start Gatehouse as an ordinary user");
  }

  @Test
  void another_user_that_cannot_reach_the_program_is_named() {
    // A command that answers "not readable", as `setpriv ... test -r` does there.
    var runAs = new RunAs(List.of("false"), OptionalInt.of(65534));

    assertThatThrownBy(() -> runAs.checkReach(Path.of("/root/data/bin/postgres")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("user 65534")
        .hasMessageContaining("cannot reach /root/data/bin");
  }

  /// Run as root this is another user than the one who made the files; else it is the same one.
  @Test
  void files_of_an_ordinary_user_are_served_as_that_user(@TempDir Path data) throws Exception {
    EmbeddedPostgres.start(Servers.initialised(data)).close();
    Path cluster = data.resolve("postgres/cluster");
    int self = DataFiles.owner(data);
    int owner = self == 0 ? 65534 : self;
    if (self == 0) {
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x--x"));
      DataFiles.giveTo(owner, cluster);
    }

    try (var server = EmbeddedPostgres.start(Servers.initialised(data));
        var database = Servers.database(server.url())) {
      database.awaitReachable(Duration.ofSeconds(5));
      assertThat(DataFiles.owner(cluster.resolve("postmaster.pid"))).isEqualTo(owner);
    }
  }
}
