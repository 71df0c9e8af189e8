package dev.gatehouse.compute;

import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator.SplittableGenerator;

/// The compute service, running: two buffers that fill themselves in the background.
///
/// Starting is cheap: it writes the default program and starts the producers, no value is waited
/// for. Once the buffers are full nothing runs until the next request.
public final class Compute implements AutoCloseable {
  private final Ahead<Integer> sums;
  private final Ahead<Integer> statuses;
  private final Program program;
  private final Demand demand;

  private Compute(ComputeSettings settings, Program program, CpuSum sum, Demand demand) {
    this.program = program;
    this.demand = demand;
    this.sums =
        Ahead.start(
            "sums",
            settings.buffer(),
            settings.producers(),
            producers("compute-sums-"),
            () -> sum.computePolitely(demand::awaitQuiet),
            sum::compute);
    this.statuses =
        Ahead.start(
            "exit statuses",
            Math.min(settings.buffer(), ComputeSettings.PROGRAM_BUFFER),
            // One, so that no request waits for more than one early run; none where it would take
            // the only turn.
            Math.min(1, settings.concurrency() - 1),
            producers("compute-program-"),
            () -> {
              demand.awaitQuiet();
              return program.runAhead();
            },
            program::run);
  }

  /// Starts the service.
  ///
  /// @param directory where programs run, and where the default one is written; made if it is not
  ///   there
  /// @param random what the sums' generators are split off
  /// @param nanos monotonic nanoseconds, as of [System#nanoTime]
  /// @throws UncheckedIOException when the directory cannot be written
  public static Compute start(
      ComputeSettings settings, Path directory, SplittableGenerator random, LongSupplier nanos) {
    var home = directory.toAbsolutePath();
    try {
      Files.createDirectories(home);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + home + ": " + e.getMessage(), e);
    }
    var command = settings.command().isEmpty() ? DefaultProgram.install(home) : settings.command();
    var program =
        new Program(command, home, settings.timeLimit(), settings.concurrency(), settings.queue());
    return new Compute(settings, program, new CpuSum(random), new Demand(nanos));
  }

  public Routes routes() {
    return Routes.builder().get("/cpu", this::cpu).get("/local_program", this::program).build();
  }

  /// Ends the producers and every running program. Harmless twice.
  @Override
  public void close() {
    program.close();
    sums.close();
    statuses.close();
  }

  /// Values that are ready, by what they are.
  public Map<String, Integer> stocked() {
    return Map.of("sum", sums.ready(), "exit-status", statuses.ready());
  }

  /// Programs that run now.
  public int running() {
    return program.running();
  }

  int sumsReady() {
    return sums.ready();
  }

  int ready() {
    return sums.ready() + statuses.ready();
  }

  private Response cpu(Request request) throws InterruptedException {
    demand.came();
    return value(sums.take());
  }

  private Response program(Request request) throws InterruptedException {
    demand.came();
    return value(statuses.take());
  }

  /// A bare integer that no cache may keep: it is served once.
  private static Response value(int value) {
    return Response.json(200, value).with("Cache-Control", "no-store");
  }

  private static ThreadFactory producers(String prefix) {
    return Thread.ofPlatform().daemon().priority(Thread.MIN_PRIORITY).name(prefix, 0).factory();
  }
}
