package dev.gatehouse.state;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// Short-lived helper programs: run one, wait for it, keep what it said.
final class Shell {
  private Shell() {}

  /// How a program ended, with standard output and standard error together.
  record Result(int status, String output) {
    boolean ok() {
      return status == 0;
    }
  }

  static Result run(Path directory, List<String> command, String input) {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.directory(directory.toFile());
    bareEnvironment(builder);
    try {
      Process process = builder.start();
      // What we write is far smaller than a pipe's buffer, so this cannot block on our own reading.
      try (var stdin = process.getOutputStream()) {
        stdin.write(input.getBytes(StandardCharsets.UTF_8));
      } catch (IOException closedEarly) {
        // The program ended before it read its input; its status and output say why.
      }
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), output);
    } catch (IOException missing) {
      return new Result(127, String.valueOf(missing.getMessage()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new java.io.InterruptedIOException());
    }
  }

  /// Nothing of our environment reaches the server: `PGPORT`, `PGDATA` and the like would steer it.
  static void bareEnvironment(ProcessBuilder builder) {
    var environment = builder.environment();
    String path = environment.getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.clear();
    environment.put("PATH", path);
    environment.put("LC_ALL", "C");
    environment.put("TZ", "UTC");
  }
}
