package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What two parsers could read in two ways is refused, the connection is closed, and the origin
/// never hears of it.
final class FramingTest {
  private static final EdgeUnderTest EDGE = new EdgeUnderTest(Loops.Transport.NIO);
  private static final String SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

  @AfterAll
  static void close() {
    EDGE.close();
  }

  @BeforeEach
  void forget() {
    EDGE.external.forget();
  }

  static Stream<Arguments> ambiguous() {
    return Stream.of(
        refused(
            "both lengths",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        refused(
            "two lengths",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n"),
        refused(
            "a list of lengths",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 44\r\n\r\n"),
        refused("a signed length", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n"),
        refused(
            "a negative length", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        refused(
            "a hexadecimal length",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2c\r\n\r\n"),
        refused(
            "an unknown coding",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
        refused(
            "two codings",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        refused(
            "chunked twice",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        refused(
            "a coding in HTTP/1.0",
            400,
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        refused(
            "space before the colon",
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 44\r\n\r\n"),
        refused("bare line feeds", 400, "GET / HTTP/1.1\nHost: a\n\n"),
        refused("a bare carriage return", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        refused("no host", 400, "GET / HTTP/1.1\r\n\r\n"),
        refused("two hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        refused("a host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        refused("a NUL in a value", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        refused("a version of the future", 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
        refused("garbage", 400, "\1\2\3\r\n\r\n"),
        refused("a dot segment", 400, "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("an encoded dot segment", 400, "GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("a backslash", 400, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("a broken escape", 400, "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("a cut escape", 400, "GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused("CONNECT", 405, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        refused("TRACE", 405, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused(
            "an unknown expectation",
            417,
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx"),
        refused("a long line", 414, "GET /" + "a".repeat(9000) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused(
            "large headers",
            431,
            "GET / HTTP/1.1\r\nHost: a\r\nX: " + "a".repeat(17000) + "\r\n\r\n"),
        refused(
            "many headers",
            431,
            "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n".repeat(101) + "\r\n"));
  }

  private static Arguments refused(String what, int status, String wire) {
    return Arguments.of(what, status, wire);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ambiguous")
  void is_refused_and_a_smuggled_second_request_never_reaches_the_origin(
      String what, int status, String wire) {
    try (var client = EDGE.client()) {
      client.trySend((wire + SMUGGLED).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      var answer = client.read();
      assertThat(answer.status()).as(what).isEqualTo(status);
      assertThat(answer.header("Content-Type")).contains("application/problem+json");
      assertThat(answer.header("X-Request-Id")).isPresent();
      assertThat(client.isClosedByPeer()).isTrue();
    }
    assertThat(EDGE.external.received()).isEmpty();
  }

  @Test
  void a_broken_chunk_cuts_the_upload_and_the_origin_never_sees_it_complete() {
    try (var client = EDGE.client()) {
      client.send(
          "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n"
              + SMUGGLED);
      assertThat(client.read().status()).isEqualTo(400);
      assertThat(client.isClosedByPeer()).isTrue();
    }
    assertThat(EDGE.external.received()).noneMatch(request -> request.target().equals("/smuggled"));
  }

  @Test
  void a_body_without_a_length_and_without_chunks_is_a_body_of_nothing() {
    EDGE.external.answering(RecordingOrigin.ok(""));
    try (var client = EDGE.client()) {
      client.send("POST /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(200);
      assertThat(client.read().status()).isEqualTo(200);
    }
    var received = EDGE.external.received();
    assertThat(received).hasSize(2);
    assertThat(received.getFirst().target()).isEqualTo("/first");
    assertThat(received.getFirst().bodyText()).isEmpty();
    assertThat(received.getLast().target()).isEqualTo("/second");
  }

  /// Whoever sends more than a head may have gets 431 at once; what comes after it is read and
  /// dropped for a moment, or met by a closed connection.
  @Test
  void a_mebibyte_of_headers_is_refused_and_not_kept() {
    int clients = 32;
    byte[] line = ("X-A: " + "a".repeat(1017) + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    var all = new ArrayList<RawClient>();
    long before = memory();
    long most = 0;
    try {
      for (int i = 0; i < clients; i++) {
        var client = EDGE.client();
        all.add(client);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n");
        boolean open = true;
        for (int sent = 0; sent < 1 << 20 && open; sent += line.length) {
          open = client.trySend(line);
        }
        most = Math.max(most, memory() - before);
      }
      for (var client : all) {
        // A reset may destroy the answer of a client that goes on sending.
        assertThat(client.answerIfAny().map(HttpMessage::status).orElse(431)).isEqualTo(431);
      }
    } finally {
      all.forEach(RawClient::close);
    }
    assertThat(EDGE.external.received()).isEmpty();
    assertThat(most).isLessThan(clients * (1L << 20) / 4);
  }

  /// What Netty's buffers take, in bytes.
  private static long memory() {
    var metric = ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT).metric();
    return metric.usedDirectMemory() + metric.usedHeapMemory();
  }

  @Test
  void an_encoded_backslash_is_data_for_us_and_never_reaches_a_foreign_origin() {
    try (var client = EDGE.client()) {
      client.send("GET /a%5cb HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(400);
      client.send("GET /data/a%5cb HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(503);
    }
    assertThat(EDGE.external.received()).isEmpty();
  }

  @Test
  void pipelined_requests_are_answered_in_order() {
    try (var client = EDGE.client()) {
      client.send(
          "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
              + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
              + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("hello");
      assertThat(client.read().bodyText()).isEqualTo("abc");
      assertThat(client.read().bodyText()).isEqualTo("{\"status\":\"ok\"}");
    }
  }

  @Test
  void an_expected_continue_is_sent_before_the_body_and_only_then() {
    try (var client = EDGE.client()) {
      client.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
      assertThat(client.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 100 ");
      client.send("abc");
      assertThat(client.read().bodyText()).isEqualTo("abc");
    }
    try (var client = EDGE.client()) {
      client.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n");
      var answer = client.read();
      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.header("Connection")).contains("close");
    }
  }

  @Test
  void http_1_0_is_answered_and_closed_unless_it_asks_otherwise() {
    try (var client = EDGE.client()) {
      client.send("GET /echo HTTP/1.0\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("hello");
      assertThat(client.isClosedByPeer()).isTrue();
    }
    try (var client = EDGE.client()) {
      client.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertThat(client.read().header("Connection")).contains("keep-alive");
      client.send("GET /echo HTTP/1.0\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("hello");
    }
  }

  @Test
  void a_handler_that_breaks_answers_500_and_tells_nothing() {
    try (var client = EDGE.client()) {
      client.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
      var answer = client.read();
      assertThat(answer.status()).isEqualTo(500);
      assertThat(answer.bodyText()).doesNotContain("secret detail").doesNotContain("Exception");
    }
  }

  @Test
  void an_absolute_target_names_the_host_and_reaches_the_route() {
    try (var client = EDGE.client()) {
      client.send("GET http://b.example/echo HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.read().bodyText()).isEqualTo("hello");
    }
  }

  @Test
  void a_wrong_method_is_405_with_allow_and_the_connection_stays() {
    try (var client = EDGE.client()) {
      client.send("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
      var answer = client.read();
      assertThat(answer.status()).isEqualTo(405);
      assertThat(answer.header("Allow")).contains("GET, HEAD, POST, PUT");
      assertThat(client.read().status()).isEqualTo(200);
    }
  }
}
