package dev.gatehouse.testkit;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.EmbeddedPostgres;
import dev.gatehouse.state.EmbeddedSettings;
import dev.gatehouse.state.Migrations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;

/// A real Postgres for tests: one server a JVM, started at the first call and stopped at the JVM's
/// end, and a database of its own for each test that asks.
///
/// The program is unpacked once into the module's `target`, the data lie in a temporary directory
/// and are not flushed to the disk. A new database is a copy of a migrated one, so it costs some 30
/// ms.
public final class TestPostgres {
  private static final int POOL_SIZE = 10;
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private TestPostgres() {}

  /// A fresh, migrated database; the caller closes it.
  public static Database database() {
    return Database.open(new DatabaseSettings(url(), POOL_SIZE, "test"));
  }

  /// The URL of a fresh, migrated database, for tests that start processes of their own.
  public static String url() {
    return create("TEMPLATE " + Server.TEMPLATE);
  }

  /// The URL of a fresh database with nothing in it.
  public static String emptyUrl() {
    return create("");
  }

  private static String create(String options) {
    String name = "test_" + NUMBER.incrementAndGet();
    Server.execute("CREATE DATABASE " + name + " OWNER gatehouse " + options);
    return Server.url(name);
  }

  /// Loaded, and with it started, at the first use.
  private static final class Server {
    static final String TEMPLATE = "migrated";
    private static final EmbeddedPostgres POSTGRES = start();
    private static final Database SUPERUSER =
        Database.open(new DatabaseSettings(POSTGRES.superuserUrl(), 1, "test-maintenance"));

    static {
      execute("CREATE DATABASE " + TEMPLATE + " OWNER gatehouse");
      try (var database =
          Database.open(new DatabaseSettings(url(TEMPLATE), 1, "test-migrations"))) {
        Migrations.apply(database);
      }
    }

    private Server() {}

    private static EmbeddedPostgres start() {
      try {
        Path data = Files.createTempDirectory("gatehouse-test-");
        // Where the server has to run as another user, that user passes through here.
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx--x--x"));
        var postgres =
            EmbeddedPostgres.start(
                EmbeddedSettings.in(data)
                    .withBinaries(Path.of("target", "test-postgres"))
                    .with("fsync", "off")
                    .with("max_connections", "200"));
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(() -> {
                  postgres.close();
                  delete(data);
                }));
        return postgres;
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    /// Concurrency: two copies of one template at the same time are allowed, a session in the
    /// template is not, and there is none after the class is loaded.
    static synchronized void execute(String statement) {
      SUPERUSER.with(handle -> handle.execute(statement));
    }

    static String url(String database) {
      String url = POSTGRES.url();
      return url.substring(0, url.lastIndexOf('/') + 1) + database;
    }

    private static void delete(Path directory) {
      try (var all = Files.walk(directory)) {
        all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
      } catch (IOException | UncheckedIOException failure) {
        // The machine clears its temporary directory some day.
      }
    }
  }
}
