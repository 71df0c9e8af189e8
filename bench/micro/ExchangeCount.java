package dev.gatehouse.observe;

import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;

/// What the metrics of one exchange cost the event loop that carried it: all that a request pays for
/// being measured, since every other metric is read when somebody scrapes.
///
/// The durations are spread as those of requests are, around a third of a millisecond, so that the
/// histogram's buckets are not always the same one; the exemplars of one in 64 are in the figure.
/// The bound is 3 % of the CPU of a proxied GET, some 15 us: 450 ns.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ExchangeCount {
  /// The series of one endpoint, which all event loops share.
  @State(Scope.Benchmark)
  public static class Shared {
    private final EndpointMetrics series = new Metrics().endpoint("meli");
  }

  /// The durations that one event loop meets, drawn beforehand.
  @State(Scope.Thread)
  public static class Loop {
    private final long[] durations = new long[4096];
    private int next;

    public Loop() {
      var random = new SplittableRandom(1);
      for (int i = 0; i < durations.length; i++) {
        durations[i] = 50_000 + (long) (-Math.log(1 - random.nextDouble()) * 300_000);
      }
    }

    long duration() {
      return durations[next++ & durations.length - 1];
    }
  }

  @Benchmark
  @Threads(1)
  public void oneLoop(Shared shared, Loop loop) {
    count(shared, loop);
  }

  @Benchmark
  @Threads(2)
  public void twoLoops(Shared shared, Loop loop) {
    count(shared, loop);
  }

  private static void count(Shared shared, Loop loop) {
    shared.series.request(
        "GET", 200, loop.duration(), "0198a1b2c3d4e5f60718293a4b5c6d7e", Optional.empty());
  }
}
