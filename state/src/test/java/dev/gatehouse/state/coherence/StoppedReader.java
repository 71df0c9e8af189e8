package dev.gatehouse.state.coherence;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/// A replica in a JVM of its own, whose reader can be held exactly between its look into memory and
/// its answer, and which can be stopped and killed as a process.
final class StoppedReader implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;

  private StoppedReader(Process process) {
    this.process = process;
    this.out = process.inputReader(StandardCharsets.UTF_8);
  }

  /// Returns when it has a lease and remembers `key`.
  static StoppedReader start(String url, String key) throws IOException {
    var reader =
        new StoppedReader(
            new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    StoppedReader.class.getName(),
                    url,
                    key)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    reader.expect("remembered");
    return reader;
  }

  public static void main(String[] arguments) throws IOException {
    var in = new BufferedReader(new java.io.InputStreamReader(System.in, StandardCharsets.UTF_8));
    var hold = new AtomicBoolean();
    var node =
        Node.start(
            arguments[0],
            "stopped",
            CoherenceSettings.DEFAULTS,
            () -> {
              if (hold.get()) {
                say("looked");
                awaitLine(in);
              }
            });
    while (node.cache.peek(arguments[1]).isEmpty()) {
      node.read(arguments[1]);
      Thread.onSpinWait();
    }
    say("remembered");
    awaitLine(in);
    hold.set(true);
    say(node.read(arguments[1]).orElse("nothing"));
    awaitLine(in);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static void awaitLine(BufferedReader in) {
    try {
      if (in.readLine() == null) {
        Runtime.getRuntime().halt(0);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  String line() throws IOException {
    var line = out.readLine();
    if (line == null) {
      throw new IOException("the reader ended with " + process.onExit().join().exitValue());
    }
    return line;
  }

  void expect(String line) throws IOException {
    String said = line();
    if (!said.equals(line)) {
      throw new IOException("expected " + line + " and got " + said);
    }
  }

  void goOn() throws IOException {
    process.getOutputStream().write('\n');
    process.getOutputStream().flush();
  }

  /// Returns when every thread has stopped: `kill` returns when one of them is about to hear of it.
  void stop() throws IOException {
    signal("STOP");
    await().until(this::isStopped);
  }

  void resume() throws IOException {
    signal("CONT");
  }

  private void signal(String name) throws IOException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().onExit().join();
  }

  private boolean isStopped() throws IOException {
    try (var threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
      return threads.allMatch(StoppedReader::isThreadStopped);
    }
  }

  private static boolean isThreadStopped(Path thread) {
    try {
      var stat = Files.readString(thread.resolve("stat"));
      return stat.substring(stat.lastIndexOf(')')).startsWith(") T");
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  @Override
  public void close() {
    kill();
  }
}
