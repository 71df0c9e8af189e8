package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.discover.Found;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.testkit.RecordingOrigin;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Replicas that DNS told of, and what happens to those it no longer does.
final class DiscoveredTest {
  private static final String GET = "GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n";

  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);
  private final RecordingOrigin one = RecordingOrigin.start().answering(RecordingOrigin.ok("one"));
  private final RecordingOrigin two = RecordingOrigin.start().answering(RecordingOrigin.ok("two"));

  @AfterEach
  void close() {
    edge.close();
    one.close();
    two.close();
  }

  @Test
  void a_discovered_server_is_asked_by_its_name_at_its_address() {
    edge.gateway.discovered("origin", List.of(found(one, "shop.invalid")));
    try (var client = edge.client()) {
      assertThat(client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").read().bodyText())
          .isEqualTo("one");
    }
    assertThat(one.lastReceived().header("Host")).contains("shop.invalid:" + one.port());
  }

  @Test
  void a_replica_that_leaves_ends_what_it_carries_and_gets_nothing_new() throws Exception {
    var go = new CountDownLatch(1);
    one.answering((request, wire) -> {
      wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nold");
      wire.await(go).send("end");
    });
    edge.gateway.discovered("storage", List.of(found(one, "storage")));
    try (var client = edge.client();
        var other = edge.client()) {
      client.send(GET).readUntil("old");

      edge.gateway.discovered("storage", List.of(found(two, "storage")));

      for (int i = 0; i < 4; i++) {
        assertThat(other.send(GET).read().bodyText()).isEqualTo("two");
      }
      go.countDown();
      client.readUntil("end");
      var status = other.send("GET /status?appName=storage HTTP/1.1\r\nHost: a\r\n\r\n").read();
      assertThat(status.bodyText())
          .contains("storage@127.0.0.1:" + one.port(), "storage@127.0.0.1:" + two.port(), "down");
    }
  }

  @Test
  void what_is_known_of_a_replica_outlives_the_next_answer_and_a_new_configuration()
      throws Exception {
    edge.gateway.discovered("storage", List.of(found(one, "storage"), found(two, "storage")));
    one.refuse();
    try (var client = edge.client()) {
      for (int i = 0; i < 4; i++) {
        assertThat(client.send(GET).read().bodyText()).isEqualTo("two");
      }
    }
    assertThat(down()).isEqualTo(1);

    edge.gateway.discovered("storage", List.of(found(one, "storage"), found(two, "storage")));
    edge.gateway.reconfigure(edge.settings());

    assertThat(down()).isEqualTo(1);
  }

  private long down() {
    return edge.gateway.upstreams().stream()
        .filter(upstream -> upstream.name().equals("storage"))
        .flatMap(upstream -> upstream.replicas().stream())
        .filter(replica -> replica.snapshot().state() == Replica.State.DOWN)
        .count();
  }

  private static Found found(RecordingOrigin origin, String host) {
    return new Found(new Origin(host, origin.port(), false, "127.0.0.1"), 1, 1);
  }
}
