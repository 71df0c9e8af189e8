package dev.gatehouse.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsTest {
  private static final String COUNTERS = "V100__counters_table.sql";
  private static final String STORAGE = "V200__storage_table.sql";

  @TempDir Path directory;

  @Test
  void four_processes_at_once_apply_each_migration_once() throws Exception {
    String url = Servers.emptyUrl();
    var modules = modules("a", COUNTERS, "CREATE TABLE c (n int);\nINSERT INTO c VALUES (1);\n");
    var together = new CyclicBarrier(4);
    Callable<Boolean> process =
        () -> {
          try (var database = Servers.database(url)) {
            together.await();
            Migrations.apply(database, modules);
            return true;
          }
        };

    try (var threads = Executors.newFixedThreadPool(4)) {
      for (var done : threads.invokeAll(List.of(process, process, process, process))) {
        assertThat(done.get()).isTrue();
      }
    }

    try (var database = Servers.database(url)) {
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT count(*) FROM c")))
          .isEqualTo("1");
    }
  }

  @Test
  void a_current_schema_is_left_alone_without_taking_the_lock() throws Exception {
    var modules = modules("a", COUNTERS, "CREATE TABLE c (n int);\r\nSELECT 'ü';");
    try (var database = Servers.database(Servers.emptyUrl());
        var other = database.connect()) {
      Migrations.apply(database, modules);
      MigrationsSql.lock(other, Migrations.LOCK);

      // Would wait for the lock for ever if it did not find at once that nothing is to do.
      Migrations.apply(database, modules);
    }
  }

  @Test
  void a_later_migration_of_a_module_with_lower_numbers_is_applied() throws Exception {
    try (var database = Servers.database(Servers.emptyUrl())) {
      Migrations.apply(database, modules("a", STORAGE, "CREATE TABLE s (n int);"));
      Migrations.apply(
          database,
          modules("b", STORAGE, "CREATE TABLE s (n int);", COUNTERS, "CREATE TABLE c (n int);"));

      assertThat(database.<String>with(h -> Servers.text(h, "SELECT to_regclass('c')")))
          .isEqualTo("c");
    }
  }

  @Test
  void migrations_in_jars_are_found() throws Exception {
    Path jar = directory.resolve("module.jar");
    try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry("db/"));
      out.putNextEntry(new JarEntry("db/migration/"));
      out.putNextEntry(new JarEntry("db/migration/" + COUNTERS));
      out.write("CREATE TABLE c (n int);".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    try (var database = Servers.database(Servers.emptyUrl());
        var loader = loader(jar);
        var other = database.connect()) {
      Migrations.apply(database, loader);
      MigrationsSql.lock(other, Migrations.LOCK);

      Migrations.apply(database, loader);
    }
  }

  @Test
  void a_newer_schema_is_refused_in_one_sentence() throws Exception {
    try (var database = Servers.database(Servers.emptyUrl())) {
      Migrations.apply(
          database,
          modules("a", STORAGE, "CREATE TABLE s (n int);", COUNTERS, "CREATE TABLE c (n int);"));
      var older = modules("b", COUNTERS, "CREATE TABLE c (n int);");

      assertThatThrownBy(() -> Migrations.apply(database, older))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "The database's schema has version 200, which this Gatehouse does not know: start the newer Gatehouse that made it.");
    }
  }

  @Test
  void a_migration_that_fails_changes_nothing() throws Exception {
    try (var database = Servers.database(Servers.emptyUrl())) {
      var broken = modules("a", COUNTERS, "CREATE TABLE c (n int);\nnonsense;");

      assertThatThrownBy(() -> Migrations.apply(database, broken))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("could not be brought up to date")
          .hasMessageContaining("nonsense");
      assertThat(database.<String>with(h -> Servers.text(h, "SELECT to_regclass('c') IS NULL")))
          .isEqualTo("t");
    }
  }

  @Test
  void a_migration_that_was_changed_after_it_was_applied_is_refused() throws Exception {
    try (var database = Servers.database(Servers.emptyUrl())) {
      Migrations.apply(database, modules("a", COUNTERS, "CREATE TABLE c (n int);"));
      var changed = modules("b", COUNTERS, "CREATE TABLE c (n bigint);");

      assertThatThrownBy(() -> Migrations.apply(database, changed))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("checksum");
    }
  }

  @Test
  void a_database_of_something_else_is_not_touched() throws Exception {
    try (var database = Servers.database(Servers.emptyUrl())) {
      database.with(handle -> handle.execute("CREATE TABLE theirs (n int)"));
      var modules = modules("a", COUNTERS, "CREATE TABLE c (n int);");

      assertThatThrownBy(() -> Migrations.apply(database, modules))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("non-empty");
    }
  }

  /// A class path with these migrations: name, content, name, content, ...
  private URLClassLoader modules(String name, String... files) throws IOException {
    Path root = directory.resolve(name);
    Path migrations = Files.createDirectories(root.resolve("db/migration"));
    for (int i = 0; i < files.length; i += 2) {
      Files.writeString(migrations.resolve(files[i]), files[i + 1]);
    }
    return loader(root);
  }

  private URLClassLoader loader(Path root) throws IOException {
    return new URLClassLoader(new URL[] {root.toUri().toURL()}, getClass().getClassLoader());
  }
}
