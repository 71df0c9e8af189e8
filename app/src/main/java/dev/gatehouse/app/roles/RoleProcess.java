package dev.gatehouse.app.roles;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.Version;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The life of a process that runs one role: wait for settings, start, say so, drain when told.
///
/// Told means: an order by the pipe from the supervisor, SIGTERM, or the end of that pipe. Draining
/// runs on the main thread, and a thread that waits for nothing but the clock halts the JVM should
/// it take longer than its [Ending] allows; when the pipe ends, the supervisor is gone, and the
/// process is gone less than four seconds later. A role that is still starting has nothing to drain
/// and is halted at once.
public final class RoleProcess {
  private static final Logger log = LoggerFactory.getLogger(RoleProcess.class);
  private final CountDownLatch end = new CountDownLatch(1);

  /// The supervisor is gone.
  private final CountDownLatch orphaned = new CountDownLatch(1);

  private final CountDownLatch closed = new CountDownLatch(1);

  /// Whether a role runs that could drain.
  private volatile boolean started;

  private volatile boolean clean;

  /// How it ends; the first that is told counts.
  private volatile Ending ending = Ending.ALONE;

  private RoleProcess() {}

  /// What the command line says.
  public record Order(String name, String listen, Path data) {}

  /// Runs a role whose orders come from a supervisor through our standard input; returns the exit
  /// code.
  public static int supervised(Role role, Order order, InstantSource clock) throws Exception {
    var pipe = ControlPipe.open(System.in, System.out);
    // What anything prints by mistake goes to the log, not between the events.
    System.setOut(new PrintStream(System.err, true, System.err.charset()));
    var process = new RoleProcess();
    process.watch();
    pipe.onDrain(quiet -> process.end(Ending.ordered(quiet)));
    pipe.end().thenRun(process::orphaned);
    try {
      var settings = pipe.settings().get();
      var secrets =
          new RoleContext.Secrets(
              settings.path("database").asString(), settings.path("secret").asString(""));
      var running = role.start(context(order, secrets, Optional.of(pipe), clock));
      pipe.tell(process.ready(running));
      return process.untilEnd(running);
    } catch (PlainError e) {
      return failed(pipe, "fatal", e.sentence());
    } catch (IOException e) {
      var message = String.valueOf(e.getMessage());
      var inUse = message.toLowerCase(Locale.ROOT).contains("in use");
      return failed(pipe, inUse ? "port-in-use" : "start", message);
    } catch (IllegalStateException e) {
      return failed(pipe, "fatal", String.valueOf(e.getMessage()));
    }
  }

  /// Runs a role by itself, as in a container; its secrets come from the environment.
  public static int alone(Role role, Order order, RoleContext.Secrets secrets, InstantSource clock)
      throws Exception {
    var process = new RoleProcess();
    process.watch();
    try {
      var running = role.start(context(order, secrets, Optional.empty(), clock));
      running.address().ifPresent(address -> log.info("{} listens on {}", order.name, address));
      return process.untilEnd(running);
    } catch (IOException | IllegalStateException e) {
      throw new PlainError(String.valueOf(e.getMessage()));
    }
  }

  private static RoleContext context(
      Order order, RoleContext.Secrets secrets, Optional<ControlPipe> pipe, InstantSource clock) {
    return new RoleContext(
        order.name, order.listen, order.data, secrets, pipe, clock, System::nanoTime);
  }

  private synchronized void end(Ending how) {
    if (end.getCount() > 0) {
      ending = how;
      end.countDown();
    }
  }

  private void orphaned() {
    end(Ending.HURRIED);
    orphaned.countDown();
  }

  private void watch() {
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> {
                  end(Ending.ALONE);
                  if (started && await(closed, ending.longest()) && clean) {
                    // The JVM would end with the signal's number: this end was in order.
                    Runtime.getRuntime().halt(0);
                  }
                }));
    backstop(end, () -> ending.longest());
    backstop(orphaned, Ending.HURRIED::longest);
  }

  /// Halts the JVM when this much time after `told` it is still there.
  private void backstop(CountDownLatch told, Supplier<Duration> longest) {
    Thread.ofPlatform()
        .daemon()
        .name("backstop")
        .start(() -> {
          await(told, Duration.ofDays(100_000));
          if (started && await(closed, longest.get())) {
            return;
          }
          Runtime.getRuntime().halt(started ? 1 : 0);
        });
  }

  private Map<String, Object> ready(Role.Running running) {
    started = true;
    var event = new LinkedHashMap<String, Object>();
    event.put("event", "ready");
    event.put("pid", ProcessHandle.current().pid());
    event.put("version", Version.current());
    running.address().ifPresent(address -> event.put("address", address));
    running.signIn().ifPresent(link -> event.put("signIn", link));
    return event;
  }

  private int untilEnd(Role.Running running) {
    started = true;
    await(end, Duration.ofDays(100_000));
    try {
      running.drain(ending);
      clean = true;
      return 0;
    } finally {
      closed.countDown();
    }
  }

  private static int failed(ControlPipe pipe, String kind, String reason) {
    pipe.tell(Map.of("event", "failed", "kind", kind, "reason", reason));
    return 1;
  }

  private static boolean await(CountDownLatch latch, Duration most) {
    try {
      return latch.await(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
