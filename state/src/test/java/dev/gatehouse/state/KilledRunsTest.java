package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `kill -9` leaves, of whichever process.
class KilledRunsTest {
  @TempDir Path data;
  private Path cluster;
  private Path record;

  @BeforeEach
  void initialise() throws Exception {
    Servers.initialised(data);
    cluster = data.resolve("postgres/cluster");
    record = data.resolve("postgres/server");
  }

  @Test
  void a_killed_supervisor_takes_the_server_along_within_five_seconds() throws Exception {
    try (var holder = ServerHolder.start(data);
        var database = Servers.database(holder.url());
        var busy = database.connect()) {
      database.with(handle -> handle.execute("CREATE TABLE kept (n int)"));
      database.with(handle -> handle.execute("INSERT INTO kept VALUES (1)"));
      busy.setAutoCommit(false);
      busy.createStatement().execute("INSERT INTO kept VALUES (2)");
      holder.kill();

      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> ServerProcess.alive(holder.serverPid()).isEmpty());
    }
    assertThat(kept()).isEqualTo("1");
  }

  @Test
  void a_start_right_after_the_kill_waits_for_the_old_server() throws Exception {
    try (var holder = ServerHolder.start(data);
        var database = Servers.database(holder.url())) {
      database.with(handle -> handle.execute("CREATE TABLE kept AS SELECT 1 AS n"));
      holder.kill();

      assertThat(kept()).isEqualTo("1");
    }
  }

  @Test
  void a_killed_server_is_noticed_and_recovers_at_the_next_start() throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.settings(data));
        var database = Servers.database(server.url())) {
      database.with(handle -> handle.execute("CREATE TABLE kept AS SELECT 1 AS n"));
      signal("KILL", server.pid());

      assertThat(server.onExit().get(5, TimeUnit.SECONDS)).isEqualTo(128 + 9);
    }
    assertThat(cluster.resolve("postmaster.pid")).exists();
    assertThat(kept()).isEqualTo("1");
  }

  @Test
  void a_killed_guardian_is_noticed_and_its_server_still_stops() throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.settings(data))) {
      var guardian = ProcessHandle.of(server.pid()).flatMap(ProcessHandle::parent).orElseThrow();
      signal("KILL", guardian.pid());
      server.onExit().get(5, TimeUnit.SECONDS);

      server.close();
      assertThat(ServerProcess.alive(server.pid())).isEmpty();
    }
    assertThat(cluster.resolve("postmaster.pid")).doesNotExist();
  }

  @Test
  void an_orphan_that_is_provably_ours_is_ended() throws Exception {
    try (var holder = ServerHolder.start(data)) {
      var server = ProcessHandle.of(holder.serverPid()).orElseThrow();
      var guardian = server.parent().orElseThrow();
      // The guardian and its watcher at once: nobody is left who stops the server.
      for (var process :
          guardian.children().filter(child -> child.pid() != server.pid()).toList()) {
        signal("KILL", process.pid());
      }
      signal("KILL", guardian.pid());
      holder.kill();
      assertThat(ServerProcess.alive(server.pid())).isPresent();

      EmbeddedPostgres.start(Servers.settings(data)).close();
      assertThat(ServerProcess.alive(server.pid())).isEmpty();
    }
  }

  @Test
  void a_process_that_is_not_provably_ours_is_refused_and_left_alone() throws Exception {
    EmbeddedPostgres.start(Servers.settings(data)).close();
    Process foreign = new ProcessBuilder("sleep", "60").start();
    try {
      Path file = cluster.resolve("postmaster.pid");
      Files.writeString(file, foreign.pid() + "\n" + cluster + "\n");

      assertThatThrownBy(() -> EmbeddedPostgres.start(Servers.settings(data)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(
              "are in use by process %d, which this Gatehouse did not start"
                  .formatted(foreign.pid()));
      assertThat(file).exists();
      assertThat(foreign.isAlive()).isTrue();
    } finally {
      foreign.destroyForcibly();
    }
  }

  /// As in a container that is started again, where the old server's pid now belongs to another.
  @Test
  void a_pid_that_another_process_got_since_does_not_block_the_start() throws Exception {
    EmbeddedPostgres.start(Servers.settings(data)).close();
    Process other = new ProcessBuilder("sleep", "60").start();
    try {
      var alive = ServerProcess.alive(other.pid()).orElseThrow();
      new ServerProcess(alive.pid(), alive.start() - 1, alive.boot()).recordIn(record);
      Files.writeString(
          cluster.resolve("postmaster.pid"),
          other.pid() + "\n" + cluster + "\n1700000000\n1\n\n127.0.0.1\n\nready\n");

      EmbeddedPostgres.start(Servers.settings(data)).close();
      assertThat(other.isAlive()).isTrue();
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void a_process_is_told_from_another_with_the_same_pid() {
    var self = ServerProcess.alive(ProcessHandle.current().pid()).orElseThrow();

    assertThat(self.isAlive()).isTrue();
    assertThat(new ServerProcess(self.pid(), self.start() + 1, self.boot()).isAlive()).isFalse();
    assertThat(new ServerProcess(self.pid(), self.start(), "another boot").isAlive()).isFalse();
    assertThat(ServerProcess.alive(Integer.MAX_VALUE)).isEqualTo(Optional.empty());
  }

  private String kept() throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.settings(data));
        var database = Servers.database(server.url())) {
      return database.with(h -> Servers.text(h, "SELECT string_agg(n::text, ',') FROM kept"));
    }
  }

  private static void signal(String name, long pid) {
    ServerProcess.alive(pid).orElseThrow().signal(name);
  }
}
