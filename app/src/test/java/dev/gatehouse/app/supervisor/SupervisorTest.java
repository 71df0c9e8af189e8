package dev.gatehouse.app.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.app.PlainError;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SupervisorTest {
  @TempDir private Path directory;
  private final List<Process> processes = new ArrayList<>();
  private final List<ProcessId> children = new ArrayList<>();

  @AfterEach
  void endWhatIsLeft() {
    processes.forEach(Process::destroyForcibly);
    children.forEach(child -> child.alive().ifPresent(ProcessHandle::destroyForcibly));
  }

  @Test
  void children_end_within_five_seconds_of_a_killed_supervisor() throws Exception {
    var supervisor = startProcess("steady");

    supervisor.destroyForcibly();

    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(children).noneMatch(SupervisorTest::runs));
  }

  @Test
  void children_that_cannot_drain_end_within_five_seconds_all_the_same() throws Exception {
    var supervisor = startProcess("stubborn");

    supervisor.destroyForcibly();

    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(children).noneMatch(SupervisorTest::runs));
  }

  @Test
  void a_stopped_child_of_a_killed_supervisor_ends_when_it_wakes() throws Exception {
    var supervisor = startProcess("steady");
    signal("STOP", children.getFirst());

    supervisor.destroyForcibly();
    await().untilAsserted(() -> assertThat(runs(children.getLast())).isFalse());
    assertThat(runs(children.getFirst())).isTrue();
    signal("CONT", children.getFirst());

    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(runs(children.getFirst())).isFalse());
  }

  @Test
  void the_next_start_ends_stopped_leftovers_and_nobody_else() throws Exception {
    var supervisor = startProcess("steady");
    var leftover = children.getFirst();
    signal("STOP", leftover);
    supervisor.destroyForcibly();
    supervisor.waitFor();
    var file = directory.resolve("run/children.json");
    var innocent = new ProcessBuilder("sleep", "600").start();
    processes.add(innocent);
    // A pid that was used again: the same number, another start.
    Files.writeString(
        file,
        Files.readString(file)
            .replaceFirst("\\]$", ",{\"pid\":" + innocent.pid() + ",\"started\":\"another\"}]"));

    new Leftovers(directory.resolve("run"), Duration.ofMillis(300)).end();

    assertThat(runs(leftover)).isFalse();
    assertThat(innocent.isAlive()).isTrue();
  }

  @Test
  void sigterm_drains_every_child() throws Exception {
    var supervisor = startProcess("steady");

    supervisor.destroy();

    assertThat(supervisor.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    assertThat(children).noneMatch(SupervisorTest::runs);
    assertThat(Files.readAllLines(directory.resolve("diary")))
        .contains("storage-1 drained", "storage-2 drained");
  }

  @Test
  void a_second_assembly_in_the_same_directory_is_refused_in_one_sentence() {
    try (var first = DataDir.lock(directory)) {
      assertThatThrownBy(() -> DataDir.lock(first.path()))
          .isInstanceOf(PlainError.class)
          .hasMessageStartingWith("An assembly is already running in ");
    }
    DataDir.lock(directory).close();
  }

  @Test
  void commands_reach_the_assembly_through_its_directory() throws Exception {
    try (var supervisor = begin(directory)) {
      supervisor.start();

      ControlClient.ask(directory, Map.of("do", "scale", "name", "storage", "count", 1));

      var replicas = ControlClient.ask(directory, Map.of("do", "status")).path("replicas");
      assertThat(replicas.get(0).path("state").asString()).isEqualTo("up");
      assertThat(replicas.get(1).path("state").asString()).isEqualTo("down");
      assertThatThrownBy(() -> ControlClient.ask(directory, Map.of("do", "stop", "name", "nobody")))
          .isInstanceOf(PlainError.class)
          .hasMessageStartingWith("There is no replica or service nobody");
      assertThat(Files.getPosixFilePermissions(directory.resolve("run/supervisor.sock")))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      assertThat(Files.getPosixFilePermissions(directory.resolve("run")))
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }
    assertThatThrownBy(() -> ControlClient.ask(directory, Map.of("do", "status")))
        .hasMessageStartingWith("No assembly is running in ");
  }

  @Test
  void a_directory_with_a_path_too_long_for_a_socket_works_too() throws Exception {
    var deep = Files.createDirectories(directory.resolve("d".repeat(120)));
    try (var supervisor = begin(deep)) {
      supervisor.start();

      assertThat(ControlClient.ask(deep, Map.of("do", "status")).path("replicas").size())
          .isEqualTo(2);
    }
    assertThat(deep.resolve("run/supervisor.path")).doesNotExist();
  }

  private static Supervisor begin(Path data) throws InterruptedException {
    var clock = InstantSource.system();
    return Supervisor.begin(
        DataDir.lock(data),
        TestSupervisor.plan(data, "steady"),
        JavaCommand.ofThisProcess(TestChild.class.getName(), Optional.empty()),
        new Output(new PrintStream(new ByteArrayOutputStream()), false, clock, Optional.empty()),
        clock,
        System::nanoTime,
        TestSupervisor.QUICK);
  }

  /// A supervisor in a process of its own; `children` are its children then.
  private Process startProcess(String behaviour) throws IOException {
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx48m",
                "-cp",
                System.getProperty("java.class.path"),
                TestSupervisor.class.getName(),
                directory.toString(),
                behaviour)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    processes.add(process);
    var reader =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    var line = reader.readLine();
    assertThat(line).startsWith("ready ");
    for (var pid : line.substring("ready ".length()).split(" ")) {
      children.add(ProcessId.of(Long.parseLong(pid)).orElseThrow());
    }
    return process;
  }

  /// A process that ended and that nobody has waited for yet does not run.
  private static boolean runs(ProcessId child) {
    return child.alive().isPresent();
  }

  private static void signal(String name, ProcessId process)
      throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }
}
