package dev.gatehouse.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/// The packaged program, started as a user starts it: the launcher of this source tree, the default
/// assembly, free ports and a data directory of its own.
///
/// It ends only processes that it started: the supervisor and its descendants, by process id.
public final class ProgramUnderTest implements AutoCloseable {
  private static final Duration READY_WITHIN = Duration.ofSeconds(90);
  private static final Duration STOPPED_WITHIN = Duration.ofSeconds(20);
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /// How a command ended and what it printed.
  public record Outcome(int exit, String out, String err) {}

  private final Map<String, String> environment = new LinkedHashMap<>();
  private final Path home;
  private final Path log;
  private final int edgePort;
  private final int countersPort;
  private final int adminPort = FreePort.next();
  private boolean own;
  private Optional<Process> supervisor = Optional.empty();

  /// What a killed supervisor left behind, on the ports of the next.
  private List<ProcessHandle> orphans = List.of();

  private ProgramUnderTest(int edgePort, int countersPort) {
    this.edgePort = edgePort;
    this.countersPort = countersPort;
    try {
      // Postgres runs as another user where the tests run as root, and must be able to pass.
      home =
          Files.createTempDirectory(
              "gatehouse-test",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    log = home.resolve("gatehouse.log");
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("GATEHOUSE_LOG", "text");
    environment.put("GATEHOUSE_DATA", data().toString());
    environment.put("GATEHOUSE_EDGE_LISTEN_MAIN", "127.0.0.1:" + edgePort);
    environment.put("GATEHOUSE_EDGE_LISTEN_COUNTING", "127.0.0.1:" + countersPort);
    environment.put("GATEHOUSE_ADMIN_LISTEN", "127.0.0.1:" + adminPort);
    environment.put("GATEHOUSE_REPLICA_LISTEN", "127.0.0.1:" + FreePort.range(16));
  }

  /// The default assembly, not yet started.
  public static ProgramUnderTest assembly() {
    return new ProgramUnderTest(FreePort.next(), FreePort.next());
  }

  /// One that somebody else has started and will stop, such as containers: of it only these two
  /// ports are known, on this machine.
  public static ProgramUnderTest running(int edgePort, int countersPort) {
    return new ProgramUnderTest(edgePort, countersPort);
  }

  /// An assembly of the test's own, not yet started. Listeners, ports and data directory are set
  /// from outside as for the default one; its edge has the one listener `main`.
  ///
  /// @param yaml the rest of the configuration
  public static ProgramUnderTest assembly(String yaml) {
    var program = assembly();
    program.environment.remove("GATEHOUSE_EDGE_LISTEN_COUNTING");
    program.own = true;
    program.rewrite(yaml);
    return program;
  }

  /// Replaces the file of [#assembly(String)], in one step.
  public void rewrite(String yaml) {
    try {
      var next = Files.writeString(home.resolve("assembly.yaml.next"), yaml);
      Files.move(next, file(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Where the file of [#assembly(String)] lies.
  public Path file() {
    return home.resolve("assembly.yaml");
  }

  /// With one more environment variable.
  public ProgramUnderTest with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /// Runs `gatehouse up` and waits until it is ready; also after [#killSupervisor] or [#stop].
  public ProgramUnderTest start() {
    return start("up");
  }

  /// Runs a command that stays, such as `run edge`, and waits until it is ready.
  public ProgramUnderTest start(String... command) {
    var words = new ArrayList<>(List.of(command));
    if (own) {
      words.addAll(List.of("-f", file().toString()));
    }
    var process = launch(log, log, words.toArray(String[]::new));
    supervisor = Optional.of(process);
    try {
      Awaitility.await()
          .atMost(READY_WITHIN)
          .pollInterval(Duration.ofMillis(50))
          .until(() -> !process.isAlive() || (orphansAreGone() && isReady()));
    } catch (RuntimeException e) {
      var said = log();
      close();
      throw new AssertionError("not ready within " + READY_WITHIN + "; its log:\n" + said, e);
    }
    if (!process.isAlive()) {
      throw new AssertionError(
          "`gatehouse up` ended with " + process.exitValue() + "; its log:\n" + log());
    }
    return this;
  }

  public int edgePort() {
    return edgePort;
  }

  /// The second port of the edge, 3333 by default.
  public int countersPort() {
    return countersPort;
  }

  public int adminPort() {
    return adminPort;
  }

  public Path data() {
    return home.resolve("data");
  }

  /// Everything the supervisor wrote so far, and its children through it.
  public String log() {
    try {
      return Files.readString(log, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(no log: " + e + ")";
    }
  }

  public boolean isReady() {
    try {
      var request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + adminPort + "/readyz"))
              .timeout(Duration.ofSeconds(2))
              .build();
      return HTTP.send(request, BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /// Runs `gatehouse` with these arguments against this assembly's data directory.
  public Outcome run(String... arguments) {
    try {
      var out = Files.createTempFile(home, "command", ".out");
      var err = Path.of(out + ".err");
      var process = launch(out, err, arguments);
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("gatehouse " + String.join(" ", arguments) + " did not end");
      }
      return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /// The process of a replica such as `storage-2`, as `gatehouse status` tells it; empty while
  /// there is none.
  public Optional<ProcessHandle> replica(String name) {
    var line =
        Pattern.compile("^" + Pattern.quote(name) + " +[a-z]+ +([0-9]+) ", Pattern.MULTILINE)
            .matcher(run("status").out());
    return line.find() ? ProcessHandle.of(Long.parseLong(line.group(1))) : Optional.empty();
  }

  /// The supervisor and everything below it that is alive.
  public List<ProcessHandle> family() {
    var all = new ArrayList<ProcessHandle>();
    supervisor.ifPresent(process -> {
      all.add(process.toHandle());
      process.descendants().forEach(all::add);
    });
    all.removeIf(process -> !isRunning(process));
    return all;
  }

  /// Whether a process lives; one that has ended and only waits for init to collect it does not.
  public static boolean isRunning(ProcessHandle process) {
    if (!process.isAlive()) {
      return false;
    }
    try {
      var stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }

  /// Ends the supervisor with SIGKILL and nothing else.
  public void killSupervisor() {
    orphans = family();
    supervisor.orElseThrow().destroyForcibly();
  }

  /// While the edge of before still runs it is that one that says it is ready.
  private boolean orphansAreGone() {
    return orphans.stream().noneMatch(ProgramUnderTest::isRunning);
  }

  /// Asks the supervisor to stop (SIGTERM) and waits for its end; its exit code.
  public int stop() {
    terminate();
    return awaitEnd();
  }

  /// Asks the supervisor to stop (SIGTERM) and does not wait.
  public void terminate() {
    supervisor.orElseThrow().destroy();
  }

  /// The process that [#start] started.
  public ProcessHandle process() {
    return supervisor.orElseThrow().toHandle();
  }

  /// Waits for the end of the supervisor; its exit code.
  public int awaitEnd() {
    var process = supervisor.orElseThrow();
    try {
      if (!process.waitFor(STOPPED_WITHIN.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("did not stop within " + STOPPED_WITHIN + "; its log:\n" + log());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /// Stops it if it runs, ends what is left of it, and deletes its data.
  @Override
  public void close() {
    var family = family();
    try {
      if (supervisor.isPresent() && supervisor.get().isAlive()) {
        stop();
      }
    } finally {
      family.forEach(ProcessHandle::destroyForcibly);
      delete(home);
    }
  }

  private Process launch(Path out, Path err, String... arguments) {
    var command = new ArrayList<String>();
    command.add(sources().resolve("gatehouse").toString());
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).directory(home.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("GATEHOUSE_"));
    builder.environment().putAll(environment);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(out.toFile()));
    builder.redirectError(ProcessBuilder.Redirect.appendTo(err.toFile()));
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The root of the source tree, where the launcher lies.
  private static Path sources() {
    var directory = Path.of("").toAbsolutePath();
    while (!Files.isExecutable(directory.resolve("gatehouse"))) {
      directory = directory.getParent();
      if (directory == null) {
        throw new IllegalStateException("there is no launcher `gatehouse` above this directory");
      }
    }
    return directory;
  }

  private static void delete(Path directory) {
    try (Stream<Path> all = Files.walk(directory)) {
      all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      // A process that is just ending may still write; what stays behind is in a temporary place.
    }
  }
}
