package dev.gatehouse.acceptance;

import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/// What tests do to processes, each by its id.
final class Processes {
  private Processes() {}

  /// @param name such as `STOP`
  static void signal(ProcessHandle process, String name) {
    signal(List.of(process), name);
  }

  static void signal(List<ProcessHandle> processes, String name) {
    try {
      for (var process : processes) {
        var pid = Long.toString(process.pid());
        new ProcessBuilder("kill", "-" + name, pid).start().onExit().join();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// With SIGKILL, in the middle of what it does; returns when it is dead.
  static void kill(ProcessHandle victim) {
    victim.destroyForcibly();
    await().until(() -> !ProgramUnderTest.isRunning(victim));
  }

  /// A time that has to pass is a condition like any other.
  static void elapse(Duration time) {
    long begun = System.nanoTime();
    BooleanSupplier over = () -> System.nanoTime() - begun >= time.toNanos();
    await().atMost(time.multipliedBy(10)).until(over::getAsBoolean);
  }
}
