package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.RecordingOrigin;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The path of a proxied request, on every transport this machine has.
final class ProxyTest {
  static Stream<Loops.Transport> transports() {
    return Arrays.stream(Loops.Transport.values()).filter(ProxyTest::here);
  }

  private static boolean here(Loops.Transport transport) {
    try (var loops = Loops.start(1, transport)) {
      return loops.transport() == transport;
    } catch (LinkageError | IllegalStateException e) {
      return false;
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void method_path_query_headers_body_and_status_pass_byte_for_byte(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      edge.external.answering(
          RecordingOrigin.bytes(
              "HTTP/1.1 418 Teapot\r\nX-A: 1\r\nX-A: 2\r\nConnection: X-Hop\r\nX-Hop: gone\r\nContent-Length: 4\r\n\r\nbody"));
      client.send(
          "PATCH /a%2Fb//c;d?x=%20&y HTTP/1.1\r\nHost: client.example\r\nX-B: 1\r\nConnection: X-Named\r\nX-Named: gone\r\n"
              + "X-Gatehouse-User: root\r\nX-Forwarded-For: 9.9.9.9\r\nCookie: a=b; session=secret; c=d\r\nContent-Length: 3\r\n\r\nabc");
      var answer = client.read();
      assertThat(answer.status()).isEqualTo(418);
      assertThat(answer.headers("X-A")).containsExactly("1", "2");
      assertThat(answer.header("X-Hop")).isEmpty();
      assertThat(answer.bodyText()).isEqualTo("body");
      var request = edge.external.lastReceived();
      assertThat(request.method()).isEqualTo("PATCH");
      assertThat(request.target()).isEqualTo("/a%2Fb//c;d?x=%20&y");
      assertThat(request.header("X-B")).contains("1");
      assertThat(request.header("X-Named")).isEmpty();
      assertThat(request.header("X-Gatehouse-User")).isEmpty();
      assertThat(request.header("X-Gatehouse-Secret")).isEmpty();
      assertThat(request.headers("X-Forwarded-For")).containsExactly("127.0.0.1");
      assertThat(request.header("X-Forwarded-Host")).contains("client.example");
      assertThat(request.header("Host")).contains("127.0.0.1:" + edge.external.port());
      assertThat(request.header("Cookie")).contains("a=b; c=d");
      assertThat(request.header("traceparent").orElse(""))
          .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-00");
      assertThat(request.bodyText()).isEqualTo("abc");
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_chunked_answer_with_trailers_an_early_hint_and_a_head_pass(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      edge.external.answering(
          RecordingOrigin.bytes(
              "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"));
      client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 103 ").contains("</a.css>");
      assertThat(client.readUntil("0\r\nX-T: 1\r\n\r\n")).contains("abc");
      edge.external.answering(
          RecordingOrigin.bytes("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"));
      client.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
      var head = client.readToHead();
      assertThat(head.header("Content-Length")).contains("1234");
      client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("hello");
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void an_origin_that_closes_in_mid_body_leaves_a_cut_answer_never_a_complete_one(
      Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport)) {
      for (var framing :
          new String[] {
            "Content-Length: 77\r\n\r\nshort\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"
          }) {
        edge.external.answering((request, wire) -> {
          wire.send("HTTP/1.1 200 OK\r\n" + framing);
          wire.close();
        });
        try (var client = edge.client()) {
          client.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
          assertThat(client.readUntil("short\r\n"))
              .contains("200 OK")
              .doesNotContain("\r\n0\r\n\r\n");
          assertThat(client.isClosedByPeer()).isTrue();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void who_failed_and_how_is_told_by_502_and_504(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      var never = new CountDownLatch(1);
      edge.external.answering((request, wire) -> wire.await(never));
      client.send("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(504);
      never.countDown();
      edge.external.answering(
          RecordingOrigin.bytes(
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"));
      client.send("GET /malformed HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(502);
      edge.external.refuse();
      client.send("GET /refused HTTP/1.1\r\nHost: a\r\n\r\n");
      var refused = client.read();
      assertThat(refused.status()).isEqualTo(502);
      assertThat(refused.bodyText())
          .contains("urn:gatehouse:problem:origin-refused")
          .contains("\"blame\":\"origin\"");
      await()
          .untilAsserted(() ->
              assertThat(edge.records)
                  .extracting(ExchangeRecord::failure)
                  .containsExactly(
                      Optional.of(Failure.ORIGIN_SILENT),
                      Optional.of(Failure.ORIGIN_MALFORMED),
                      Optional.of(Failure.ORIGIN_REFUSED)));
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_large_body_streams_both_ways(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      var large = "x".repeat(3_000_000);
      edge.external.answering(
          RecordingOrigin.bytes(
              "HTTP/1.1 200 OK\r\nContent-Length: " + large.length() + "\r\n\r\n" + large));
      client.send(
          "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: "
              + large.length()
              + "\r\n\r\n"
              + large);
      assertThat(client.read().bodyText()).hasSize(large.length());
      assertThat(edge.external.lastReceived().bodyText()).hasSize(large.length());
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void replicas_take_turns_and_one_that_refuses_is_passed_over(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var one = RecordingOrigin.start();
        var two = RecordingOrigin.start();
        var client = edge.client()) {
      one.answering(RecordingOrigin.ok("one"));
      two.answering(RecordingOrigin.ok("two"));
      edge.replicas(one, two);
      for (int i = 0; i < 6; i++) {
        client.send("GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.read().bodyText()).isEqualTo(i % 2 == 0 ? "one" : "two");
      }
      one.refuse();
      one.cutAll();
      for (int i = 0; i < 4; i++) {
        client.send("PUT /data/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
        assertThat(client.read().bodyText()).isEqualTo("two");
      }
      two.refuse();
      two.cutAll();
      client.send("GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n");
      var none = client.read();
      assertThat(none.status()).isEqualTo(503);
      assertThat(none.header("Retry-After")).isPresent();
      client.send("GET /status?appName=STORAGE HTTP/1.1\r\nHost: a\r\n\r\n");
      var status = client.read();
      assertThat(status.status()).isEqualTo(200);
      assertThat(status.bodyText()).contains("storage-1", "storage-2").doesNotContain("\"up\"");
      two.listen();
      await()
          .untilAsserted(() -> {
            client.send("GET /data/a HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.read().bodyText()).isEqualTo("two");
          });
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_session_lets_in_and_its_user_cannot_be_forged(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      client.send("GET /mine HTTP/1.1\r\nHost: a\r\nX-Gatehouse-User: root\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(401);
      client.send("GET /mine HTTP/1.1\r\nHost: a\r\nCookie: session=bad\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(401);
      client.send(
          "GET /mine HTTP/1.1\r\nHost: a\r\nX-Gatehouse-User: root\r\nCookie: session=good\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("user-1");
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_foreign_page_cannot_act_with_the_session(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      for (var field : new String[] {"Origin: http://evil.example", "Sec-Fetch-Site: cross-site"}) {
        client.send(
            "DELETE /mine HTTP/1.1\r\nHost: a\r\n" + field + "\r\nCookie: session=good\r\n\r\n");
        assertThat(client.read().status()).as(field).isEqualTo(403);
      }
      client.send(
          "DELETE /mine HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: session=good\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(405);
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void a_reserved_prefix_never_falls_through_to_the_origin(Loops.Transport transport) {
    try (var edge = new EdgeUnderTest(transport);
        var client = edge.client()) {
      for (var path : new String[] {"/echo/more", "/admin", "/metrics", "/status/x", "/healthy"}) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.read().status()).as(path).isEqualTo(404);
      }
      assertThat(edge.external.received()).isEmpty();
    }
  }
}
