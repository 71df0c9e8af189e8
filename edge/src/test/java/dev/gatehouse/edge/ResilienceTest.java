package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.Balance;
import dev.gatehouse.edge.upstream.Replica;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What clients see of replicas that fail, hang, answer errors, are busy or leave; two replicas of
/// `storage` behind `/data`, on real sockets.
class ResilienceTest {
  private static final String GET = "GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final String BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
  private static final UpstreamSettings USUAL = UpstreamSettings.own(false);

  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);
  private final RecordingOrigin one = RecordingOrigin.start();
  private final RecordingOrigin two = RecordingOrigin.start();
  private final RawClient client = edge.client();

  @BeforeEach
  void start() {
    one.answering(RecordingOrigin.ok("one"));
    two.answering(RecordingOrigin.ok("two"));
    edge.replicas(one, two);
  }

  @AfterEach
  void close() {
    client.close();
    edge.close();
    one.close();
    two.close();
  }

  // --- what is repeated ---

  @Test
  void an_idempotent_request_that_met_a_503_is_answered_by_another_replica_body_and_all() {
    one.answering(RecordingOrigin.bytes(BUSY));
    client.send(GET);
    assertThat(client.read().bodyText()).isEqualTo("two");
    client.send(GET);
    assertThat(client.read().bodyText()).isEqualTo("two");

    client.send("PUT /data/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    assertThat(client.read().bodyText()).isEqualTo("two");
    assertThat(two.lastReceived("/data/a").bodyText()).isEqualTo("{}");
  }

  @Test
  void the_last_bad_answer_is_passed_on_as_it_is_when_nobody_does_better() {
    one.answering(RecordingOrigin.bytes(BUSY));
    two.answering(RecordingOrigin.bytes(BUSY));
    client.send(GET);
    var answer = client.read();
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.bodyText()).isEqualTo("busy");
    assertThat(received()).isEqualTo(2);
  }

  @Test
  void a_post_of_which_something_was_sent_is_never_repeated() {
    one.answering((request, wire) -> wire.reset());
    two.answering((request, wire) -> wire.reset());
    client.send(post(""));
    assertThat(client.read().status()).isEqualTo(502);
    assertThat(received()).isEqualTo(1);
  }

  @Test
  void a_post_of_which_nothing_was_sent_goes_to_another_replica() {
    one.refuse();
    await().until(() -> refuses(one));
    for (int i = 0; i < 2; i++) {
      client.send(post(""));
      assertThat(client.read().bodyText()).isEqualTo("two");
    }
  }

  @Test
  void a_post_with_an_idempotency_key_is_repeated_only_where_that_is_declared() throws Exception {
    one.answering((request, wire) -> wire.reset());
    two.answering((request, wire) -> wire.reset());
    client.send(post("Idempotency-Key: 7\r\n"));
    assertThat(client.read().status()).isEqualTo(502);
    assertThat(received()).isEqualTo(1);

    edge.replicas();
    with(UpstreamSettings.own(true));
    edge.replicas(one, two);
    two.answering(RecordingOrigin.ok("two"));
    for (int i = 0; i < 2; i++) {
      client.send(post("Idempotency-Key: 7\r\n"));
      assertThat(client.read().bodyText()).isEqualTo("two");
    }
  }

  @Test
  void a_write_under_a_condition_is_not_repeated_since_the_second_would_meet_the_first() {
    one.answering((request, wire) -> wire.reset());
    two.answering((request, wire) -> wire.reset());
    client.send(
        "PUT /data/a HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nContent-Length: 2\r\n\r\n{}");
    assertThat(client.read().status()).isEqualTo(502);
    assertThat(received()).isEqualTo(1);
  }

  @Test
  void a_route_without_retries_repeats_nothing_and_one_that_says_unsent_only_that()
      throws Exception {
    one.answering((request, wire) -> wire.reset());
    two.answering((request, wire) -> wire.reset());
    routed(Route.Retry.UNSENT, Route.AllDown.STALE);
    client.send(GET);
    assertThat(client.read().status()).isEqualTo(502);
    assertThat(received()).isEqualTo(1);
  }

  @Test
  void when_every_replica_answers_503_its_load_is_at_most_a_fifth_above_the_clients()
      throws Exception {
    var usual = UpstreamSettings.Retries.DEFAULT;
    with(retrying(new UpstreamSettings.Retries(3, 20, 0, usual.statuses(), false, usual.perTry())));
    one.answering(RecordingOrigin.bytes(BUSY));
    two.answering(RecordingOrigin.bytes(BUSY));
    for (int i = 0; i < 300; i++) {
      client.send(GET);
      assertThat(client.read().status()).isEqualTo(503);
    }
    assertThat(received()).isBetween(301, 360);
    assertThat(storage().numbers().retriesDenied()).isPositive();
  }

  // --- a bad replica among good ones ---

  @Test
  void one_that_answers_500_to_everything_is_soon_asked_no_more() {
    one.answering(RecordingOrigin.bytes("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
    int failed = 0;
    for (int i = 0; i < 200; i++) {
      client.send(GET);
      failed += client.read().status() == 500 ? 1 : 0;
    }
    assertThat(failed).isBetween(1, 10);
    client.send("GET /status HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(client.read().bodyText()).contains("it answered 500");

    one.answering(RecordingOrigin.ok("one"));
    await()
        .untilAsserted(() -> {
          client.send(GET);
          assertThat(client.read().bodyText()).isEqualTo("one");
        });
  }

  @Test
  void the_requests_that_try_an_ejected_replica_again_are_answered_by_another() {
    one.answering((request, wire) ->
        (request.target().equals("/healthz")
                ? RecordingOrigin.ok("")
                : RecordingOrigin.bytes("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"))
            .answer(request, wire));
    var sick = storage().replicas().getFirst();
    while (!sick.ejected()) {
      client.send(GET).read();
    }
    await()
        .untilAsserted(() -> {
          client.send(GET);
          assertThat(client.read().bodyText()).isEqualTo("two");
          assertThat(sick.ejections()).isGreaterThan(1);
        });
    assertThat(edge.records).filteredOn(done -> done.status() == 500).hasSize(5);
  }

  @Test
  void one_that_hangs_costs_a_get_the_time_of_one_try_and_then_it_is_asked_no_more()
      throws Exception {
    // So long that the other one, which answers, is not slow on a busy machine.
    with(retrying(slowAfter(Duration.ofSeconds(1))));
    var never = new CountDownLatch(1);
    one.answering((request, wire) -> wire.await(never));
    for (int i = 0; i < 30; i++) {
      client.send(GET);
      assertThat(client.read().bodyText()).isEqualTo("two");
    }
    assertThat(asked(one)).hasSizeLessThan(10);
    never.countDown();
  }

  @Test
  void a_slow_answer_is_waited_for_when_there_is_nobody_else() throws Exception {
    with(retrying(slowAfter(Duration.ofMillis(1))));
    edge.replicas(one);
    var go = new CountDownLatch(1);
    one.answering((request, wire) -> {
      wire.await(go);
      RecordingOrigin.ok("at last").answer(request, wire);
    });
    client.send(GET);
    await().until(() -> storage().numbers().overdue() == 1);
    go.countDown();
    assertThat(client.read().bodyText()).isEqualTo("at last");
  }

  // --- busy replicas ---

  @Test
  void a_client_that_leaves_the_queue_frees_its_place_and_its_request_is_never_sent()
      throws Exception {
    with(crowded(1, 1, Duration.ofSeconds(20)));
    edge.replicas(one);
    var go = new CountDownLatch(1);
    one.answering((request, wire) -> {
      wire.await(go);
      RecordingOrigin.ok("one").answer(request, wire);
    });
    try (var leaving = edge.client();
        var patient = edge.client()) {
      client.send(GET);
      await().until(() -> asked(one).size() == 1);
      leaving.send("GET /data/leaving HTTP/1.1\r\nHost: a\r\n\r\n");
      await().until(() -> storage().waiting() == 1);

      patient.send(GET);
      var full = patient.read();
      assertThat(full.status()).isEqualTo(503);
      assertThat(full.header("Retry-After")).isPresent();
      assertThat(full.bodyText()).contains("queue-full");

      leaving.close();
      await().until(() -> storage().waiting() == 0);
      patient.send("GET /data/patient HTTP/1.1\r\nHost: a\r\n\r\n");
      await().until(() -> storage().waiting() == 1);
      go.countDown();
      assertThat(client.read().status()).isEqualTo(200);
      assertThat(patient.read().status()).isEqualTo(200);
    }
    assertThat(asked(one)).containsExactly("/data/a", "/data/patient");
    assertThat(storage().replicas()).allMatch(replica -> replica.inFlight() == 0);
  }

  @Test
  void a_request_that_waits_too_long_for_a_place_is_told_so() throws Exception {
    with(crowded(1, 1, Duration.ofMillis(50)));
    edge.replicas(one);
    var go = new CountDownLatch(1);
    one.answering((request, wire) -> wire.await(go));
    try (var second = edge.client()) {
      client.send(GET);
      await().until(() -> asked(one).size() == 1);
      second.send(GET);
      var answer = second.read();
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.bodyText()).contains("queue-timeout");
    }
    go.countDown();
  }

  // --- the breaker ---

  @Test
  void the_breaker_of_an_origin_that_is_gone_answers_at_once_and_closes_when_it_is_back()
      throws Exception {
    var trip =
        new UpstreamSettings.Trip(50, 5, Duration.ofSeconds(10), Duration.ofMillis(300), Set.of());
    var usual = UpstreamSettings.external(Optional.empty());
    edge.gateway.reconfigure(
        changed(
            settings -> settings,
            new UpstreamSettings(
                usual.balance(),
                usual.check(),
                usual.eject(),
                Optional.of(trip),
                usual.retries(),
                usual.crowd(),
                usual.slowStart())));
    edge.external.refuse();
    await().until(() -> refuses(edge.external));
    for (int i = 0; i < 5; i++) {
      client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(502);
    }
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    var open = client.read();
    assertThat(open.status()).isEqualTo(503);
    assertThat(open.header("Retry-After")).contains("1");
    assertThat(open.bodyText()).contains("breaker-open");
    await()
        .untilAsserted(
            () -> assertThat(edge.records.getLast().failure()).contains(Failure.BREAKER_OPEN));

    edge.external.listen();
    await()
        .untilAsserted(() -> {
          client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
          assertThat(client.read().status()).isEqualTo(200);
        });
  }

  // --- cookies, and replicas that leave ---

  @Test
  void a_sticky_cookie_is_set_once_keeps_a_client_at_its_replica_and_tells_no_address()
      throws Exception {
    with(balanced(new Balance.Sticky("replica")));
    client.send(GET);
    var first = client.read();
    var cookie = first.header("Set-Cookie").orElseThrow();
    assertThat(cookie).matches("replica=[0-9a-f]{24}; Path=/; HttpOnly; SameSite=Lax");
    for (int i = 0; i < 4; i++) {
      client.send(
          "GET /data/a HTTP/1.1\r\nHost: a\r\nCookie: x=y; "
              + cookie.substring(0, cookie.indexOf(';'))
              + "\r\n\r\n");
      var again = client.read();
      assertThat(again.bodyText()).isEqualTo(first.bodyText());
      assertThat(again.header("Set-Cookie")).isEmpty();
    }
  }

  @Test
  void a_replica_that_leaves_finishes_what_it_has_and_is_listed_as_draining_then_as_down()
      throws Exception {
    with(retrying(UpstreamSettings.Retries.DEFAULT)); // however long it takes
    var go = new CountDownLatch(1);
    one.answering((request, wire) -> {
      wire.await(go);
      RecordingOrigin.ok("one").answer(request, wire);
    });
    try (var other = edge.client()) {
      client.send(GET);
      await().until(() -> asked(one).size() == 1);
      edge.gateway.replicas(
          List.of(
              Gateway.replica(
                  "storage-2",
                  "storage",
                  new Origin("127.0.0.1", two.port(), false),
                  "1",
                  Replica.State.UP,
                  java.time.Instant.EPOCH,
                  Optional.empty())));
      for (int i = 0; i < 4; i++) {
        other.send(GET);
        assertThat(other.read().bodyText()).isEqualTo("two");
      }
      other.send("GET /status?id=storage-1 HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(other.read().bodyText()).contains("\"draining\"");

      go.countDown();
      assertThat(client.read().bodyText()).isEqualTo("one");
      other.send("GET /status?id=storage-1 HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(other.read().bodyText()).contains("\"down\"");
    }
  }

  @Test
  void with_every_replica_down_a_route_that_fails_open_asks_one_all_the_same() throws Exception {
    one.refuse();
    await().until(() -> refuses(one));
    edge.replicas(one);
    client.send(GET);
    assertThat(client.read().status()).isEqualTo(503);
    client.send(GET);
    assertThat(client.read().bodyText()).contains("no-replica");

    routed(Route.Retry.OFF, Route.AllDown.FAIL_OPEN);
    client.send(GET);
    assertThat(client.read().bodyText()).contains("origin-refused");
  }

  // --- the settings of a test ---

  private int received() {
    return asked(one).size() + asked(two).size();
  }

  /// What clients asked of it; health checks come whenever it is time for one.
  private static List<String> asked(RecordingOrigin origin) {
    return origin.received().stream()
        .map(request -> request.target())
        .filter(target -> !target.equals("/healthz"))
        .toList();
  }

  /// The system may complete one more connection while a listener closes.
  private static boolean refuses(RecordingOrigin origin) {
    try (var _ = RawClient.connect(origin.port())) {
      return false;
    } catch (UncheckedIOException e) {
      return true;
    }
  }

  private Upstream storage() {
    return edge.gateway.upstreams().stream()
        .filter(upstream -> upstream.name().equals("storage"))
        .findFirst()
        .orElseThrow();
  }

  private static String post(String field) {
    return "POST /data/a HTTP/1.1\r\nHost: a\r\n" + field + "Content-Length: 2\r\n\r\n{}";
  }

  private void with(UpstreamSettings storage) throws IOException {
    edge.gateway.reconfigure(changed(usual -> storage, null));
  }

  private void routed(Route.Retry retry, Route.AllDown allDown) throws IOException {
    var settings = edge.settings();
    edge.gateway.reconfigure(
        edge.settings(
            settings.routes().stream()
                .map(route ->
                    new Route(
                        route.name(),
                        route.match(),
                        route.to(),
                        route.changes(),
                        route.maintenance(),
                        retry,
                        allDown,
                        route.authenticate(),
                        route.bodyLimit(),
                        route.connectTimeout(),
                        route.timeout(),
                        route.cache()))
                .toList()));
  }

  private Gateway.Settings changed(
      UnaryOperator<UpstreamSettings> storage,
      @org.jspecify.annotations.Nullable UpstreamSettings external) {
    var from = edge.settings();
    var origin = from.externals().values().iterator().next();
    return new Gateway.Settings(
        from.listeners(),
        from.only(),
        from.proxied(),
        from.limits(),
        from.routes(),
        from.services(),
        Map.of("storage", storage.apply(USUAL)),
        Map.of(
            "origin", external == null ? origin : new Gateway.External(origin.targets(), external)),
        from.pools(),
        from.secret(),
        from.trusted(),
        from.ways(),
        from.records(),
        from.cacheSize(),
        from.admission());
  }

  private static UpstreamSettings.Retries slowAfter(Duration time) {
    var usual = USUAL.retries();
    return new UpstreamSettings.Retries(
        usual.tries(),
        usual.percent(),
        usual.perSecond(),
        usual.statuses(),
        usual.idempotencyKey(),
        Optional.of(time));
  }

  private static UpstreamSettings retrying(UpstreamSettings.Retries retries) {
    return new UpstreamSettings(
        USUAL.balance(),
        USUAL.check(),
        USUAL.eject(),
        USUAL.breaker(),
        retries,
        USUAL.crowd(),
        USUAL.slowStart());
  }

  private static UpstreamSettings crowded(int perReplica, int queue, Duration patience) {
    return new UpstreamSettings(
        USUAL.balance(),
        USUAL.check(),
        USUAL.eject(),
        USUAL.breaker(),
        USUAL.retries(),
        new UpstreamSettings.Crowd(perReplica, queue, patience),
        USUAL.slowStart());
  }

  private static UpstreamSettings balanced(Balance balance) {
    return new UpstreamSettings(
        balance,
        USUAL.check(),
        USUAL.eject(),
        USUAL.breaker(),
        USUAL.retries(),
        USUAL.crowd(),
        USUAL.slowStart());
  }
}
