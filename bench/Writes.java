import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.CoherenceSettings;
import dev.gatehouse.state.coherence.NearCache;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;

/// What telling the other replicas costs a write, with no HTTP around it: so many writers in one
/// process, each with one UPDATE of one of sixteen rows at a time.
///
/// `URL SECRET WRITERS SECONDS`: in turns of a second, plain UPDATEs, and UPDATEs that are noted,
/// told to every replica of the database and answered when all have acknowledged. Plain ones have a
/// connection a writer, the others no more than a storage replica has. Prints a line for each: name,
/// writers, writes/s, p50, p99 and longest in ms.
final class Writes {
  private static final String PLAIN = "UPDATE plain_documents SET body = ? WHERE id = ?";
  private static final String NOTED =
      """
      WITH written AS (UPDATE plain_documents SET body = ? WHERE id = ? RETURNING id)
      SELECT state_note('bench', id, 1) FROM written
      """;

  /// What a storage replica writes by; with more, sixteen writers wait for each other in the server.
  private static final int CONNECTIONS = 6;

  private interface Write {
    void of(String key, String body);
  }

  public static void main(String[] args) throws Exception {
    int writers = Integer.parseInt(args[2]);
    int seconds = Integer.parseInt(args[3]);
    int few = Math.min(writers, CONNECTIONS);
    try (var plain = Database.open(new DatabaseSettings(args[0], writers, "bench-plain"));
        var database = Database.open(new DatabaseSettings(args[0], few, "bench-writes"));
        var coherence =
            Coherence.start(
                CoherenceSettings.DEFAULTS.withoutCaches(),
                database,
                new Coherence.Member("bench-writes", args[1]),
                System::nanoTime,
                new SecureRandom())) {
      var cache = coherence.<String>cache("bench", 1 << 20, String::length);
      var ways =
          Map.<String, Write>of(
              "update",
              (key, body) -> plain.with(handle -> handle.execute(PLAIN, body, key)),
              "told",
              (key, body) ->
                  cache.change(
                      key,
                      () ->
                          new NearCache.Written<>(
                              true,
                              database.with(handle ->
                                  handle.select(NOTED, body, key).mapTo(Long.class).one()),
                              1)));
      ways.values().forEach(way -> turn(way, writers, 4_000));
      for (var name : new String[] {"update", "told"}) {
        var took = new ArrayList<long[]>();
        for (int second = 0; second < seconds; second++) {
          took.add(turn(ways.get(name), writers, 1_000));
        }
        var sorted = took.stream().flatMapToLong(LongStream::of).sorted().toArray();
        System.out.printf(
            "%s %d %.0f %.2f %.2f %.2f 0%n",
            name,
            writers,
            (double) sorted.length / seconds,
            sorted[sorted.length / 2] / 1e6,
            sorted[(int) (sorted.length * 0.99)] / 1e6,
            sorted[sorted.length - 1] / 1e6);
      }
    }
    System.exit(0);
  }

  private static long[] turn(Write way, int writers, long millis) {
    var each = new long[writers][];
    var threads = new ArrayList<Thread>();
    long end = System.nanoTime() + millis * 1_000_000;
    for (int writer = 0; writer < writers; writer++) {
      int mine = writer;
      threads.add(Thread.ofVirtual().start(() -> each[mine] = write(way, end)));
    }
    threads.forEach(Writes::join);
    return Arrays.stream(each).flatMapToLong(Arrays::stream).toArray();
  }

  private static long[] write(Write way, long end) {
    var took = LongStream.builder();
    for (long now = System.nanoTime(); now < end; ) {
      long began = now;
      way.of("/data/bench/d" + ThreadLocalRandom.current().nextInt(16), Long.toString(began));
      now = System.nanoTime();
      took.add(now - began);
    }
    return took.build().toArray();
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
