package dev.gatehouse.edge.discover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.TestDns;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Discovery against a real DNS server on a real socket.
class DiscoveryTest {
  private final TestDns dns = new TestDns();
  private final AtomicLong now = new AtomicLong();
  private final Map<String, List<Found>> told = new ConcurrentHashMap<>();
  private Loops loops = Loops.start(1, Loops.Transport.NIO);
  private Discovery discovery = discovery();

  @AfterEach
  void close() {
    discovery.close();
    loops.close();
    dns.close();
  }

  @Test
  void every_address_of_a_name_is_a_replica_and_a_change_is_seen() {
    dns.addresses("shop.test", 0, "127.0.0.1", "127.0.0.2");
    discovery.watch(Map.of("shop", addresses("shop.test")));

    await()
        .untilAsserted(() ->
            assertThat(found("shop")).containsExactly("127.0.0.1:80 1 1", "127.0.0.2:80 1 1"));
    dns.addresses("shop.test", 0, "127.0.0.2", "127.0.0.3");

    await()
        .untilAsserted(() ->
            assertThat(found("shop")).containsExactly("127.0.0.2:80 1 1", "127.0.0.3:80 1 1"));
  }

  @ParameterizedTest
  @EnumSource
  void it_works_on_every_transport_this_machine_has(Loops.Transport transport) {
    Loops own;
    try {
      own = Loops.start(1, transport);
    } catch (LinkageError | IllegalStateException e) {
      return;
    }
    loops.close();
    loops = own;
    discovery = discovery();
    dns.addresses("shop.test", 60, "127.0.0.1");
    discovery.watch(Map.of("shop", addresses("shop.test")));

    await().untilAsserted(() -> assertThat(found("shop")).containsExactly("127.0.0.1:80 1 1"));
  }

  @Test
  void a_name_with_only_ipv6_addresses_is_found_by_those_and_one_with_both_is_not_counted_twice() {
    dns.addresses("six.test", 60, "::1");
    dns.addresses("both.test", 60, "127.0.0.1", "::1");
    discovery.watch(Map.of("six", addresses("six.test"), "both", addresses("both.test")));

    await()
        .untilAsserted(() -> {
          assertThat(found("six")).containsExactly("[0:0:0:0:0:0:0:1]:80 1 1");
          assertThat(found("both")).containsExactly("127.0.0.1:80 1 1");
        });
  }

  @Test
  void service_records_give_ports_weights_and_priorities_as_groups() {
    dns.addresses("a.test", 60, "127.0.0.1");
    dns.addresses("b.test", 60, "127.0.0.2", "127.0.0.3");
    dns.services("_http._tcp.shop.test", 60, "10 5 8081 a.test", "20 0 8082 b.test");
    discovery.watch(
        Map.of(
            "shop",
            new Source(
                new Source.Question.Services("_http._tcp.shop.test"), false, Optional.empty())));

    await()
        .untilAsserted(() ->
            assertThat(found("shop"))
                .containsExactly("127.0.0.1:8081 5 1", "127.0.0.2:8082 1 2", "127.0.0.3:8082 1 2"));
  }

  @Test
  void while_dns_fails_the_last_known_replicas_stay_for_five_minutes_and_come_back_with_it() {
    dns.addresses("shop.test", 0, "127.0.0.1");
    discovery.watch(Map.of("shop", addresses("shop.test")));
    await().untilAsserted(() -> assertThat(found("shop")).hasSize(1));

    dns.broken(true);
    int asked = dns.questions();
    await().until(() -> dns.questions() > asked + 3);
    assertThat(found("shop")).hasSize(1);
    now.addAndGet(Duration.ofMinutes(5).plusSeconds(1).toNanos());
    await().untilAsserted(() -> assertThat(found("shop")).isEmpty());
    dns.broken(false);

    await().untilAsserted(() -> assertThat(found("shop")).hasSize(1));
  }

  @Test
  void a_name_that_appears_later_is_found_then_and_one_no_longer_watched_is_left_alone() {
    discovery.watch(Map.of("shop", addresses("later.test")));
    await().until(() -> dns.questions() > 0);
    dns.addresses("later.test", 0, "127.0.0.1");
    await().untilAsserted(() -> assertThat(found("shop")).hasSize(1));

    discovery.watch(Map.of("other", addresses("later.test")));
    await().untilAsserted(() -> assertThat(found("other")).hasSize(1));
    told.remove("shop");
    dns.addresses("later.test", 0, "127.0.0.9");

    await().untilAsserted(() -> assertThat(found("other")).containsExactly("127.0.0.9:80 1 1"));
    assertThat(told).doesNotContainKey("shop");
  }

  @Test
  void a_short_name_stands_for_what_resolv_conf_says() {
    var search =
        SearchList.parse(
            List.of(
                "nameserver 10.96.0.10",
                "search default.svc.cluster.local svc.cluster.local",
                "options ndots:5"));

    assertThat(search.candidates("storage"))
        .containsExactly(
            "storage.default.svc.cluster.local", "storage.svc.cluster.local", "storage");
    assertThat(search.candidates("a.b.c.d.e.f")).startsWith("a.b.c.d.e.f");
    assertThat(search.candidates("storage.")).containsExactly("storage.");
  }

  private Discovery discovery() {
    return new Discovery(loops, Optional.of(dns.address()), now::get, told::put);
  }

  private static Source addresses(String host) {
    return new Source(new Source.Question.Addresses(host, 80), false, Optional.empty());
  }

  /// `address weight group` of each.
  private List<String> found(String upstream) {
    return told.getOrDefault(upstream, List.of()).stream()
        .map(one -> one.origin().address() + " " + one.weight() + " " + one.group())
        .toList();
  }
}
