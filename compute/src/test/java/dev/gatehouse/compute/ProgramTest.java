package dev.gatehouse.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgramTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path directory;

  @Test
  void the_answer_is_the_exit_status_of_the_run() throws Exception {
    try (var program = shell("exit 42", LONG, 1, 0)) {
      assertThat(program.run()).isEqualTo(42);
    }
  }

  @Test
  void arguments_are_data_that_no_shell_looks_at() throws Exception {
    var strange = "$(touch pwned); `touch pwned` > pwned && exit 9 \"' *";
    var command = List.of("/bin/sh", "-c", "test \"$1\" = \"$2\"", "sh", strange, strange);
    try (var program = new Program(command, directory, LONG, 1, 0)) {
      assertThat(program.run()).isZero();
    }
    assertThat(directory.resolve("pwned")).doesNotExist();
  }

  @Test
  void a_run_sees_a_clean_environment_no_input_and_its_own_directory() throws Exception {
    try (var program = shell("env > seen; cat > input; pwd > where", LONG, 1, 0)) {
      assertThat(program.run()).isZero();
    }
    assertThat(Files.readAllLines(directory.resolve("seen")))
        .extracting(line -> line.split("=")[0])
        .isSubsetOf("PATH", "LC_ALL", "PWD", "OLDPWD", "_", "SHLVL")
        .contains("PATH");
    assertThat(directory.resolve("input")).isEmptyFile();
    assertThat(Files.readString(directory.resolve("where")).trim())
        .isEqualTo(directory.toRealPath().toString());
  }

  @Test
  void a_flood_of_output_neither_blocks_nor_is_kept() throws Exception {
    var flood = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; exit 3";
    try (var program = shell(flood, LONG, 1, 0)) {
      assertThat(program.run()).isEqualTo(3);
    }
  }

  @Test
  void a_run_over_its_time_is_504_and_its_grandchildren_are_gone() throws Exception {
    var script =
        "sleep 1000 & echo $! >> pids; (sleep 1001 & echo $! >> pids); echo $$ >> pids; wait";
    try (var program = shell(script, Duration.ofSeconds(1), 1, 0)) {
      assertThat(statusOf(program)).isEqualTo(504);
      assertThat(pids()).hasSize(3);
      await().until(() -> pids().stream().noneMatch(ProgramTest::lives));
      assertThat(program.running()).isZero();
    }
  }

  @Test
  void one_more_than_the_queue_holds_is_503_with_retry_after() throws Exception {
    var go = directory.resolve("go");
    try (var program = shell("while [ ! -e go ]; do sleep 0.01; done; exit 5", LONG, 2, 3);
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new ArrayList<Future<Integer>>();
      for (int i = 0; i < 5; i++) {
        answers.add(callers.submit((Callable<Integer>) program::run));
      }
      await().until(() -> program.running() == 2 && program.waiting() == 3);

      var refused = catchThrowableOfType(Refusal.class, program::run);
      assertThat(refused.problem().status()).isEqualTo(503);
      assertThat(refused.problem().headers()).containsKey("Retry-After");
      assertThat(program.running()).isEqualTo(2);

      Files.createFile(go);
      for (var answer : answers) {
        assertThat(answer.get()).isEqualTo(5);
      }
      assertThat(program.run()).isEqualTo(5);
    }
  }

  @Test
  void a_wait_longer_than_the_time_limit_is_503_and_leaves_the_line() throws Exception {
    try (var program = shell("sleep 1000", Duration.ofMillis(300), 1, 8);
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var statuses = new ArrayList<Future<Integer>>();
      for (int i = 0; i < 4; i++) {
        statuses.add(callers.submit(() -> statusOf(program)));
      }
      for (var status : statuses) {
        assertThat(status.get()).isIn(503, 504);
      }
      assertThat(program.waiting()).isZero();
      assertThat(program.running()).isZero();
    }
  }

  @Test
  void a_program_that_is_not_there_is_503_and_no_status_of_its_own() {
    try (var program = new Program(List.of("/no/such/program"), directory, LONG, 1, 0)) {
      assertThat(statusOf(program)).isEqualTo(503);
    }
  }

  @Test
  void a_program_without_a_slash_is_looked_up() throws Exception {
    try (var program = new Program(List.of("true"), directory, LONG, 1, 0)) {
      assertThat(program.run()).isZero();
    }
    try (var program = new Program(List.of("no-such-program"), directory, LONG, 1, 0)) {
      assertThat(statusOf(program)).isEqualTo(503);
    }
  }

  @Test
  void closing_ends_what_runs_and_what_waits() throws Exception {
    var program = shell("sleep 1000 & echo $! >> pids; wait", LONG, 1, 4);
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var first = callers.submit(() -> statusOf(program));
      await().until(() -> pids().size() == 1);
      var second = callers.submit(() -> statusOf(program));
      await().until(() -> program.waiting() == 1);
      program.close();
      program.close();
      assertThat(first.get()).isEqualTo(503);
      assertThat(second.get()).isEqualTo(503);
      assertThat(statusOf(program)).isEqualTo(503);
      await().until(() -> pids().stream().noneMatch(ProgramTest::lives));
    }
  }

  @Test
  void hundreds_of_runs_leave_no_zombie_and_no_descriptor() throws Exception {
    runMany(500);
  }

  @Test
  @Tag("full")
  void ten_thousand_runs_leave_no_zombie_and_no_descriptor() throws Exception {
    runMany(10_000);
  }

  private void runMany(int runs) throws Exception {
    try (var program = shell("exit 1", LONG, 4, runs);
        var callers = Executors.newFixedThreadPool(8)) {
      program.run();
      long before = descriptors();
      var answers = new ArrayList<Future<Integer>>();
      for (int i = 0; i < runs; i++) {
        answers.add(callers.submit((Callable<Integer>) program::run));
      }
      for (var answer : answers) {
        assertThat(answer.get()).isEqualTo(1);
      }
      await().until(() -> ProcessHandle.current().children().findAny().isEmpty());
      // The test's own threads and files may come and go; a leak would be one a run.
      assertThat(descriptors() - before).isLessThan(20);
      assertThat(program.running()).isZero();
    }
  }

  private Program shell(String script, Duration limit, int concurrency, int queue) {
    return new Program(List.of("/bin/sh", "-c", script), directory, limit, concurrency, queue);
  }

  private static int statusOf(Program program) {
    return catchThrowableOfType(Refusal.class, program::run).problem().status();
  }

  private List<Long> pids() throws IOException {
    var file = directory.resolve("pids");
    return Files.exists(file)
        ? Files.readAllLines(file).stream().map(Long::parseLong).toList()
        : List.of();
  }

  /// Whether a process runs; one that waits for its parent to notice its end does not.
  private static boolean lives(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
    } catch (IOException e) {
      return false;
    }
  }

  private static long descriptors() throws IOException {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }
}
