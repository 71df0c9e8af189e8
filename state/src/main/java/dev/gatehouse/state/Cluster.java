package dev.gatehouse.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/// The database files of the embedded server, made once.
///
/// They are made in a sibling directory, which is renamed when roles, database and access rules are
/// in it and all of it is on the disk; so `cluster` is complete when it exists, and a killed
/// initialisation is begun anew. No server that can be reached ever runs with less than these
/// rules: until the passwords are set nobody may connect, and they are set by a server without any
/// socket.
final class Cluster {
  static final String SUPERUSER = "gatehouse_superuser";
  static final String ROLE = "gatehouse";
  static final String DATABASE = "gatehouse";

  private static final String ACCESS =
      """
      # Written by Gatehouse: the loopback interface only, and only with a password (SCRAM-SHA-256).
      host all all 127.0.0.1/32 scram-sha-256
      """;

  private Cluster() {}

  /// Makes the cluster where there is none.
  static void ensure(Path cluster, Path binaries, RunAs runAs, Passwords passwords)
      throws IOException {
    if (Files.isDirectory(cluster)) {
      checkVersion(cluster);
      return;
    }
    Path partial = cluster.resolveSibling(cluster.getFileName() + ".partial");
    DataFiles.deleteTree(partial);
    Files.createDirectory(
        partial,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    if (runAs.owner().isPresent()) {
      DataFiles.giveTo(runAs.owner().getAsInt(), partial);
    }
    Path initdb = binaries.resolve("bin/initdb");
    run(
        partial,
        runAs.command(
            initdb,
            "--pgdata=" + partial,
            "--username=" + SUPERUSER,
            "--auth=reject",
            "--encoding=UTF8",
            // Compares by code point, the same on every machine and in every version of its C
            // library.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            "--no-sync"),
        "");
    run(
        partial,
        runAs.command(
            binaries.resolve("bin/postgres"),
            "--single",
            "-D",
            partial.toString(),
            "-c",
            // A statement that fails would be logged with the password in it.
            "log_min_error_statement=panic",
            "-c",
            "password_encryption=scram-sha-256",
            "postgres"),
        ClusterSql.setup(passwords));
    Files.writeString(partial.resolve("pg_hba.conf"), ACCESS);
    run(partial, runAs.command(initdb, "--sync-only", "--pgdata=" + partial), "");
    Files.move(partial, cluster, StandardCopyOption.ATOMIC_MOVE);
    DataFiles.syncDirectory(cluster.resolveSibling("."));
  }

  private static void checkVersion(Path cluster) throws IOException {
    String files = Files.readString(cluster.resolve("PG_VERSION")).strip();
    String carried = Binaries.version().split("\\.")[0];
    if (!files.equals(carried)) {
      throw new IllegalStateException(
          "The database files in %s were written by PostgreSQL %s and this Gatehouse carries %s: dump them with the Gatehouse that wrote them and load the dump into a new data directory."
              .formatted(cluster, files, carried));
    }
  }

  private static void run(Path directory, List<String> command, String input) {
    var result = Shell.run(directory, command, input);
    // A server without a socket goes on after a statement that failed, and ends with status 0.
    var complaints =
        result
            .output()
            .lines()
            .filter(line -> line.matches(".*\\b(ERROR|FATAL|PANIC|error): .*"))
            .toList();
    if (!result.ok() || !complaints.isEmpty()) {
      throw new IllegalStateException(
          "The database could not be initialised in %s: %s"
              .formatted(
                  directory.resolveSibling("cluster"),
                  complaints.isEmpty()
                      ? result.output().strip().replaceAll("\\s*\\R\\s*", "; ")
                      : String.join("; ", complaints).strip()));
    }
  }
}
