package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.ChildMain;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.ListenConfig;
import dev.gatehouse.app.config.PathPattern;
import dev.gatehouse.app.logs.LogBook;
import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.app.supervisor.DataDir;
import dev.gatehouse.app.supervisor.JavaCommand;
import dev.gatehouse.app.supervisor.Output;
import dev.gatehouse.app.supervisor.ReplicaStatus;
import dev.gatehouse.app.supervisor.StartCache;
import dev.gatehouse.app.supervisor.Supervisor;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/// `gatehouse up`: runs an assembly in the foreground until it is told to stop.
final class Up {
  private static final String CHILD = ChildMain.class.getName();

  private Up() {}

  static int run(Optional<Path> file, Optional<Path> chosenData) throws InterruptedException {
    var clock = InstantSource.system();
    var loaded = Assembly.load(file, chosenData);
    var config = loaded.config();
    LogSetup.level(config.log().level().name());
    var data = DataDir.lock(Assembly.data(config));
    var book = new LogBook(LogBook.in(data.path()), config.log().keep(), clock);
    LogSetup.alsoInto(book);
    var takeover = Takeover.prepare(loaded, data);
    var cache =
        StartCache.find(data.path(), System.getProperty("java.class.path"), System.getenv());
    var usable = cache.flatMap(StartCache::usable);
    var supervisor =
        Supervisor.begin(
            data,
            Assembly.plan(config, new SecureRandom()),
            JavaCommand.ofThisProcess(CHILD, usable),
            new Output(
                System.err,
                "json".equals(System.getenv("GATEHOUSE_LOG")),
                clock,
                Optional.of(book)),
            clock,
            System::nanoTime);
    var failed = new AtomicBoolean(true);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform().name("stop").unstarted(() -> stop(supervisor, failed)));
    var report = supervisor.start();
    failed.set(false);
    System.out.println(text(report, config, sinceJvmStart(clock)));
    if (usable.isEmpty()) {
      cache.ifPresent(missing ->
          supervisor.makeStartCache(
              missing,
              JavaCommand.ofThisProcess(CHILD, Optional.empty()),
              Assembly.rehearsal(config)));
    }
    takeover.begin(supervisor);
    supervisor.await();
    return 0;
  }

  /// Runs on SIGTERM, SIGINT, and when `up` fails. An orderly stop is a success, so it ends with 0.
  private static void stop(Supervisor supervisor, AtomicBoolean failed) {
    if (failed.get()) {
      supervisor.close();
      return;
    }
    LoggerFactory.getLogger(Up.class)
        .info("stopping: the edge first, then workers, counters, storage, and PostgreSQL");
    supervisor.close();
    Runtime.getRuntime().halt(0);
  }

  private static Duration sinceJvmStart(InstantSource clock) {
    Instant now = clock.instant();
    return Duration.between(ProcessHandle.current().info().startInstant().orElse(now), now);
  }

  private static String text(Supervisor.Report report, Config config, Duration took) {
    var rows = new ArrayList<Table.Row>();
    rows.add(Table.Row.of("supervisor", "up", ProcessHandle.current().pid(), "", ""));
    report
        .databasePid()
        .ifPresent(pid ->
            rows.add(Table.Row.of("postgres", "up", pid, "", started(report.databaseMillis()))));
    for (ReplicaStatus replica : report.replicas()) {
      rows.add(
          Table.Row.of(
              replica.id(),
              replica.state().word(),
              replica.pid().orElse(0L),
              replica.address().orElse(""),
              started(replica.startMillis())));
    }
    return Table.of(rows)
        + "\nready in "
        + String.format(Locale.ROOT, "%.1f", took.toMillis() / 1000.0)
        + " s; state is in "
        + config.data()
        + "\nlistening: "
        + config.edge().listen().stream().map(Up::door).collect(Collectors.joining("; "))
        + "; admin on "
        + config.admin().listen()
        + report.signIn().map(link -> "\nconsole: " + link).stream().collect(Collectors.joining());
  }

  private static String door(ListenConfig listener) {
    var only = listener.only().stream().map(PathPattern::text).collect(Collectors.joining(", "));
    return listener.name()
        + " on "
        + listener.address()
        + (only.isEmpty() ? "" : " (only " + only + ")")
        + (listener.proxyProtocol() ? " (PROXY protocol)" : "");
  }

  private static String started(long millis) {
    return "started in " + millis + " ms";
  }
}
