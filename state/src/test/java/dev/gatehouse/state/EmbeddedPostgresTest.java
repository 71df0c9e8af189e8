package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedPostgresTest {
  @TempDir Path data;

  @Test
  void data_port_and_password_outlive_a_clean_stop() throws Exception {
    List<String> log = new CopyOnWriteArrayList<>();
    var settings = Servers.initialised(data).withLog(log::add);
    String url;
    try (var server = EmbeddedPostgres.start(settings);
        var database = Servers.database(server.url())) {
      url = server.url();
      database.with(handle -> handle.execute("CREATE TABLE kept (t text)"));
      database.with(handle -> handle.execute("INSERT INTO kept VALUES ('Zoë 🏰')"));
    }
    assertThat(log).anyMatch(line -> line.contains("database system is shut down"));
    assertThat(data.resolve("postgres/cluster/postmaster.pid")).doesNotExist();
    log.clear();

    try (var server = EmbeddedPostgres.start(settings);
        var database = Servers.database(server.url())) {
      assertThat(server.url()).isEqualTo(url);
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT t FROM kept")))
          .isEqualTo("Zoë 🏰");
    }
    assertThat(log).noneMatch(line -> line.contains("not properly shut down"));
  }

  @Test
  void only_loopback_and_only_with_a_password_and_as_no_superuser() throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.settings(data));
        var database = Servers.database(server.url());
        var superuser = Servers.database(server.superuserUrl())) {
      assertThat(
              database.<String>with(h ->
                  Servers.text(
                      h,
                      """
                      SELECT concat_ws(',', rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls)
                        FROM pg_roles WHERE rolname = current_user
                      """)))
          .isEqualTo("f,f,f,f,f");
      assertThat(
              database.<String>with(h ->
                  Servers.text(
                      h,
                      """
                      SELECT pg_get_userbyid(datdba) || ' ' || pg_encoding_to_char(encoding) || ' ' || datlocale
                        FROM pg_database WHERE datname = current_database()
                      """)))
          .isEqualTo("gatehouse UTF8 C.UTF-8");
      assertThat(
              superuser.<String>with(h ->
                  Servers.text(
                      h,
                      "SELECT string_agg(type || ' ' || address || ' ' || auth_method, ',') FROM pg_hba_file_rules")))
          .isEqualTo("host 127.0.0.1 scram-sha-256");
      assertThat(
              superuser.<String>with(h ->
                  Servers.text(
                      h,
                      "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'")))
          .isEqualTo("2");
      for (var setting :
          List.of(
              "fsync=on",
              "synchronous_commit=on",
              "full_page_writes=on",
              "data_checksums=on",
              "listen_addresses=127.0.0.1",
              "unix_socket_directories=",
              "log_timezone=UTC")) {
        String name = setting.substring(0, setting.indexOf('='));
        assertThat(name + "=" + superuser.<String>with(h -> Servers.text(h, "SHOW " + name)))
            .isEqualTo(setting);
      }
      for (var wrong : List.of(server.url(), server.superuserUrl())) {
        try (var intruder = Servers.database(wrong.replaceFirst(":[^:@/]+@", ":guess@"))) {
          assertThatThrownBy(() -> intruder.awaitReachable(Duration.ofSeconds(1)))
              .hasMessageContaining("password authentication failed");
        }
      }
    }
  }

  @Test
  void passwords_and_database_files_are_for_the_owner_only() throws Exception {
    EmbeddedPostgres.start(Servers.settings(data)).close();

    Path home = data.resolve("postgres");
    for (var file : List.of("password", "superuser-password")) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home.resolve(file))))
          .isEqualTo("rw-------");
    }
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(home.resolve("cluster"))))
        .isEqualTo("rwx------");
    assertThat(Files.readString(home.resolve("password")))
        .isNotEqualTo(Files.readString(home.resolve("superuser-password")));
  }

  @Test
  void a_second_start_on_the_same_data_is_refused() throws Exception {
    try (var server = EmbeddedPostgres.start(Servers.initialised(data))) {
      assertThatThrownBy(() -> EmbeddedPostgres.start(Servers.initialised(data)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Another Gatehouse runs the database in");
      assertThat(server.onExit()).isNotDone();
    }
  }

  @Test
  void a_taken_port_is_left_to_its_owner() throws Exception {
    EmbeddedPostgres.start(Servers.initialised(data)).close();
    int port = Integer.parseInt(Files.readString(data.resolve("postgres/port")).strip());

    try (var other = new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
        var server = EmbeddedPostgres.start(Servers.initialised(data));
        var database = Servers.database(server.url())) {
      assertThat(server.port()).isNotEqualTo(other.getLocalPort());
      database.awaitReachable(Duration.ofSeconds(5));
    }
  }

  @Test
  void an_interrupted_initialisation_is_begun_anew() throws Exception {
    Path partial = Files.createDirectories(data.resolve("postgres/cluster.partial/base"));
    Files.writeString(partial.resolve("half"), "written");

    try (var server = EmbeddedPostgres.start(Servers.settings(data));
        var database = Servers.database(server.url())) {
      database.awaitReachable(Duration.ofSeconds(5));
    }
    assertThat(data.resolve("postgres/cluster.partial")).doesNotExist();
  }

  @Test
  void a_lost_password_file_is_named() throws Exception {
    EmbeddedPostgres.start(Servers.initialised(data)).close();
    Files.delete(data.resolve("postgres/password"));

    assertThatThrownBy(() -> EmbeddedPostgres.start(Servers.initialised(data)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("its password file password does not");
  }

  @Test
  void files_of_another_major_version_are_refused() throws Exception {
    EmbeddedPostgres.start(Servers.initialised(data)).close();
    Files.writeString(data.resolve("postgres/cluster/PG_VERSION"), "12\n");

    assertThatThrownBy(() -> EmbeddedPostgres.start(Servers.initialised(data)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("were written by PostgreSQL 12 and this Gatehouse carries 18");
  }

  @Test
  void a_server_that_does_not_start_says_why() throws Exception {
    assertThatThrownBy(
            () -> EmbeddedPostgres.start(Servers.initialised(data).with("shared_buffers", "lots")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("did not start")
        .hasMessageContaining("shared_buffers");
  }

  @Test
  void closing_twice_is_harmless() throws Exception {
    var server = EmbeddedPostgres.start(Servers.initialised(data));
    server.close();
    server.close();

    assertThat(server.onExit()).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(0);
  }
}
