package dev.gatehouse.state.coherence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.state.EmbeddedPostgres;
import dev.gatehouse.state.Migrations;
import dev.gatehouse.state.Servers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// PostgreSQL is killed with -9 and started again, while readers and writers go on in processes
/// that remember its rows. The last renewals of their leases may be gone with it: nobody waits for
/// the disk to have them.
class RestartedServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int NODES = 3;

  @TempDir Path data;

  private final List<Node> nodes = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final CountDownLatch over = new CountDownLatch(1);

  /// By key; each has one writer, who counts up.
  private final AtomicLongArray acknowledged = new AtomicLongArray(NODES);

  private final AtomicLong writes = new AtomicLong();
  private final Queue<String> stale = new ConcurrentLinkedQueue<>();

  @Test
  void no_read_is_older_than_an_acknowledged_write_while_postgres_is_killed_and_started_again()
      throws Exception {
    restarted(1);
  }

  /// The postmaster ends all others and recovers, itself the same process as before.
  @Test
  void no_read_is_older_than_an_acknowledged_write_while_a_process_of_postgres_crashes()
      throws Exception {
    var server = EmbeddedPostgres.start(Servers.initialised(data));
    try {
      begin(server.url());
      for (int i = 0; i < 2; i++) {
        going();
        var epochs = nodes.stream().map(node -> node.coherence.epochs()).toList();
        long backend =
            nodes
                .getFirst()
                .database
                .with(handle -> handle.select("SELECT pg_backend_pid()").mapTo(Long.class).one());
        ProcessHandle.of(backend).orElseThrow().destroyForcibly();
        for (int node = 0; node < NODES; node++) {
          var coherence = nodes.get(node).coherence;
          long before = epochs.get(node);
          await().atMost(PATIENCE).until(() -> coherence.epochs() > before);
        }
      }
      going();
      assertThat(stale).isEmpty();
    } finally {
      end();
      server.close();
    }
  }

  @Test
  @Tag("full")
  void no_read_is_older_than_an_acknowledged_write_while_postgres_is_killed_ten_times()
      throws Exception {
    restarted(10);
  }

  private void restarted(int times) throws Exception {
    var settings = Servers.initialised(data);
    var server = EmbeddedPostgres.start(settings);
    try {
      begin(server.url());
      for (int i = 0; i < times; i++) {
        going();
        ProcessHandle.of(server.pid()).orElseThrow().destroyForcibly();
        server.onExit().join();
        server.close();
        server = EmbeddedPostgres.start(settings);
      }
      going();
      assertThat(stale).isEmpty();
    } finally {
      end();
      server.close();
    }
  }

  private void begin(String url) {
    for (int i = 0; i < NODES; i++) {
      nodes.add(Node.start(url, "node-" + i));
    }
    Migrations.apply(nodes.getFirst().database);
    Node.createTable(nodes.getFirst().database);
    for (int i = 0; i < NODES; i++) {
      var node = nodes.get(i);
      int own = i;
      threads.add(Thread.ofVirtual().start(() -> until(() -> write(node, own))));
      threads.add(Thread.ofVirtual().start(() -> until(() -> read(node))));
    }
  }

  /// All of it works, from memory too.
  private void going() {
    for (var node : nodes) {
      long hits = node.cache.hits();
      await().atMost(PATIENCE).until(() -> node.cache.hits() > hits + 100);
    }
    long before = writes.get();
    await().atMost(PATIENCE).until(() -> writes.get() > before + 50);
  }

  private void write(Node node, int key) {
    long next = acknowledged.get(key) + 1;
    node.write("k" + key, Long.toString(next));
    acknowledged.set(key, next);
    writes.incrementAndGet();
  }

  private void read(Node node) {
    for (int key = 0; key < NODES; key++) {
      long least = acknowledged.get(key);
      long seen = node.read("k" + key).map(Long::parseLong).orElse(0L);
      if (seen < least) {
        stale.add("k" + key + " was " + seen + " after " + least + " was acknowledged");
      }
    }
  }

  /// What fails meanwhile is tried again; a write of the same value, so that what is not known to
  /// be stored makes no difference.
  private void until(Runnable work) {
    try {
      while (!over.await(1, TimeUnit.MILLISECONDS)) {
        try {
          work.run();
        } catch (RuntimeException failed) {
          var _ = over.await(20, TimeUnit.MILLISECONDS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void end() throws InterruptedException {
    over.countDown();
    for (var thread : threads) {
      thread.join();
    }
    nodes.forEach(Node::close);
  }
}
