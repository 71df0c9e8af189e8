package dev.gatehouse.state.coherence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.Database;
import dev.gatehouse.state.DatabaseSettings;
import dev.gatehouse.state.Line;
import dev.gatehouse.state.Migrations;
import dev.gatehouse.state.Servers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CoherenceTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private String url;
  private Database outside;
  private final List<Node> nodes = new ArrayList<>();

  @BeforeEach
  void start() {
    url = Servers.emptyUrl();
    outside = Database.open(new DatabaseSettings(url, 2, "test"));
    Migrations.apply(outside);
    Node.createTable(outside);
  }

  @AfterEach
  void stop() {
    nodes.forEach(Node::close);
    outside.close();
  }

  @Test
  void a_write_is_seen_by_every_replica_when_it_is_acknowledged() {
    for (int i = 0; i < 3; i++) {
      join("node-" + i);
    }
    for (int i = 0; i < 300; i++) {
      String key = "k" + i % 3;
      String value = "value " + i;
      nodes.get(i % 3).write(key, value);
      for (var node : nodes) {
        assertThat(node.read(key)).contains(value);
      }
    }
    assertThat(nodes.get(0).cache.misses() + nodes.get(0).cache.hits()).isEqualTo(300);
  }

  @Test
  void a_miss_is_remembered_and_a_creation_clears_it_everywhere() {
    var here = join("here");
    var there = join("there");
    assertThat(there.read("k")).isEmpty();
    assertThat(there.cache.peek("k")).contains(Optional.empty());
    here.write("k", "now");
    assertThat(there.read("k")).contains("now");
    here.delete("k");
    assertThat(there.read("k")).isEmpty();
    here.write("k", "again");
    assertThat(there.read("k")).contains("again");
  }

  @Test
  void without_a_bus_a_write_waits_until_the_log_was_read_and_no_longer_than_seconds() {
    var here = join("here");
    var there = join("there");
    here.write("k", "0");
    outside.with(handle ->
        handle.execute("UPDATE state_leases SET address = '127.0.0.1:1' WHERE name = 'there'"));
    for (int i = 1; i <= 5; i++) {
      var before = Integer.toString(i - 1);
      await()
          .untilAsserted(() -> {
            assertThat(there.read("k")).contains(before);
            assertThat(there.cache.peek("k")).isPresent();
          });
      here.write("k", Integer.toString(i));
      assertThat(there.read("k")).contains(Integer.toString(i));
    }
    assertThat(here.coherence.announcing()).isLessThan(SOON);
  }

  @Test
  void writers_at_the_same_time_are_all_answered_once_everybody_has_heard() {
    var here = join("here");
    var there = join("there");
    var writers =
        IntStream.range(0, 32)
            .mapToObj(writer ->
                CompletableFuture.runAsync(
                    () -> writeAndRead(here, there, writer), Thread::startVirtualThread))
            .toList();
    writers.forEach(CompletableFuture::join);
    assertThat(here.coherence.announced()).isEqualTo(32 * 50);
  }

  private static void writeAndRead(Node here, Node there, int writer) {
    var key = "key " + writer;
    for (int i = 0; i < 50; i++) {
      here.write(key, Integer.toString(i));
      assertThat(there.read(key)).contains(Integer.toString(i));
    }
  }

  @Test
  void what_is_written_by_whoever_hears_that_a_write_is_certain_is_announced_too() {
    var here = join("here");
    var there = join("there");
    for (int i = 0; i < 20; i++) {
      var value = Integer.toString(i);
      here.writeLater("a", value).thenCompose(_ -> here.writeLater("b", value)).join();
      assertThat(there.read("a")).contains(value);
      assertThat(there.read("b")).contains(value);
    }
  }

  /// It is foretold, and by its commit the other one remembers the row again.
  @Test
  void a_write_that_takes_long_to_commit_is_told_again() throws SQLException {
    var here = join("here");
    var there = join("there");
    here.write("k", "old");
    var other = new Line(outside, SOON, "");
    var write =
        other.call(connection -> {
          connection.setAutoCommit(false);
          text(connection, "SELECT value FROM rows WHERE key = 'k' FOR UPDATE");
          var written = here.writeSoon("k", "new");
          await().atMost(SOON).until(this::somebodyWaits);
          await()
              .atMost(SOON)
              .until(() -> there.read("k").isPresent() && there.cache.peek("k").isPresent());
          connection.commit();
          return written;
        });
    write.join();
    assertThat(there.read("k")).contains("new");
    other.close();
  }

  private boolean somebodyWaits() {
    return outside.with(handle ->
        handle
            .createQuery("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            .mapTo(Boolean.class)
            .one());
  }

  @Test
  void a_bus_connection_that_breaks_is_made_again() {
    var here = join("here");
    var there = join("there");
    for (int i = 0; i < 10; i++) {
      there.read("k");
      there.coherence.bus().orElseThrow().cut();
      here.write("k", Integer.toString(i));
      assertThat(there.read("k")).contains(Integer.toString(i));
    }
  }

  @Test
  void one_whose_bus_cannot_listen_reads_through_and_the_others_hear_of_its_writes()
      throws IOException {
    var there = join("there");
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var here = Node.startAnyway(url, "here", (InetSocketAddress) taken.getLocalSocketAddress());
      nodes.add(here);
      for (int i = 0; i < 10; i++) {
        here.write("k", "here " + i);
        assertThat(there.read("k")).contains("here " + i);
        there.write("k", "there " + i);
        assertThat(here.read("k")).contains("there " + i);
      }
      assertThat(here.coherence.hasLease()).isFalse();
      assertThat(here.cache.readThrough()).isEqualTo(10);
    }
  }

  @Test
  void a_process_stopped_between_its_look_into_memory_and_its_answer_answers_the_new_value()
      throws IOException {
    var here = join("here");
    here.write("k", "old");
    try (var stopped = StoppedReader.start(url, "k")) {
      stopped.goOn();
      stopped.expect("looked");
      stopped.stop();
      here.write("k", "new");
      stopped.goOn();
      stopped.resume();
      assertThat(stopped.line()).isEqualTo("new");
    }
  }

  @Test
  void a_killed_process_delays_writes_once_and_for_no_longer_than_its_lease() throws IOException {
    var here = join("here");
    here.write("k", "0");
    try (var reader = StoppedReader.start(url, "k")) {
      reader.kill();
      here.write("k", "1");
      assertThat(here.coherence.announcing()).isLessThan(SOON);
      long before = here.coherence.announced();
      var took = here.coherence.announcing();
      for (int i = 0; i < 100; i++) {
        here.write("k", "again " + i);
      }
      assertThat(here.coherence.announced()).isEqualTo(before + 100);
      // A hundred leases would be 200 s.
      assertThat(here.coherence.announcing().minus(took)).isLessThan(SOON);
    }
  }

  @Test
  void a_process_that_leaves_delays_nobody_and_answers_nothing_from_memory() {
    var here = join("here");
    var leaver = join("leaver");
    here.write("k", "0");
    leaver.read("k");
    assertThat(leaver.cache.peek("k")).isPresent();
    leaver.coherence.close();
    assertThat(leaver.cache.peek("k")).isEmpty();
    here.write("k", "1");
    assertThat(leaver.read("k")).contains("1");
    assertThat(rows("state_leases")).isOne();
  }

  @Test
  void what_every_replica_has_seen_is_pruned_from_the_log() {
    var here = join("here");
    for (int i = 0; i < 50; i++) {
      here.write("k", Integer.toString(i));
    }
    await().atMost(SOON).until(() -> rows("state_changes") == 0);
  }

  /// Its statements are planned while it is empty.
  @Test
  void the_log_is_read_by_its_index_however_long_it_has_become() throws SQLException {
    var line = new Line(outside, SOON, CoherenceSql.PREPARE);
    var who =
        new CoherenceSql.Identity(new UUID(1, 1), "one", "127.0.0.1:1", Duration.ofSeconds(2));
    line.call(connection -> CoherenceSql.join(connection, who));
    long before = scans(line);
    int counter = 0;
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 12; i++) {
        long known = ++counter;
        var applied = line.call(CoherenceTest::snapshot);
        noteChanges(round * 500);
        var answer =
            line.call(connection -> CoherenceSql.renew(connection, who.replica(), known, applied));
        assertThat(answer.counter()).isEqualTo(known + 1);
        assertThat(answer.changes()).hasSize(round * 500);
        line.call(connection -> CoherenceSql.prune(connection, 100));
      }
    }
    assertThat(rows("state_changes")).isPositive();
    assertThat(scans(line)).isEqualTo(before);
    line.close();
  }

  private void noteChanges(int count) {
    outside.with(handle ->
        handle.execute(
            "SELECT state_note('rows', 'k' || n, n) FROM generate_series(1, ?) AS n", count));
  }

  private static Snapshot snapshot(Connection connection) throws SQLException {
    return Snapshot.parse(text(connection, "SELECT pg_current_snapshot()::text"));
  }

  /// How often the whole of the log was read.
  private static long scans(Line line) throws SQLException {
    line.call(connection -> text(connection, "SELECT pg_stat_force_next_flush()::text"));
    return Long.parseLong(
        line.call(connection ->
            text(
                connection,
                "SELECT seq_scan::text FROM pg_stat_all_tables WHERE relname = 'state_changes'")));
  }

  private static String text(Connection connection, String sql) throws SQLException {
    try (var statement = connection.createStatement();
        var row = statement.executeQuery(sql)) {
      row.next();
      return Objects.requireNonNullElse(row.getString(1), "");
    }
  }

  @Test
  void more_changes_than_are_worth_reading_empty_the_cache() {
    var node = join("node");
    assertThat(node.read("k")).isEmpty();
    long epochs = node.coherence.epochs();
    outside.with(handle ->
        handle.execute(
            "INSERT INTO rows VALUES ('k', 1, 'by somebody else');"
                + "SELECT state_note('rows', 'k' || n, n) FROM generate_series(1, 20000) AS n"));
    await().atMost(SOON).until(() -> node.coherence.epochs() > epochs);
    assertThat(node.read("k")).contains("by somebody else");
  }

  @Test
  void whoever_does_not_know_the_secret_is_cut_off_and_nobody_is_harmed() throws IOException {
    var here = join("here");
    var there = join("there");
    var address = there.coherence.bus().orElseThrow().address(outside::localAddress).split(":", 2);
    for (var nonsense : List.of("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(5000))) {
      try (var socket = new Socket(address[0], Integer.parseInt(address[1]))) {
        socket.setSoTimeout((int) SOON.toMillis());
        socket
            .getOutputStream()
            .write((nonsense + "y".repeat(64)).getBytes(StandardCharsets.UTF_8));
        var in = socket.getInputStream();
        assertThat(in.readNBytes(BusSecret.NONCE)).hasSize(BusSecret.NONCE);
        assertThat(closed(in)).isTrue();
      }
    }
    there.read("k");
    here.write("k", "v");
    assertThat(there.read("k")).contains("v");
  }

  private static boolean closed(java.io.InputStream in) {
    try {
      return in.read() == -1;
    } catch (java.net.SocketException reset) {
      return true;
    } catch (IOException other) {
      return false;
    }
  }

  private Node join(String name) {
    var node = Node.start(url, name);
    nodes.add(node);
    await().atMost(SOON).until(node.coherence::hasLease);
    return node;
  }

  private long rows(String table) {
    return outside.with(
        handle -> handle.createQuery("SELECT count(*) FROM " + table).mapTo(Long.class).one());
  }
}
