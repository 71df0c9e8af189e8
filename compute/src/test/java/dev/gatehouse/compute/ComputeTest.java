package dev.gatehouse.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Target;
import dev.gatehouse.testkit.FakeTicker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComputeTest {
  @TempDir Path directory;

  @Test
  void cpu_answers_a_bare_integer() throws Exception {
    try (var compute = start(ComputeSettings.defaults())) {
      var response = get(compute, "/cpu");
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.header("Content-Type")).contains("application/json");
      assertThat(response.header("Cache-Control")).contains("no-store");
      assertThat(response.bodyText()).matches("[0-9]+");
      assertThat(Integer.parseInt(response.bodyText())).isBetween(4_900_000, 5_100_000);
    }
  }

  @Test
  void local_program_answers_the_status_of_the_default_program() throws Exception {
    var seen = new HashSet<Integer>();
    try (var compute = start(ComputeSettings.defaults())) {
      for (int i = 0; i < 50; i++) {
        var response = get(compute, "/local_program");
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.header("Content-Type")).contains("application/json");
        seen.add(Integer.parseInt(response.bodyText()));
      }
    }
    assertThat(seen).allSatisfy(status -> assertThat(status).isBetween(0, 99));
    assertThat(seen.size()).isGreaterThan(10);
  }

  @Test
  void local_program_answers_the_status_of_a_program_of_yours() throws Exception {
    var settings =
        new ComputeSettings(
            64, 1, List.of("/bin/sh", "-c", "exit 77"), Duration.ofSeconds(5), 2, 2);
    try (var compute = start(settings)) {
      assertThat(get(compute, "/local_program").bodyText()).isEqualTo("77");
    }
  }

  @Test
  void once_full_nothing_runs_until_the_next_request() throws Exception {
    try (var compute = start(ComputeSettings.defaults())) {
      await().until(() -> compute.ready() == 64 + ComputeSettings.PROGRAM_BUFFER);
      assertThat(directory.resolve("work/local_program.lock")).doesNotExist();
    }
  }

  @Test
  void a_lock_whose_owner_was_killed_delays_one_run_only() throws Exception {
    try (var compute = start(none())) {
      var lock = directory.resolve("work/local_program.lock");
      Files.writeString(lock, "999999999\n");
      assertThat(get(compute, "/local_program").status()).isEqualTo(200);
      assertThat(lock).doesNotExist();
    }
  }

  @Test
  void a_lock_that_is_held_is_waited_for_and_then_left_alone() throws Exception {
    try (var compute = start(none())) {
      var lock = directory.resolve("work/local_program.lock");
      Files.writeString(lock, ProcessHandle.current().pid() + "\n");
      assertThat(get(compute, "/local_program").status()).isEqualTo(200);
      assertThat(lock).exists();
    }
  }

  /// Time stands still, so it is never quiet after the first request.
  @Test
  void while_requests_come_nothing_is_made_ahead_and_afterwards_the_buffer_fills_up()
      throws Exception {
    var ticker = new FakeTicker();
    try (var compute =
        Compute.start(
            ComputeSettings.defaults(),
            directory.resolve("work"),
            new SplittableRandom(7),
            ticker)) {
      await().until(() -> compute.sumsReady() == 64);
      for (int i = 1; i <= 64; i++) {
        get(compute, "/cpu");
        assertThat(compute.sumsReady()).isEqualTo(64 - i);
      }
      for (int i = 0; i < 200; i++) {
        assertThat(get(compute, "/cpu").status()).isEqualTo(200);
        assertThat(compute.sumsReady()).isZero();
      }
      ticker.advance(Demand.QUIET);
      await().until(() -> compute.sumsReady() == 64);
    }
  }

  @Test
  void the_only_turn_of_the_program_is_never_taken_ahead_of_demand() throws Exception {
    var settings =
        new ComputeSettings(
            64, 1, List.of("/bin/sh", "-c", "exit 77"), Duration.ofSeconds(5), 1, 2);
    try (var compute = start(settings)) {
      assertThat(get(compute, "/local_program").bodyText()).isEqualTo("77");
      await().until(() -> compute.sumsReady() == 64);
      assertThat(compute.ready()).isEqualTo(64);
    }
  }

  /// Runs last until `go` is there; nobody may wait, so two of three turns must be free.
  @Test
  void only_one_turn_of_the_program_is_taken_ahead_of_demand() throws Exception {
    var script = "echo >> started; while [ ! -e go ]; do sleep 0.01; done; exit 77";
    var settings =
        new ComputeSettings(64, 4, List.of("/bin/sh", "-c", script), Duration.ofSeconds(30), 3, 0);
    var started = directory.resolve("work/started");
    try (var compute = start(settings);
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      await().until(() -> compute.sumsReady() == 64);
      await().until(() -> Files.exists(started));
      var first = callers.submit(() -> get(compute, "/local_program").bodyText());
      var second = callers.submit(() -> get(compute, "/local_program").bodyText());
      await().until(() -> Files.readAllLines(started).size() == 3);
      Files.createFile(directory.resolve("work/go"));
      assertThat(first.get()).isEqualTo("77");
      assertThat(second.get()).isEqualTo("77");
    }
  }

  @Test
  void closing_leaves_no_process_and_no_thread() throws Exception {
    var compute = start(ComputeSettings.defaults());
    get(compute, "/local_program");
    compute.close();
    compute.close();
    await().until(() -> ProcessHandle.current().children().findAny().isEmpty());
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("compute-"));
  }

  private static ComputeSettings none() {
    return new ComputeSettings(0, 1, List.of(), Duration.ofSeconds(5), 2, 2);
  }

  private Compute start(ComputeSettings settings) {
    return Compute.start(
        settings, directory.resolve("work"), new SplittableRandom(7), System::nanoTime);
  }

  private static Response get(Compute compute, String path) throws Exception {
    var target = Target.parse(path);
    var found = (Routes.Match.Found) compute.routes().match("GET", target.segments());
    var handler = ((Routes.Target.Blocking) found.route().target()).handler();
    return handler.handle(
        new Request(
            "GET",
            target,
            found.path(),
            Map.of(),
            new byte[0],
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 1),
            Optional.empty(),
            "test"));
  }
}
