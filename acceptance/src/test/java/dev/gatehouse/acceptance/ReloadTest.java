package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// New configurations while everything runs: by the command, by SIGHUP and by the file itself.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReloadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RecordingOrigin one = RecordingOrigin.start();
  private final RecordingOrigin two = RecordingOrigin.start();

  /// What each open stream is to send next; an empty piece ends it.
  private final List<LinkedBlockingQueue<String>> pieces =
      List.of(
          new LinkedBlockingQueue<>(), new LinkedBlockingQueue<>(), new LinkedBlockingQueue<>());

  /// What the origin has sent of each stream.
  private final List<String> sent = new CopyOnWriteArrayList<>();

  private final ProgramUnderTest program = ProgramUnderTest.assembly(leadingTo(one, 0));
  private final Http http = new Http(program.edgePort());
  private final Http admin = new Http(program.adminPort());

  @BeforeAll
  void start() {
    one.answering((request, wire) -> {
      if (request.target().startsWith("/stream/")) {
        stream(wire, Integer.parseInt(request.target().substring(8)));
      } else {
        RecordingOrigin.ok("one").answer(request, wire);
      }
    });
    two.answering(RecordingOrigin.ok("two"));
    program.start();
  }

  @AfterAll
  void close() {
    program.close();
    one.close();
    two.close();
  }

  @BeforeEach
  void theFirstConfigurationIsInForce() {
    program.rewrite(leadingTo(one, 0));
    assertThat(program.run("reload").exit()).isZero();
  }

  @Test
  void reloading_every_2_s_under_load_fails_no_request_and_cuts_no_stream() throws Exception {
    reloadUnderLoad(7);
  }

  @Test
  @Tag("full")
  void reloading_every_2_s_for_a_minute_fails_no_request_and_cuts_no_stream() throws Exception {
    reloadUnderLoad(30);
  }

  private void reloadUnderLoad(int reloads) throws Exception {
    var streams = new ArrayList<RawClient>();
    try (var load = new Load()) {
      for (int i = 0; i < pieces.size(); i++) {
        var client = RawClient.connect(program.edgePort());
        streams.add(client);
        client.send("GET /stream/" + i + " HTTP/1.1\r\nHost: a\r\n\r\n").readUntil("\r\n\r\n");
      }
      load.with(3, i -> http.get("/data/partition1/identifier1"))
          .with(3, i -> http.get("/who"))
          .with(1, i -> http.put("/data/reload/" + i % 50, "{\"i\":" + i + "}"));
      for (int i = 1; i <= reloads; i++) {
        program.rewrite(leadingTo(i % 2 == 0 ? one : two, i));
        var name = i % 2 == 0 ? "one" : "two";
        await()
            .pollDelay(Duration.ofSeconds(2))
            .atMost(PATIENCE)
            .until(() -> http.get("/who").body().equals(name));
        for (int s = 0; s < streams.size(); s++) {
          pieces.get(s).add("piece-" + i + ";");
          readPiece(streams.get(s), s, "piece-" + i + ";");
        }
      }
      pieces.forEach(stream -> stream.add(""));
      for (var stream : streams) {
        stream.readUntil("0\r\n\r\n");
      }
      assertThat(load.answered()).isGreaterThan(100);
      assertThat(load.failed()).isEmpty();
    } finally {
      streams.forEach(RawClient::close);
    }
  }

  /// A piece may come in two chunks. One that does not come is either the edge's fault or that of
  /// the origin here: whoever reads of it must be able to tell.
  private void readPiece(RawClient client, int stream, String piece) {
    try {
      client.readChunksUntil(piece);
    } catch (UncheckedIOException e) {
      throw new AssertionError(
          "stream " + stream + " broke; the origin has sent " + sent + " and is to send " + pieces,
          e);
    }
  }

  @Test
  void the_command_says_what_changed_and_a_signal_does_the_same() throws Exception {
    program.rewrite(leadingTo(two, 0));
    var outcome = program.run("reload");
    assertThat(outcome.exit()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("is in force");
    assertThat(http.get("/who").body()).isEqualTo("two");
    program.rewrite(leadingTo(one, 0));
    var kill = new ProcessBuilder("kill", "-HUP", Long.toString(program.process().pid())).start();
    assertThat(kill.waitFor()).isZero();
    await().atMost(PATIENCE).until(() -> http.get("/who").body().equals("one"));
  }

  @Test
  void a_mistake_is_refused_whole_and_told_by_the_command_the_log_readyz_and_a_metric() {
    program.rewrite(leadingTo(two, 0) + "  - {match: {path: /x}, too: nowhere}\n");

    var outcome = program.run("reload");

    assertThat(outcome.exit()).isNotZero();
    assertThat(outcome.err()).contains("did you mean 'to'?").doesNotContain("\tat ");
    assertThat(http.get("/who").body()).isEqualTo("one");
    var ready = admin.get("/readyz");
    assertThat(ready.statusCode()).isEqualTo(200);
    assertThat(json(ready).path("details").path("configuration").asString())
        .contains("assembly.yaml:", "did you mean 'to'?");
    assertThat(admin.get("/metrics").body())
        .contains("gatehouse_config_last_reload_successful 0.0");
    await().atMost(PATIENCE).until(() -> program.log().contains("is refused"));
  }

  @Test
  void what_needs_a_restart_is_refused_by_name() {
    program.rewrite("database: postgres://u@127.0.0.1/other\n" + leadingTo(two, 0));

    var outcome = program.run("reload");

    assertThat(outcome.exit()).isNotZero();
    assertThat(outcome.err()).contains("database").contains("cannot change while Gatehouse runs");
    assertThat(http.get("/who").body()).isEqualTo("one");
  }

  @Test
  void more_replicas_in_the_file_are_more_processes() {
    program.rewrite(leadingTo(one, 0).replace("replicas: 1", "replicas: 2"));

    var outcome = program.run("reload");

    assertThat(outcome.exit()).as(outcome.err()).isZero();
    await()
        .atMost(PATIENCE)
        .until(() -> http.get("/status?id=storage-2").body().contains("\"up\""));
  }

  @Test
  void an_edge_that_dies_beside_a_broken_file_comes_back_with_what_was_in_force() {
    program.rewrite(leadingTo(two, 0));
    assertThat(program.run("reload").exit()).isZero();
    program.rewrite("routes: []\n");
    assertThat(program.run("reload").exit()).isNotZero();
    var edge = program.replica("edge").orElseThrow();

    edge.destroyForcibly();

    await().until(() -> !edge.isAlive());
    await().atMost(PATIENCE).until(program::isReady);
    assertThat(http.get("/who").body()).isEqualTo("two");
  }

  /// A chunk for every piece, until the empty one.
  private void stream(RecordingOrigin.Wire wire, int stream) throws IOException {
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    try {
      while (true) {
        var piece = pieces.get(stream).poll(60, TimeUnit.SECONDS);
        if (piece == null || piece.isEmpty()) {
          wire.send("0\r\n\r\n");
          return;
        }
        wire.send(Integer.toHexString(piece.length()) + "\r\n" + piece + "\r\n");
        sent.add(stream + ": " + piece);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private String leadingTo(RecordingOrigin origin, int turn) {
    return """
    services: {storage: {replicas: 1}}
    routes:
      - {name: data, match: {path: /data/**}, to: storage}
      - {name: turn-%d, match: {path: /turn/%d}, to: "%s"}
      - {name: stream, match: {path: /stream/**}, to: "%s"}
      - {name: all, match: {path: /**}, to: "%s"}
    """
        .formatted(turn, turn, origin.url(), one.url(), origin.url());
  }
}
