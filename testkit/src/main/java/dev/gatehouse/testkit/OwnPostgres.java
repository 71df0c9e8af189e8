package dev.gatehouse.testkit;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.EmbeddedPostgres;
import dev.gatehouse.state.EmbeddedSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/// A real Postgres of one test's own, which can stand still, crash and come back under the same
/// URL.
public final class OwnPostgres implements AutoCloseable {
  private final Path home;
  private EmbeddedPostgres server;

  private OwnPostgres(Path home) {
    this.home = home;
    this.server = run();
  }

  public static OwnPostgres start() {
    try {
      Path home = Files.createTempDirectory("gatehouse-test-");
      // Where the server has to run as another user, that user passes through here.
      Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwx--x--x"));
      return new OwnPostgres(home);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private EmbeddedPostgres run() {
    return EmbeddedPostgres.start(
        EmbeddedSettings.in(home).withBinaries(Path.of("target", "test-postgres")));
  }

  public String url() {
    return server.url();
  }

  /// All of its processes stand still (SIGSTOP): connections stay, and nobody answers.
  public void freeze() {
    signal("STOP");
  }

  public void thaw() {
    signal("CONT");
  }

  /// It ends at once, as in a crash ("immediate shutdown"), and stays away until [#comeBack].
  public void crash() {
    var postmaster = postmaster();
    signal(postmaster, "QUIT");
    Awaitility.await().until(() -> !ProgramUnderTest.isRunning(postmaster));
    server.close();
  }

  public void comeBack() {
    server = run();
  }

  /// Transactions that clients of the first database have ended so far, as far as the server has
  /// counted them: it does so about once a second.
  public long transactions() {
    try (var database = Database.open(new DatabaseSettings(server.superuserUrl(), 1, "test"))) {
      return database.with(handle ->
          handle
              .createQuery(
                  """
                  SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database
                  WHERE datname = 'gatehouse'
                  """)
              .mapTo(Long.class)
              .one());
    }
  }

  private ProcessHandle postmaster() {
    try {
      var file = home.resolve("postgres/cluster/postmaster.pid");
      return ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst().strip()))
          .orElseThrow();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void signal(String name) {
    var postmaster = postmaster();
    Stream.concat(Stream.of(postmaster), postmaster.descendants())
        .forEach(process -> signal(process, name));
  }

  private static void signal(ProcessHandle process, String name) {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().onExit().join();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void close() {
    server.close();
    try (var all = Files.walk(home)) {
      all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException | UncheckedIOException failure) {
      // The machine clears its temporary directory some day.
    }
  }
}
