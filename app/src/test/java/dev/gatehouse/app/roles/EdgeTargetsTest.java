package dev.gatehouse.app.roles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import dev.gatehouse.edge.Gateway;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.http.Origin;
import dev.gatehouse.observe.PrometheusTargets.Target;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EdgeTargetsTest {
  private static Replica replica(String id, String service, Origin origin) {
    return Gateway.replica(
        id, service, origin, "1.2", Replica.State.DOWN, Instant.EPOCH, Optional.empty());
  }

  private static EdgeTargets targets(boolean everywhere) {
    return new EdgeTargets(
        "edge-1",
        "127.0.0.1:9000",
        everywhere,
        () ->
            List.of(
                replica("storage-1", "storage", new Origin("127.0.0.1", 9101, false)),
                replica("storage-2", "storage", new Origin("127.0.0.1", 0, false)),
                replica("s@10.0.0.7:9100", "s", new Origin("s.internal", 9100, false, "10.0.0.7")),
                replica("accounts@edge-1", "accounts", new Origin("127.0.0.1", 8080, false))),
        Set.of("accounts@edge-1"));
  }

  @Test
  void every_process_with_an_address_is_listed_once_down_or_not() {
    assertThat(targets(false).seenFrom("10.0.0.1:9000"))
        .extracting(Target::address, Target::service, Target::replica)
        .containsExactly(
            tuple("10.0.0.1:9000", "edge", "edge-1"),
            tuple("127.0.0.1:9101", "storage", "storage-1"),
            tuple("10.0.0.7:9100", "s", "s@10.0.0.7:9100"));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1:9000, 10.0.0.1:9000, 10.0.0.1:9101",
    "edge.internal, edge.internal:80, edge.internal:9101",
    "[fd00::1]:9000, [fd00::1]:9000, [fd00::1]:9101",
    "'', 127.0.0.1:9000, 127.0.0.1:9101"
  })
  void replicas_that_listen_everywhere_are_where_the_edge_was_found(
      String host, String edge, String replica) {
    assertThat(targets(true).seenFrom(host))
        .extracting(Target::address)
        .startsWith(edge, replica)
        .contains("10.0.0.7:9100");
  }
}
