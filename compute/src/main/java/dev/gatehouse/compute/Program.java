package dev.gatehouse.compute;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs one configured command and tells its exit status (128 plus the signal's number when a
/// signal ended it).
///
/// The command is started without a shell, with a clean environment, nothing on its input and its
/// output thrown away unread, so that a chatty program neither blocks nor costs memory, and no pipe
/// is held open by what it leaves behind. The JVM's own reaper thread waits for every child.
///
/// **Concurrency.** `turns` (fair) counts the runs that may start; `waiting` bounds the requests in
/// line. The one producer stands in the same line but is not counted, so a request has at most one
/// early run before it. A run is not ended for a request's sake: it is somebody's program.
/// `running` holds every live child, so that [#close] can end them; a child is added before
/// `closed` is looked at again, therefore none slips through.
final class Program implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Program.class);
  private static final String PATH = "/usr/local/bin:/usr/bin:/bin";
  private static final Map<String, String> ENVIRONMENT = Map.of("PATH", PATH, "LC_ALL", "C");

  private final List<String> command;
  private final Path directory;
  private final Duration timeLimit;
  private final int queue;
  private final Semaphore turns;
  private final AtomicInteger waiting = new AtomicInteger();
  private final Set<Process> running = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  Program(List<String> command, Path directory, Duration timeLimit, int concurrency, int queue) {
    this.command = List.copyOf(command);
    this.directory = directory;
    this.timeLimit = timeLimit;
    this.queue = queue;
    this.turns = new Semaphore(concurrency, true);
  }

  /// One run for a request.
  ///
  /// @throws Refusal 503 when too many wait already, when the wait took longer than the time limit,
  ///   when the command cannot be started or after [#close]; 504 when the run took longer than the
  ///   time limit
  int run() throws InterruptedException {
    if (!turns.tryAcquire(0, TimeUnit.NANOSECONDS)) {
      waitForTurn();
    }
    return runInTurn();
  }

  /// One run that nobody waits for: it takes any place in line without counting.
  int runAhead() throws InterruptedException {
    turns.acquire();
    return runInTurn();
  }

  int waiting() {
    return waiting.get();
  }

  int running() {
    return running.size();
  }

  /// Ends what is running, its descendants too, and starts nothing more. Harmless twice.
  @Override
  public void close() {
    closed = true;
    running.forEach(Offspring::kill);
  }

  private void waitForTurn() throws InterruptedException {
    if (waiting.incrementAndGet() > queue) {
      waiting.decrementAndGet();
      throw Problem.unavailable("Too many requests wait for the program already.", 1).refusal();
    }
    try {
      if (!turns.tryAcquire(timeLimit.toNanos(), TimeUnit.NANOSECONDS)) {
        throw Problem.unavailable("The program had no turn for this request in time.", 1).refusal();
      }
    } finally {
      waiting.decrementAndGet();
    }
  }

  /// Gives the turn back, whatever happens.
  private int runInTurn() throws InterruptedException {
    try {
      refuseWhenClosed();
      return await(start());
    } finally {
      turns.release();
    }
  }

  private Process start() {
    requireProgram();
    var builder = new ProcessBuilder(Offspring.inSessionOfItsOwn(command));
    builder.environment().clear();
    builder.environment().putAll(ENVIRONMENT);
    builder.directory(directory.toFile());
    builder.redirectInput(new File("/dev/null"));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      return builder.start();
    } catch (IOException e) {
      throw notStarted(String.valueOf(e.getMessage()));
    }
  }

  /// Whoever starts the command (`setsid`) would report a missing one as an exit status of its own.
  private void requireProgram() {
    var name = command.getFirst();
    var places = name.contains("/") ? List.of("") : List.of(PATH.split(":"));
    for (var place : places) {
      if (Files.isExecutable(directory.resolve(place).resolve(name))) {
        return;
      }
    }
    throw notStarted(name + " is not there or not executable");
  }

  private static Refusal notStarted(String why) {
    log.error("the program cannot be started: {}; the request gets 503", why);
    return Problem.unavailable("The program cannot be started.", 5)
        .hint("The log says why; compute.command in the configuration names the program.")
        .refusal();
  }

  private int await(Process process) throws InterruptedException {
    running.add(process);
    boolean ended = false;
    try {
      refuseWhenClosed();
      ended = process.waitFor(timeLimit.toNanos(), TimeUnit.NANOSECONDS);
      if (!ended) {
        throw Problem.timedOut(
                "The program took longer than its " + timeLimit.toMillis() + " ms and was ended.")
            .refusal();
      }
      refuseWhenClosed();
      return process.exitValue();
    } finally {
      if (!ended) {
        Offspring.kill(process);
      }
      running.remove(process);
    }
  }

  private void refuseWhenClosed() {
    if (closed) {
      throw Problem.unavailable("The service is closing.", 1).refusal();
    }
  }
}
