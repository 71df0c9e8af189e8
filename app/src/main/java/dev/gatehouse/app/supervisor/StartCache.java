package dev.gatehouse.app.supervisor;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The AOT cache: classes that our processes load, already parsed and linked (JEP 483, 514), as a
/// rehearsed replica loads them. It buys a faster start for some memory.
///
/// It fits exactly one set of jars and one JVM, which `gatehouse.aot.for` names; anything else and
/// it is not used and made anew, in the background, at low priority, after everything runs. It is
/// never needed: every failure here is a line in the log and a slower start.
public final class StartCache implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StartCache.class);

  /// The cache would carry profiles of the rehearsal (JEP 515), and the compiler would go by them:
  /// a rehearsal answers a few requests, and what was compiled for it took a sixth more CPU for a
  /// proxied GET under load, for as long as the process ran (bench/limits, with the cache and
  /// without).
  private static final List<String> UNTRAINED =
      List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTRecordTraining");

  /// Runs "$@" with the rest of our input as its life line: when that ends, so does the process. It
  /// runs Java, which cannot look after itself while it writes a cache.
  private static final String TIED =
      """
      trap '' INT HUP
      exec 3<&0
      nice -n 19 "$@" </dev/null & child=$!
      { cat <&3 >/dev/null; kill -9 $child; } 2>/dev/null & line=$!
      wait $child; status=$?
      kill $line 2>/dev/null
      exit $status
      """;

  private final Path directory;
  private final String wanted;

  /// What is at work on it; guarded by this.
  private Optional<Process> working = Optional.empty();

  private boolean closed;

  private StartCache(Path directory, String wanted) {
    this.directory = directory;
    this.wanted = wanted;
  }

  /// The cache of this installation: beside its jars where that can be written, in the data
  /// directory otherwise. Empty where there are no jars, or `GATEHOUSE_AOT=off`.
  public static Optional<StartCache> find(
      Path data, String classPath, Map<String, String> settings) {
    var jar = Path.of(classPath);
    var lib = jar.getParent();
    if (lib == null
        || lib.getParent() == null
        || !classPath.endsWith(".jar")
        || "off".equals(settings.get("GATEHOUSE_AOT"))) {
      return Optional.empty();
    }
    try {
      var beside = lib.resolveSibling("cache");
      Files.createDirectories(Files.isWritable(lib) ? beside : data.resolve("cache"));
      return Optional.of(
          new StartCache(
              Files.isWritable(beside) ? beside : data.resolve("cache"), fingerprint(lib)));
    } catch (IOException e) {
      log.info("no place for an AOT cache ({}); starts stay slower", e.toString());
      return Optional.empty();
    }
  }

  private static String fingerprint(Path lib) throws IOException {
    var jars = new ArrayList<String>();
    try (var files = Files.list(lib)) {
      for (var jar : files.sorted().toList()) {
        jars.add(jar + " " + Files.size(jar) + " " + Files.getLastModifiedTime(jar).toMillis());
      }
    }
    return System.getProperty("java.home")
        + " "
        + System.getProperty("java.vm.version")
        + "\n"
        + String.join("\n", jars)
        + "\n";
  }

  /// The cache, if there is one for this program and this JVM.
  public Optional<Path> usable() {
    try {
      var file = directory.resolve("gatehouse.aot");
      return Files.isReadable(file)
              && Files.readString(directory.resolve("gatehouse.aot.for")).equals(wanted)
          ? Optional.of(file)
          : Optional.empty();
    } catch (IOException none) {
      return Optional.empty();
    }
  }

  /// Makes the cache with a rehearsal; returns when it is there or cannot be made.
  ///
  /// @param java the command to rehearse with
  /// @param arguments of the rehearsal
  /// @param environment carries its secrets
  void make(JavaCommand java, List<String> arguments, Map<String, String> environment)
      throws InterruptedException {
    var own = "gatehouse." + ProcessHandle.current().pid();
    var notes = directory.resolve(own + ".conf");
    var made = directory.resolve(own + ".aot");
    try (var channel =
            FileChannel.open(
                directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var lock = channel.tryLock()) {
      if (lock == null || usable().isPresent()) {
        return;
      }
      removeUnfinished();
      var memory = new ServiceSpec.Jvm(256, 64, false, false, 0);
      var rehearse = new ArrayList<>(java.with(memory, arguments));
      rehearse.addAll(1, UNTRAINED);
      rehearse.addAll(1, List.of("-XX:AOTMode=record", "-XX:AOTConfiguration=" + notes));
      var write = new ArrayList<>(java.with(memory, List.of()));
      write.addAll(1, UNTRAINED);
      write.addAll(
          1,
          List.of("-XX:AOTMode=create", "-XX:AOTConfiguration=" + notes, "-XX:AOTCache=" + made));
      if (run(rehearse, environment) && run(write, Map.of()) && Files.exists(made)) {
        Files.deleteIfExists(directory.resolve("gatehouse.aot.for"));
        Files.move(made, directory.resolve("gatehouse.aot"), StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(directory.resolve("gatehouse.aot.for"), wanted);
        log.info("made an AOT cache; the next start is faster");
      }
    } catch (IOException e) {
      log.info("no AOT cache could be made ({}); starts stay slower", e.toString());
    } finally {
      delete(notes);
      delete(made);
    }
  }

  /// Ends what is at work on it, and returns when that is gone; nothing is begun any more.
  @Override
  public void close() {
    Optional<Process> last;
    synchronized (this) {
      closed = true;
      last = working;
    }
    last.ifPresent(StartCache::end);
  }

  /// Cuts the life line, and does not rely on it.
  private static void end(Process process) {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(1, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor(1, TimeUnit.SECONDS);
      }
    } catch (IOException gone) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private Optional<Process> begin(ProcessBuilder builder) throws IOException {
    synchronized (this) {
      if (closed) {
        return Optional.empty();
      }
      working = Optional.of(builder.start());
      return working;
    }
  }

  private boolean run(List<String> command, Map<String, String> environment)
      throws IOException, InterruptedException {
    var builder = new ProcessBuilder("/bin/sh", "-c", TIED, "gatehouse");
    builder.command().addAll(command);
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    var begun = begin(builder);
    if (begun.isEmpty()) {
      return false;
    }
    var process = begun.get();
    try {
      var output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      int status = process.waitFor();
      if (status != 0 && !isClosed()) {
        log.info(
            "no AOT cache could be made (status {}: {}); starts stay slower",
            status,
            output.length() > 300 ? output.substring(output.length() - 300) : output);
      }
      return status == 0;
    } finally {
      end(process);
    }
  }

  /// What a supervisor that was killed left; we hold the lock, so nobody works on it.
  private void removeUnfinished() throws IOException {
    try (var files = Files.newDirectoryStream(directory, "gatehouse.[0-9]*")) {
      files.forEach(StartCache::delete);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.info("{} could not be removed ({}); it does no harm", file, e.toString());
    }
  }
}
