package dev.gatehouse.counters;

import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/// The service as tests start it, and what another process would find after a `kill -9`.
final class Service {
  private static final Random RANDOM = new Random();
  private static final AtomicInteger COPIES = new AtomicInteger();

  private Service() {}

  /// On a database that has been migrated.
  static Counters start(
      CounterSettings settings,
      Database database,
      Path journals,
      ScheduledExecutorService scheduler,
      FakeTicker ticker) {
    return start(settings, database, journals, scheduler, ticker, Optional::empty);
  }

  static Counters start(
      CounterSettings settings,
      Database database,
      Path journals,
      ScheduledExecutorService scheduler,
      FakeTicker ticker,
      Supplier<Optional<String>> schema) {
    try {
      return Counters.start(
          settings,
          database,
          journals,
          new Counters.Means(
              scheduler, Executors.newVirtualThreadPerTaskExecutor(), ticker, RANDOM, schema));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The journals as they lie there now.
  static Path killed(Path journals) {
    try {
      var to = Files.createTempDirectory(journals.getParent(), "killed" + COPIES.incrementAndGet());
      try (var files = Files.walk(journals)) {
        for (var file : files.toList()) {
          var copy = to.resolve(journals.relativize(file).toString());
          if (Files.isDirectory(file)) {
            Files.createDirectories(copy);
          } else {
            Files.copy(file, copy);
          }
        }
      }
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
