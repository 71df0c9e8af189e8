package dev.gatehouse.state;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/// A supervisor to be killed: a JVM of its own that starts the server in the directory it is told
/// and holds it until it is killed.
final class ServerHolder implements AutoCloseable {
  private final Process process;
  private final EmbeddedPids pids;

  /// The processes of a held server.
  record EmbeddedPids(long server, String url) {}

  private ServerHolder(Process process, EmbeddedPids pids) {
    this.process = process;
    this.pids = pids;
  }

  static ServerHolder start(Path data) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ServerHolder.class.getName(),
                data.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    var out = process.inputReader(StandardCharsets.UTF_8);
    String pid = out.readLine();
    if (pid == null) {
      throw new IOException("the server's holder ended with " + process.onExit().join());
    }
    return new ServerHolder(process, new EmbeddedPids(Long.parseLong(pid), out.readLine()));
  }

  public static void main(String[] arguments) {
    var server = EmbeddedPostgres.start(Servers.settings(Path.of(arguments[0])));
    System.out.println(server.pid());
    System.out.println(server.url());
    System.out.flush();
    server.onExit().join();
  }

  long serverPid() {
    return pids.server();
  }

  String url() {
    return pids.url();
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  /// `kill -9`, and the end of the process awaited.
  void kill() {
    process
        .destroyForcibly()
        .onExit()
        .orTimeout(Duration.ofSeconds(5).toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS)
        .join();
  }

  @Override
  public void close() {
    kill();
  }
}
