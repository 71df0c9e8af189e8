package dev.gatehouse.compute;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// The program that ships with Gatehouse, a shell script; what it does is said at its top.
final class DefaultProgram {
  private static final String SCRIPT = "local_program.sh";

  /// How long a run waits for the lock of another before it goes on without.
  private static final Duration LOCK_WAIT = Duration.ofMillis(50);

  private DefaultProgram() {}

  /// Writes the script into the directory and says how to run it.
  ///
  /// It is given to `/bin/sh` by name, so that it also runs where files may not be executed.
  static List<String> install(Path directory) {
    var script = directory.resolve(SCRIPT);
    var lock = directory.resolve("local_program.lock");
    try (var in = DefaultProgram.class.getResourceAsStream(SCRIPT)) {
      if (in == null) {
        throw new IllegalStateException(SCRIPT + " is missing from this build");
      }
      Files.write(script, in.readAllBytes());
      Files.deleteIfExists(lock);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + script + ": " + e.getMessage(), e);
    }
    return List.of(
        "/bin/sh", script.toString(), lock.toString(), Long.toString(LOCK_WAIT.toMillis()));
  }
}
