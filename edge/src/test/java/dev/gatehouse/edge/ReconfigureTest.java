package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.testkit.FreePort;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// An edge whose configuration changes while it serves.
final class ReconfigureTest {
  private static final String HELLO = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);

  @AfterEach
  void close() {
    edge.close();
  }

  @Test
  void an_exchange_in_flight_ends_on_the_route_it_began_with_and_the_next_takes_the_new_one()
      throws Exception {
    var go = new CountDownLatch(1);
    edge.external.answering((request, wire) -> {
      wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nold");
      wire.await(go).send("end");
    });
    try (var other = RecordingOrigin.start();
        var client = edge.client()) {
      other.answering(RecordingOrigin.ok("new"));
      client.send(HELLO);
      client.readUntil("old");

      edge.gateway.reconfigure(leadingTo(other));
      go.countDown();

      client.readUntil("end");
      assertThat(client.send(HELLO).read().bodyText()).isEqualTo("new");
    }
  }

  @Test
  void a_new_listener_opens_and_one_that_is_gone_lets_its_connections_finish() throws Exception {
    var before = edge.gateway.addresses().getFirst().getPort();
    edge.external.answering(RecordingOrigin.ok("x"));
    var go = new CountDownLatch(1);
    try (var idle = edge.client();
        var busy = edge.client()) {
      assertThat(idle.send(HELLO).read().status()).isEqualTo(200);
      edge.external.answering((request, wire) ->
          wire.await(go).send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbusy"));
      edge.external.forget();
      busy.send(HELLO);
      await().until(() -> edge.external.received().size() == 1);

      var second = new InetSocketAddress("127.0.0.1", FreePort.next());
      edge.gateway.reconfigure(listeningOn(Map.of("second", second)));

      assertThat(idle.isClosedByPeer()).isTrue();
      go.countDown();
      var answer = busy.read();
      assertThat(answer.bodyText()).isEqualTo("busy");
      assertThat(answer.header("Connection")).contains("close");
      assertThatThrownBy(() -> RawClient.connect(before).close())
          .hasRootCauseInstanceOf(IOException.class);
      try (var client = RawClient.connect(second.getPort())) {
        assertThat(client.send(HELLO).read().bodyText()).isEqualTo("busy");
      }
    }
  }

  @Test
  void an_address_that_is_taken_changes_nothing() throws Exception {
    edge.external.answering(RecordingOrigin.ok("x"));
    try (var taken = new ServerSocket(0);
        var other = RecordingOrigin.start();
        var client = edge.client()) {
      var addresses = new LinkedHashMap<String, InetSocketAddress>();
      addresses.put("main", new InetSocketAddress("127.0.0.1", 0));
      addresses.put("second", new InetSocketAddress("127.0.0.1", taken.getLocalPort()));

      assertThatThrownBy(() -> edge.gateway.reconfigure(with(leadingTo(other), addresses)))
          .hasMessageContaining("the port is in use");

      assertThat(client.send(HELLO).read().bodyText()).isEqualTo("x");
      assertThat(edge.gateway.addresses()).hasSize(1);
    }
  }

  @Test
  void an_unchanged_upstream_keeps_its_state_and_its_connections() throws Exception {
    try (var storage = RecordingOrigin.start();
        var client = edge.client()) {
      storage.answering(RecordingOrigin.ok("x"));
      edge.replicas(storage);
      var before = edge.gateway.upstreams();
      client.send("GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n").read();

      edge.gateway.reconfigure(edge.settings());

      assertThat(edge.gateway.upstreams()).isEqualTo(before);
      assertThat(client.send("GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n").read().status())
          .isEqualTo(200);
    }
  }

  @Test
  void a_service_that_is_new_gets_the_replicas_that_are_known() throws Exception {
    try (var storage = RecordingOrigin.start()) {
      edge.replicas(storage);
      var settings = edge.settings();

      edge.gateway.reconfigure(replicated(settings, Map.of()));
      edge.gateway.reconfigure(replicated(settings, settings.replicated()));

      assertThat(edge.gateway.upstreams().getFirst().replicas())
          .extracting(Replica::id)
          .containsExactly("storage-1");
    }
  }

  private Gateway.Settings leadingTo(RecordingOrigin other) {
    var settings = edge.settings();
    var origin =
        new Gateway.External(
            List.of(new Gateway.Target(new Origin("127.0.0.1", other.port(), false), 1, 1)),
            UpstreamSettings.external(Optional.empty()));
    return copy(
        settings,
        settings.listeners(),
        settings.routes(),
        settings.replicated(),
        Map.of("origin", origin));
  }

  private Gateway.Settings listeningOn(Map<String, InetSocketAddress> addresses) {
    return with(edge.settings(), addresses);
  }

  private static Gateway.Settings with(
      Gateway.Settings settings, Map<String, InetSocketAddress> addresses) {
    return copy(
        settings, addresses, settings.routes(), settings.replicated(), settings.externals());
  }

  private static Gateway.Settings replicated(
      Gateway.Settings settings, Map<String, UpstreamSettings> services) {
    var routes =
        settings.routes().stream()
            .filter(route ->
                !(route.to() instanceof Route.Destination.Replicated)
                    || services.containsKey(route.to().name()))
            .toList();
    return copy(settings, settings.listeners(), routes, services, settings.externals());
  }

  private static Gateway.Settings copy(
      Gateway.Settings from,
      Map<String, InetSocketAddress> listeners,
      List<Route> routes,
      Map<String, UpstreamSettings> replicated,
      Map<String, Gateway.External> externals) {
    return new Gateway.Settings(
        listeners,
        from.only(),
        from.proxied(),
        from.limits(),
        routes,
        from.services(),
        replicated,
        externals,
        from.pools(),
        from.secret(),
        from.trusted(),
        from.ways(),
        from.records(),
        from.cacheSize(),
        from.admission());
  }
}
