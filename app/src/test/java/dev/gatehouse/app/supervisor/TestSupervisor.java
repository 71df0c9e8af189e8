package dev.gatehouse.app.supervisor;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A supervisor in a process of its own, so that a test can kill it: `DATA BEHAVIOUR`. It prints
/// `ready` and the pids of its children, and stops on SIGTERM.
public final class TestSupervisor {
  private TestSupervisor() {}

  public static void main(String[] args) throws Exception {
    var data = Path.of(args[0]);
    var clock = InstantSource.system();
    var supervisor =
        Supervisor.begin(
            DataDir.lock(data),
            plan(data, args[1]),
            JavaCommand.ofThisProcess(TestChild.class.getName(), Optional.empty()),
            new Output(System.err, false, clock, Optional.empty()),
            clock,
            System::nanoTime);
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(supervisor::close));
    var pids = new StringBuilder("ready");
    for (var replica : supervisor.start().replicas()) {
      pids.append(' ').append(replica.pid().orElseThrow());
    }
    System.out.println(pids);
    supervisor.await();
  }

  static Plan plan(Path data, String behaviour) {
    return new Plan(
        List.of(
            new ServiceSpec(
                "storage",
                2,
                false,
                true,
                List.of(behaviour, data.resolve("diary").toString()),
                new ServiceSpec.Jvm(32, 8, true, false, 4),
                1)),
        "127.0.0.1",
        0,
        new Plan.DatabasePlan.Given("postgres://x", () -> 100),
        Map.of(),
        Map.of("secret", "s"));
  }

  static final Fleet.Patience QUICK =
      new Fleet.Patience(
          Duration.ofMillis(10),
          Duration.ofSeconds(2),
          Duration.ofSeconds(2),
          Duration.ofMinutes(10));
}
