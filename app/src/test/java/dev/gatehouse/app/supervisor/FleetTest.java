package dev.gatehouse.app.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.supervisor.ReplicaStatus.State;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FleetTest {
  private static final Fleet.Patience PATIENCE =
      new Fleet.Patience(
          Duration.ofSeconds(5),
          Duration.ofSeconds(2),
          Duration.ofSeconds(2),
          Duration.ofMinutes(10));

  @TempDir private Path directory;
  private Optional<Fleet> fleet = Optional.empty();

  @AfterEach
  void stop() {
    fleet.ifPresent(Fleet::close);
  }

  @Test
  void every_child_is_told_the_settings_and_the_list_says_when_all_are_up() throws Exception {
    var running = start(0, entrance(), service("storage", "steady", 2, 1));

    assertThat(running.status())
        .extracting(ReplicaStatus::id)
        .containsExactly("edge", "storage-1", "storage-2");
    assertThat(diary()).contains("edge started postgres://x", "storage-1 started postgres://x");
    await().untilAsserted(() -> assertThat(diary()).contains("told storage-2 up"));
  }

  @Test
  void a_child_that_ends_is_started_again() throws Exception {
    var running = start(0, entrance(), service("storage", "steady", 1, 1));
    var first = pid(running, "storage-1");

    ProcessHandle.of(first).orElseThrow().destroyForcibly();

    await()
        .untilAsserted(() -> {
          assertThat(pid(running, "storage-1")).isNotEqualTo(first);
          assertThat(state(running, "storage-1")).isEqualTo(State.UP);
        });
    assertThat(diary()).contains("told storage-1 down");
  }

  @Test
  void a_crash_loop_is_listed_with_its_reason_and_holds_up_nobody_else() throws Exception {
    var running = begin(0, service("storage", "steady", 1, 1), service("broken", "crash", 1, 2));

    running.start();

    await()
        .untilAsserted(() -> {
          assertThat(state(running, "storage-1")).isEqualTo(State.UP);
          assertThat(status(running, "broken-1").reason().orElse(""))
              .startsWith("ended with status 3; starting again in ");
        });
  }

  @Test
  void a_replica_whose_port_is_taken_moves_to_the_next() throws Exception {
    try (var taken = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      var running = start(taken.getLocalPort(), service("storage", "steady", 1, 1));

      assertThat(status(running, "storage-1").address().orElseThrow())
          .startsWith("127.0.0.1:")
          .doesNotEndWith(":" + taken.getLocalPort());
    }
  }

  @Test
  void what_cannot_be_helped_by_trying_again_ends_the_start_with_its_sentence() {
    var running = begin(0, service("storage", "refuse", 1, 1));

    assertThatThrownBy(() -> running.start().get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(PlainError.class)
        .hasMessageContaining("The schema is newer than this program.");
  }

  @Test
  void more_replicas_than_the_database_has_connections_for_are_refused() throws Exception {
    var running = start(0, entrance(), service("storage", "steady", 1, 1));
    running.connections(12).get(20, TimeUnit.SECONDS);

    assertThatThrownBy(() -> running.scale("storage", 3).get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(PlainError.class)
        .hasMessageContaining("may need 16 database connections, and the database has 12");
    assertThat(running.status()).extracting(ReplicaStatus::id).containsExactly("edge", "storage-1");
    running.scale("storage", 2).get(20, TimeUnit.SECONDS);
  }

  @Test
  void scaling_to_zero_keeps_the_dead_listed_and_scaling_up_brings_them_back() throws Exception {
    var running = start(0, entrance(), service("storage", "steady", 2, 1));

    done(running.scale("storage", 0));
    assertThat(running.status())
        .filteredOn(replica -> replica.service().equals("storage"))
        .extracting(ReplicaStatus::state)
        .containsExactly(State.DOWN, State.DOWN);
    assertThat(diary()).contains("storage-1 drained", "storage-2 drained");
    done(running.scale("storage", 3));

    assertThat(running.status())
        .filteredOn(replica -> replica.service().equals("storage"))
        .extracting(ReplicaStatus::state)
        .containsExactly(State.UP, State.UP, State.UP);
  }

  @Test
  void a_replica_stopped_by_hand_stays_down_until_it_is_started() throws Exception {
    var running = start(0, service("storage", "steady", 2, 1));

    done(running.stop("storage-2"));
    assertThat(state(running, "storage-2")).isEqualTo(State.DOWN);
    assertThat(status(running, "storage-2").reason()).contains("stopped by hand");
    assertThat(state(running, "storage-1")).isEqualTo(State.UP);
    done(running.startAgain("storage-2"));

    assertThat(state(running, "storage-2")).isEqualTo(State.UP);
  }

  @Test
  void a_replica_is_told_to_end_only_when_the_entrance_has_heard_that_it_drains() throws Exception {
    var running = start(0, entrance(), service("storage", "steady", 1, 1));

    done(running.stop("storage-1"));

    assertThat(diary()).containsSubsequence("told storage-1 draining", "storage-1 drained");
  }

  @Test
  void restarting_a_service_restarts_each_replica() throws Exception {
    var running = start(0, service("storage", "steady", 2, 1));
    var before = List.of(pid(running, "storage-1"), pid(running, "storage-2"));

    done(running.restart("storage"));

    assertThat(List.of(pid(running, "storage-1"), pid(running, "storage-2")))
        .doesNotContainAnyElementsOf(before);
  }

  @Test
  void an_unknown_name_is_answered_with_the_known_ones() throws Exception {
    var running = start(0, service("storage", "steady", 1, 1));

    assertThatThrownBy(() -> done(running.stop("storag")))
        .hasMessageContaining("There is no replica or service storag; there are storage-1.");
  }

  @Test
  void stopping_goes_stage_by_stage() throws Exception {
    var running =
        start(0, service("storage", "steady", 1, 3), entrance(), service("worker", "steady", 1, 1));

    running.close();

    assertThat(diary())
        .filteredOn(line -> line.endsWith("drained"))
        .containsExactly("edge drained", "worker-1 drained", "storage-1 drained");
  }

  @Test
  void a_child_that_does_not_end_is_killed_with_all_that_it_started() throws Exception {
    var running = start(0, service("storage", "parent", 1, 1));
    var grandchild =
        diary().stream()
            .filter(line -> line.startsWith("grandchild "))
            .map(line -> Long.parseLong(line.substring("grandchild ".length())))
            .findFirst()
            .orElseThrow();

    done(running.stop("storage"));

    await()
        .untilAsserted(() ->
            assertThat(ProcessHandle.of(grandchild).filter(ProcessHandle::isAlive)).isEmpty());
  }

  private static ServiceSpec.Jvm jvm() {
    return new ServiceSpec.Jvm(32, 8, true, false, 4);
  }

  private ServiceSpec entrance() {
    return new ServiceSpec(
        "edge", 1, true, false, List.of("entrance", diaryFile().toString()), jvm(), 0);
  }

  private ServiceSpec service(String name, String behaviour, int replicas, int stage) {
    return new ServiceSpec(
        name, replicas, false, true, List.of(behaviour, diaryFile().toString()), jvm(), stage);
  }

  private Path diaryFile() {
    return directory.resolve("diary");
  }

  private List<String> diary() throws IOException {
    return Files.readAllLines(diaryFile());
  }

  private Fleet begin(int firstPort, ServiceSpec... services) {
    var created =
        new Fleet(
            List.of(services),
            new Fleet.Surroundings(
                JavaCommand.ofThisProcess(TestChild.class.getName(), Optional.empty()),
                Map.of(),
                new Ports("127.0.0.1", firstPort),
                new Output(
                    new PrintStream(new ByteArrayOutputStream()),
                    false,
                    InstantSource.system(),
                    Optional.empty()),
                children -> {},
                InstantSource.system(),
                System::nanoTime),
            PATIENCE);
    created.settings(Map.of("database", "postgres://x", "secret", "s"));
    fleet = Optional.of(created);
    return created;
  }

  private Fleet start(int firstPort, ServiceSpec... services) throws Exception {
    var created = begin(firstPort, services);
    created.start().get(30, TimeUnit.SECONDS);
    return created;
  }

  private static void done(CompletableFuture<Void> work) throws Exception {
    work.get(30, TimeUnit.SECONDS);
  }

  private static ReplicaStatus status(Fleet fleet, String id) {
    return fleet.status().stream()
        .filter(replica -> replica.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  private static State state(Fleet fleet, String id) {
    return status(fleet, id).state();
  }

  private static long pid(Fleet fleet, String id) {
    return status(fleet, id).pid().orElse(0L);
  }
}
