import dev.gatehouse.jobs.Completion;
import dev.gatehouse.jobs.Host;
import dev.gatehouse.jobs.NewJob;
import dev.gatehouse.jobs.Queue;
import dev.gatehouse.jobs.QueueSettings;
import dev.gatehouse.jobs.Worker;
import dev.gatehouse.jobs.WorkerSettings;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.Migrations;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Gatehouse's queue for bench/jobs. `URL migrate`, `URL fill N`, `URL drain N`, `URL listen N`,
/// `URL send N`; results on standard output.
class Ours {
  public static void main(String[] args) throws Exception {
    try (var database = Database.open(new DatabaseSettings(args[0], 4, "bench"))) {
      int n = args.length > 2 ? Integer.parseInt(args[2]) : 0;
      switch (args[1]) {
        case "migrate" -> Migrations.apply(database);
        case "fill" -> fill(database, n);
        case "drain" -> drain(database, n);
        case "listen" -> listen(database, n);
        case "send" -> send(database, n);
        default -> throw new IllegalArgumentException(args[1]);
      }
    }
    System.exit(0);
  }

  static QueueSettings settings() {
    return QueueSettings.named("bench");
  }

  static Host host() {
    return new Host(System::nanoTime, new Random(1), () -> Runtime.getRuntime().halt(70));
  }

  static void fill(Database database, int n) {
    var queue = new Queue(database, settings());
    long began = System.nanoTime();
    for (int done = 0; done < n; done += 1000) {
      queue.enqueueAll(Collections.nCopies(Math.min(1000, n - done), NewJob.of("noop", "{}")));
    }
    System.out.printf("%.3f%n", (System.nanoTime() - began) / 1e9);
  }

  static void drain(Database database, int n) throws Exception {
    var ran = new AtomicInteger();
    long began = System.nanoTime();
    try (var worker =
        Worker.start(
            database,
            settings(),
            Map.of(
                "noop",
                job -> {
                  ran.incrementAndGet();
                  return Completion.done();
                }),
            WorkerSettings.named("bench").withConcurrency(10),
            host())) {
      while (ran.get() < n || open(database)) {
        LockSupport.parkNanos(5_000_000);
      }
      System.out.printf("%.3f %.2f%n", (System.nanoTime() - began) / 1e9, cpu());
    }
  }

  static double cpu() {
    return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis() / 1e3;
  }

  static boolean open(Database database) {
    return database.with(
        handle -> handle.createQuery("SELECT EXISTS (SELECT FROM jobs)").mapTo(Boolean.class).one());
  }

  static long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
  }

  static void listen(Database database, int n) throws Exception {
    List<Long> took = Collections.synchronizedList(new ArrayList<>());
    var all = new CountDownLatch(n);
    try (var worker =
        Worker.start(
            database,
            settings(),
            Map.of(
                "probe",
                job -> {
                  long now = micros();
                  took.add(now - Long.parseLong(job.payload()));
                  all.countDown();
                  return Completion.done();
                }),
            WorkerSettings.named("bench").withConcurrency(10),
            host())) {
      System.err.println("ready");
      all.await();
    }
    took.subList(0, n / 2).clear(); // the warm-up
    Collections.sort(took);
    System.out.printf(
        "%d %d%n", took.get(took.size() / 2), took.get((int) Math.ceil(took.size() * 0.99) - 1));
  }

  static void send(Database database, int n) {
    var queue = new Queue(database, settings());
    for (int i = 0; i < n; i++) {
      queue.enqueue("probe", Long.toString(micros()));
      LockSupport.parkNanos(20_000_000);
    }
  }
}
