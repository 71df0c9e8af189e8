package dev.gatehouse.state;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/// A PostgreSQL server of our own, whose files live in `<data>/postgres`.
///
/// ```
/// bin-18.4.0/           the program, unpacked once
/// cluster/              the database files
/// password              of the role `gatehouse`, which owns the database `gatehouse`
/// superuser-password    for maintenance
/// port                  the last one used, taken again when it is free
/// server                pid and start of the server we started last
/// lock                  held by the process that runs the server
/// guardian.sh           the server's parent
/// ```
///
/// Life and death: the server is a child of a guardian (`guardian.sh`), and the guardian's standard
/// input is a pipe that only this process holds. When this process ends, however it ends, the pipe
/// closes and the guardian stops the server. When the guardian ends, whether on its own or because
/// the server did, [#onExit] completes.
public final class EmbeddedPostgres implements AutoCloseable {
  /// Recovery after a crash replays up to a gigabyte of log, and a slow disk takes its time.
  private static final Duration START = Duration.ofMinutes(5);

  private static final Duration ORDERLY_STOP = Duration.ofSeconds(10);
  private static final Duration FORCED_STOP = Duration.ofSeconds(6);
  private static final Duration POLL = Duration.ofMillis(5);
  private static final int PORT_TRIES = 3;

  /// The line of `postmaster.pid` on which the server says how far it is.
  private static final int STATUS_LINE = 7;

  private final Guardian guardian;
  private final ServerProcess server;
  private final int port;
  private final Passwords passwords;
  private final FileChannel lock;

  private EmbeddedPostgres(
      Guardian guardian, ServerProcess server, int port, Passwords passwords, FileChannel lock) {
    this.guardian = guardian;
    this.server = server;
    this.port = port;
    this.passwords = passwords;
    this.lock = lock;
  }

  /// Starts the server, made ready first where there is none yet, and returns when it accepts
  /// connections.
  ///
  /// @throws IllegalStateException with one sentence that says what to do
  public static EmbeddedPostgres start(EmbeddedSettings settings) {
    Path home = settings.data().resolve("postgres");
    try {
      // Others may pass through (the server may run as another user), but not look around.
      Files.createDirectories(home);
      Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwx--x--x"));
      FileChannel lock = lock(home);
      try {
        return start(settings, home, lock);
      } catch (IOException | RuntimeException failure) {
        lock.close();
        throw failure;
      }
    } catch (IOException failure) {
      throw new IllegalStateException(
          "The embedded PostgreSQL in %s could not be started: %s".formatted(home, failure),
          failure);
    }
  }

  private static EmbeddedPostgres start(EmbeddedSettings settings, Path home, FileChannel lock)
      throws IOException {
    Path binaries =
        Binaries.unpacked(
            settings.binaries(), System.getProperty("os.name"), System.getProperty("os.arch"));
    Path cluster = home.resolve("cluster");
    Path record = home.resolve("server");
    OptionalLong stale = Leftovers.settle(cluster, record);
    RunAs runAs = RunAs.choose(cluster, home);
    runAs.checkReach(binaries.resolve("bin/postgres"));
    Passwords passwords = Passwords.in(home, !Files.isDirectory(cluster));
    Cluster.ensure(cluster, binaries, runAs, passwords);
    for (int attempt = 1; ; attempt++) {
      int port = freePort(home.resolve("port"));
      var command =
          runAs.command(
              binaries.resolve("bin/postgres"), arguments(cluster, port, settings.parameters()));
      var guardian = Guardian.start(home, command, stale, settings.log());
      try {
        var server = guardian.server();
        server.recordIn(record);
        if (accepts(cluster, server, guardian)) {
          DataFiles.write(home.resolve("port"), port + "\n");
          return new EmbeddedPostgres(guardian, server, port, passwords, lock);
        }
      } catch (IOException | RuntimeException failure) {
        guardian.stop(Duration.ZERO, FORCED_STOP);
        throw failure;
      }
      guardian.stop(Duration.ZERO, FORCED_STOP);
      String last = guardian.lastLines();
      boolean portTaken = last.contains("could not bind");
      if (!portTaken || attempt == PORT_TRIES) {
        throw new IllegalStateException(
            "The embedded PostgreSQL in %s did not start: %s".formatted(home, last));
      }
      Files.deleteIfExists(home.resolve("port"));
    }
  }

