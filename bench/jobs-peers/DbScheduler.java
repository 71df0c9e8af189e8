import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// db-scheduler for bench/jobs, with lock-and-fetch between 1.0 and 4.0 times its 10 threads. `JDBC-URL migrate`,
/// `fill N`, `drain N`, `idle N` (it hears at once only of jobs of its own process).
class DbScheduler {
  static final AtomicInteger ran = new AtomicInteger();
  static final List<Long> took = Collections.synchronizedList(new ArrayList<>());
  static volatile CountDownLatch all = new CountDownLatch(0);

  public static void main(String[] args) throws Exception {
    var config = new HikariConfig();
    config.setJdbcUrl(args[0]);
    config.setMaximumPoolSize(12);
    try (var pool = new HikariDataSource(config)) {
      int n = args.length > 2 ? Integer.parseInt(args[2]) : 0;
      switch (args[1]) {
        case "migrate" -> migrate(pool);
        case "fill" -> fill(pool, n);
        case "drain" -> drain(pool, n);
        case "idle" -> idle(pool, n);
        default -> throw new IllegalArgumentException(args[1]);
      }
    }
    System.exit(0);
  }

  static final OneTimeTask<Void> NOOP =
      Tasks.oneTime("noop", Void.class).execute((instance, context) -> ran.incrementAndGet());

  static final OneTimeTask<String> PROBE =
      Tasks.oneTime("probe", String.class)
          .execute(
              (instance, context) -> {
                took.add(micros() - Long.parseLong(instance.getData()));
                all.countDown();
              });

  /// The table and indexes of its documentation for PostgreSQL.
  static void migrate(HikariDataSource pool) throws Exception {
    try (var connection = pool.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          """
          create table scheduled_tasks (
            task_name text not null, task_instance text not null, task_data bytea,
            execution_time timestamp with time zone not null, picked boolean not null,
            picked_by text, last_success timestamp with time zone,
            last_failure timestamp with time zone, consecutive_failures int,
            last_heartbeat timestamp with time zone, version bigint not null, priority smallint,
            primary key (task_name, task_instance));
          create index execution_time_idx on scheduled_tasks (execution_time);
          create index last_heartbeat_idx on scheduled_tasks (last_heartbeat);
          create index priority_execution_time_idx on scheduled_tasks (priority desc, execution_time asc)
          """);
    }
  }

  static void fill(HikariDataSource pool, int n) {
    var client = SchedulerClient.Builder.create(pool).build();
    long began = System.nanoTime();
    for (int from = 0; from < n; from += 1000) {
      var batch = new ArrayList<TaskInstance<?>>();
      for (int i = from; i < Math.min(from + 1000, n); i++) {
        batch.add(NOOP.instance(Integer.toString(i)));
      }
      client.scheduleBatch(batch, Instant.now());
    }
    System.out.printf("%.3f%n", (System.nanoTime() - began) / 1e9);
  }

  static Scheduler scheduler(HikariDataSource pool) {
    return Scheduler.create(pool, NOOP, PROBE)
        .threads(10)
        .pollUsingLockAndFetch(1.0, 4.0)
        .pollingInterval(Duration.ofSeconds(1))
        .enableImmediateExecution()
        .build();
  }

  static void drain(HikariDataSource pool, int n) throws Exception {
    var scheduler = scheduler(pool);
    long began = System.nanoTime();
    scheduler.start();
    while (ran.get() < n || open(pool)) {
      LockSupport.parkNanos(5_000_000);
    }
    System.out.printf("%.3f %.2f%n", (System.nanoTime() - began) / 1e9, cpu());
    scheduler.stop();
  }

  static double cpu() {
    return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis() / 1e3;
  }

  static boolean open(HikariDataSource pool) throws Exception {
    try (var connection = pool.getConnection();
        var statement = connection.createStatement();
        var row = statement.executeQuery("select exists (select from scheduled_tasks)")) {
      row.next();
      return row.getBoolean(1);
    }
  }

  static long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
  }

  static void idle(HikariDataSource pool, int n) throws Exception {
    all = new CountDownLatch(n);
    var scheduler = scheduler(pool);
    scheduler.start();
    LockSupport.parkNanos(1_000_000_000);
    for (int i = 0; i < n; i++) {
      scheduler.schedule(
          PROBE.instance("probe-" + i, Long.toString(micros())), Instant.now());
      LockSupport.parkNanos(20_000_000);
    }
    all.await();
    took.subList(0, n / 2).clear(); // the warm-up
    Collections.sort(took);
    System.out.printf(
        "%d %d%n", took.get(took.size() / 2), took.get((int) Math.ceil(took.size() * 0.99) - 1));
    scheduler.stop();
  }
}
