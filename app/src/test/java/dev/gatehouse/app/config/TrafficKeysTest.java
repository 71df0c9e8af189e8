package dev.gatehouse.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.upstream.Balance;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How the edge treats the replicas of an upstream or a service, as the file says it.
class TrafficKeysTest {
  @Test
  void every_setting_of_an_upstream_is_read() {
    var traffic =
        upstream(
            """
            url: http://127.0.0.1:1
            health: {path: /up, every: 3s, timeout: 2s, statuses: [200, 204], rise: 2, fall: 4}
            balance: least-requests
            slow-start: 20s
            max-requests: 7
            queue: 8
            queue-timeout: 900ms
            per-try-timeout: 250ms
            tries: 4
            idempotency-key: true
            retry-statuses: []
            retry-budget: {share: 5%, per-second: 3}
            eject: {consecutive: 2, rate: 10%, volume: 9, window: 30s, base: 4s, longest: 40s, most: 100%, statuses: [503]}
            breaker: {rate: 60%, volume: 6, window: 5s, open: 7s, statuses: [500, 503]}
            """);

    assertThat(traffic)
        .isEqualTo(
            new UpstreamSettings(
                new Balance.LeastRequests(),
                Optional.of(
                    new Upstream.Check(
                        "/up",
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(2),
                        Set.of(200, 204),
                        2,
                        4)),
                Optional.of(
                    new UpstreamSettings.Eject(
                        2,
                        10,
                        9,
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(4),
                        Duration.ofSeconds(40),
                        100,
                        Set.of(503))),
                Optional.of(
                    new UpstreamSettings.Trip(
                        60, 6, Duration.ofSeconds(5), Duration.ofSeconds(7), Set.of(500, 503))),
                new UpstreamSettings.Retries(
                    4, 5, 3, Set.of(), true, Optional.of(Duration.ofMillis(250))),
                new UpstreamSettings.Crowd(7, 8, Duration.ofMillis(900)),
                Duration.ofSeconds(20)));
  }

  @Test
  void
      what_is_left_out_is_as_it_was_meant_for_servers_that_are_not_ours_and_for_replicas_that_are() {
    assertThat(upstream("url: http://127.0.0.1:1"))
        .isEqualTo(UpstreamSettings.external(Optional.empty()));
    var config = config("services: {storage: , counters: }\n" + routes("storage"));
    assertThat(config.service(ServiceConfig.Storage.class).orElseThrow().traffic())
        .isEqualTo(UpstreamSettings.own(false));
    assertThat(config.service(ServiceConfig.Counters.class).orElseThrow().traffic())
        .isEqualTo(UpstreamSettings.own(true));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          round-robin                                          | round-robin
          weighted                                             | weighted
          peak-ewma                                            | peak-ewma
          consistent-hash                                      | consistent-hash by client
          '{policy: consistent-hash, by: path}'                | consistent-hash by path
          '{policy: consistent-hash, by: header:X-User}'       | consistent-hash by header:X-User
          '{policy: consistent-hash, by: cookie:id}'           | consistent-hash by cookie:id
          sticky                                               | sticky by cookie:replica
          '{policy: sticky, cookie: home}'                     | sticky by cookie:home
          """)
  void every_policy_has_its_name(String written, String policy) {
    assertThat(upstream("url: http://127.0.0.1:1\nbalance: " + written).balance().text())
        .isEqualTo(policy);
  }

  @Test
  void the_breaker_and_ejection_are_switched_by_one_word() {
    var off = upstream("url: http://127.0.0.1:1\nbreaker: off\neject: off\n");
    assertThat(off.breaker()).isEmpty();
    assertThat(off.eject()).isEmpty();

    for (var on : new String[] {"breaker: on", "breaker: {rate: 50%}"}) {
      var config = config("services: {storage: {" + on + "}}\n" + routes("storage"));
      assertThat(config.service(ServiceConfig.Storage.class).orElseThrow().traffic().breaker())
          .as(on)
          .contains(UpstreamSettings.Trip.DEFAULT);
    }
  }

  @Test
  void servers_have_weights_and_groups() {
    var targets =
        config(
                """
                upstreams:
                  one: {urls: ["http://a:1", {url: "http://b:2", weight: 3}, {url: "http://c:3", group: 2}]}
                """
                    + routes("one"))
            .upstream("one")
            .targets();

    assertThat(targets).extracting(UpstreamConfig.Target::weight).containsExactly(1, 3, 1);
    assertThat(targets).extracting(UpstreamConfig.Target::group).containsExactly(1, 1, 2);
  }

  private static UpstreamSettings upstream(String keys) {
    return config("upstreams:\n  one:\n" + keys.indent(4) + routes("one"))
        .upstream("one")
        .traffic();
  }

  private static String routes(String to) {
    return "routes: [{match: {path: /**}, to: " + to + "}]\n";
  }

  private static Config config(String text) {
    return ConfigFileTest.good(ConfigFileTest.read(text, Map.of()));
  }
}
