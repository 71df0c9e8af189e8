package dev.gatehouse.state;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/// Brings a database to the schema of this program: every `db/migration/V<n>__<what>.sql` on the
/// class path, of whichever module.
///
/// Concurrency: every process of an assembly calls this at its start, several at once. One reads
/// the history first, and is done when it holds exactly the migrations known here with the same
/// checksums, because starting Flyway costs a JVM a third of a second. Otherwise it takes a session
/// level advisory lock, looks again, and lets Flyway work. Flyway's own lock is not enough: it
/// polls once a second, and the history table is made before it is taken.
public final class Migrations {
  private static final String LOCATION = "db/migration";
  private static final Duration ASKED = Duration.ofSeconds(30);
  private static final Pattern NAME = Pattern.compile("V([0-9]+)__\\w+\\.sql");

  /// Says to everyone who migrates this database: wait. Any number that no other program uses.
  static final long LOCK = 0x6761746568_6f7573L;

  private Migrations() {}

  /// Migrates, or finds that there is nothing to do.
  ///
  /// @throws IllegalStateException with one sentence: the schema is newer than this program, the
  ///   database belongs to something else, or a migration failed (it is rolled back)
  public static void apply(Database database) {
    apply(database, Migrations.class.getClassLoader());
  }

  static void apply(Database database, ClassLoader loader) {
    var known = known(loader);
    try {
      if (isCurrent(known, database)) {
        return;
      }
      try (Connection connection = database.connect()) {
        MigrationsSql.lock(connection, LOCK);
        if (!isCurrent(known, connection)) {
          migrate(database, loader);
        }
      }
    } catch (SQLException failure) {
      throw new IllegalStateException(
          "The schema of " + database.shown() + " could not be read: " + failure.getMessage(),
          failure);
    }
  }

  /// Over a connection that does not wait for ever for a server that stands still.
  private static boolean isCurrent(Map<Long, Integer> known, Database database)
      throws SQLException {
    try (Connection connection = database.line(ASKED)) {
      return isCurrent(known, connection);
    }
  }

  private static boolean isCurrent(Map<Long, Integer> known, Connection connection)
      throws SQLException {
    var applied = MigrationsSql.applied(connection);
    var unknown = new TreeSet<>(applied.keySet());
    unknown.removeAll(known.keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalStateException(
          "The database's schema has version %d, which this Gatehouse does not know: start the newer Gatehouse that made it."
              .formatted(unknown.last()));
    }
    return applied.equals(known);
  }

  private static void migrate(Database database, ClassLoader loader) {
    try {
      Flyway.configure(loader)
          .dataSource(new SingleUse(database))
          .locations("classpath:" + LOCATION)
          .validateMigrationNaming(true)
          // Every module counts from a hundred of its own, so a module's next one comes "too late".
          .outOfOrder(true)
          // The lock is ours; Flyway's would keep a transaction open for as long as a migration
          // runs.
          .configuration(Map.of("flyway.postgresql.transactional.lock", "false"))
          .load()
          .migrate();
    } catch (FlywayException failure) {
      throw new IllegalStateException(
          "The schema of %s could not be brought up to date: %s"
              .formatted(
                  database.shown(),
                  String.valueOf(failure.getMessage()).strip().replaceAll("\\s*\\R\\s*", " ")),
          failure);
    }
  }

  /// Version and checksum of every migration on the class path.
  private static Map<Long, Integer> known(ClassLoader loader) {
    var known = new TreeMap<Long, Integer>();
    try {
      for (URL directory : Collections.list(loader.getResources(LOCATION))) {
        for (URL file : files(directory)) {
          String path = file.getPath();
          var name = NAME.matcher(path.substring(path.lastIndexOf('/') + 1));
          if (name.matches()) {
            known.put(Long.parseLong(name.group(1)), checksum(file));
          }
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return known;
  }

  private static List<URL> files(URL directory) throws IOException {
    var files = new ArrayList<URL>();
    if (directory.openConnection() instanceof JarURLConnection jar) {
      String prefix = LOCATION + "/";
      for (var entry : Collections.list(jar.getJarFile().entries())) {
        if (entry.getName().startsWith(prefix) && !entry.isDirectory()) {
          files.add(URI.create("jar:" + jar.getJarFileURL() + "!/" + entry.getName()).toURL());
        }
      }
    } else {
      try (var children = Files.list(Path.of(URI.create(directory.toString())))) {
        for (Path child : children.toList()) {
          files.add(child.toUri().toURL());
        }
      }
    }
    return files;
  }

  /// The checksum that Flyway writes into its history: CRC-32 over the lines without their ends.
  private static int checksum(URL file) throws IOException {
    var crc = new CRC32();
    try (var lines =
        new BufferedReader(new InputStreamReader(file.openStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        crc.update(line.getBytes(StandardCharsets.UTF_8));
      }
    }
    return (int) crc.getValue();
  }
}