  private static FileChannel lock(Path home) throws IOException {
    var channel =
        FileChannel.open(home.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException heldByThisProcess) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new IllegalStateException(
          "Another Gatehouse runs the database in %s: stop it, or use another data directory."
              .formatted(home));
    }
    return channel;
  }

  private static boolean accepts(Path cluster, ServerProcess server, Guardian guardian) {
    Path file = cluster.resolve("postmaster.pid");
    var accepts = new boolean[1];
    Waiting.until(
        START,
        POLL,
        () -> {
          accepts[0] = isReady(file, server.pid());
          return accepts[0] || !guardian.isAlive();
        });
    return accepts[0];
  }

  private static boolean isReady(Path file, long pid) {
    try {
      var lines = Files.readAllLines(file);
      return lines.size() > STATUS_LINE
          && lines.getFirst().strip().equals(Long.toString(pid))
          && lines.get(STATUS_LINE).strip().equals("ready");
    } catch (IOException notYet) {
      return false;
    }
  }

  private static int freePort(Path kept) throws IOException {
    if (Files.exists(kept)) {
      String text = Files.readString(kept).strip();
      int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
      if (port > 0 && port <= 65535) {
        try (var socket = new ServerSocket()) {
          socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
          return port;
        } catch (IOException taken) {
          // Somebody else has it now: a new one is found below.
        }
      }
    }
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static String[] arguments(Path cluster, int port, Map<String, String> more) {
    var parameters = new LinkedHashMap<String, String>();
    parameters.put("jit", "off"); // our statements are short
    parameters.put("shared_buffers", "64MB");
    parameters.put("io_method", "sync"); // saves three worker processes
    parameters.put("max_parallel_workers_per_gather", "0");
    parameters.put("idle_in_transaction_session_timeout", "60s");
    parameters.put("log_checkpoints", "off");
    parameters.put("log_line_prefix", "");
    parameters.putAll(more);
    parameters.putIfAbsent("fsync", "on");
    parameters.putIfAbsent("full_page_writes", "on");
    parameters.putIfAbsent("synchronous_commit", "on");
    parameters.put("listen_addresses", "127.0.0.1");
    parameters.put("port", Integer.toString(port));
    parameters.put("unix_socket_directories", "");
    parameters.put("max_connections", more.getOrDefault("max_connections", "100"));
    parameters.put("password_encryption", "scram-sha-256");
    parameters.put("cluster_name", "gatehouse");
    parameters.put("timezone", "UTC");
    parameters.put("log_timezone", "UTC");
    parameters.put("log_destination", "stderr");
    parameters.put("logging_collector", "off");
    var arguments = new ArrayList<String>(List.of("-D", cluster.toString()));
    parameters.forEach((name, value) -> arguments.addAll(List.of("-c", name + "=" + value)));
    return arguments.toArray(String[]::new);
  }

  /// The database for the application's role, with its password.
  public String url() {
    return url(Cluster.ROLE, passwords.application(), Cluster.DATABASE);
  }

  /// The maintenance database for the superuser, with its password.
  public String superuserUrl() {
    return url(Cluster.SUPERUSER, passwords.superuser(), "postgres");
  }

  private String url(String user, String password, String database) {
    return "postgres://%s:%s@127.0.0.1:%d/%s".formatted(user, password, port, database);
  }

  public int port() {
    return port;
  }

  /// The pid of the server itself.
  public long pid() {
    return server.pid();
  }

  /// Completes with the exit status when the server or its guardian has ended, asked for or not.
  public CompletableFuture<Integer> onExit() {
    return guardian.onExit();
  }

  /// Stops the server: in order when it manages that in ten seconds, at once otherwise.
  @Override
  public void close() {
    guardian.stop(ORDERLY_STOP, FORCED_STOP);
    try {
      lock.close();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
