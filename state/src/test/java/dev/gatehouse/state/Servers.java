package dev.gatehouse.state;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jdbi.v3.core.Handle;

/// What these tests share: the program unpacked once, one server for those that do not stop it.
public final class Servers {
  private static final Path BINARIES = Path.of("target", "test-postgres");
  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final AtomicReference<EmbeddedPostgres> SHARED = new AtomicReference<>();

  private Servers() {}

  static EmbeddedSettings settings(Path data) {
    return EmbeddedSettings.in(data).withBinaries(BINARIES);
  }

  /// The same, over database files that were made before: a copy costs a tenth of an
  /// initialisation.
  public static EmbeddedSettings initialised(Path data) throws IOException {
    Path home = data.resolve("postgres");
    if (!Files.exists(home)) {
      copy(Template.HOME, home);
    }
    return settings(data);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  /// Made at the first use, anew in every JVM.
  private static final class Template {
    static final Path HOME = make();

    private static Path make() {
      Path data = Path.of("target", "test-template");
      try {
        DataFiles.deleteTree(data);
        EmbeddedPostgres.start(settings(data)).close();
        // Every copy is to choose a port of its own.
        Files.delete(data.resolve("postgres/port"));
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
      return data.resolve("postgres");
    }
  }

  static Database database(String url) {
    return Database.open(new DatabaseSettings(url, 2, "test"));
  }

  /// The URL of an empty database on a server that runs until this JVM ends.
  public static synchronized String emptyUrl() {
    EmbeddedPostgres server = SHARED.get();
    if (server == null) {
      // Not a temporary directory: two JVMs never build one module at the same time.
      server =
          EmbeddedPostgres.start(settings(Path.of("target", "test-data")).with("fsync", "off"));
      SHARED.set(server);
      Runtime.getRuntime().addShutdownHook(new Thread(server::close));
    }
    String name = "test_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
    try (var superuser = database(server.superuserUrl())) {
      superuser.with(handle -> handle.execute("CREATE DATABASE " + name + " OWNER gatehouse"));
    }
    return server.url().replaceFirst("/[a-z]+$", "/" + name);
  }

  static String text(Handle handle, String sql) {
    return handle.createQuery(sql).mapTo(String.class).one();
  }
}
