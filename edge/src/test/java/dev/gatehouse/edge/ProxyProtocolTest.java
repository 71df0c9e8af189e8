package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.ProxiedListeners.Refused;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The PROXY protocol on the wire: whom a connection is taken for.
final class ProxyProtocolTest {
  private static final String REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
  private static final Map<Refused, Long> NOBODY =
      Map.of(Refused.UNTRUSTED, 0L, Refused.MALFORMED, 0L, Refused.LATE, 0L);

  private final EdgeUnderTest edge = new EdgeUnderTest(Loops.Transport.NIO);

  @BeforeEach
  void listen_behind_a_trusted_proxy() throws IOException {
    edge.external.answering(RecordingOrigin.ok(""));
    serve(true, HttpLimits.DEFAULT);
  }

  @AfterEach
  void close() {
    edge.close();
  }

  /// Besides the peer, networks that begin with 10 are trusted.
  private void serve(boolean peerIsTrusted, HttpLimits limits) throws IOException {
    edge.gateway.reconfigure(
        edge.settings(
            edge.settings().routes(),
            address ->
                address.isLoopbackAddress()
                    ? peerIsTrusted
                    : address.getHostAddress().startsWith("10."),
            Set.of("main"),
            limits));
  }

  /// Text, or after `hex:` bytes in hexadecimal; `\r\n` where it is written so.
  private static byte[] bytes(String written) {
    var parts = written.replace("\\r", "\r").replace("\\n", "\n").split("hex:", 2);
    var all = new ByteArrayOutputStream();
    all.writeBytes(parts[0].getBytes(StandardCharsets.ISO_8859_1));
    if (parts.length > 1) {
      all.writeBytes(
          HexFormat.of().parseHex(parts[1].replace("SIGNATURE", SIGNATURE).replace(" ", "")));
    }
    return all.toByteArray();
  }

  private List<String> told() {
    return List.of(
        String.join(", ", edge.external.lastReceived().headers("X-Forwarded-For")).split(", "));
  }

  private static void ok(HttpMessage answer) {
    assertThat(answer.status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          PROXY TCP4 192.0.2.1 192.0.2.9 56324 80\\r\\n                                  | 192.0.2.1
          PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\\r\\n                    | 255.255.255.255
          PROXY TCP6 2001:db8::1 2001:db8::2 56324 80\\r\\n                               | 2001:db8:0:0:0:0:0:1
          PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\\r\\n                                       | 192.0.2.1
          PROXY UNKNOWN\\r\\n                                                             | 127.0.0.1
          PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\\r\\n                  | 127.0.0.1
          hex:SIGNATURE 21 11 000c c0000201 c0000209 dc04 0050                              | 192.0.2.1
          hex:SIGNATURE 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 0050 | 2001:db8:0:0:0:0:0:1
          hex:SIGNATURE 21 21 0024 00000000000000000000ffffc0000201 00000000000000000000ffffc0000209 dc04 0050 | 192.0.2.1
          hex:SIGNATURE 21 11 0013 c0000201 c0000209 dc04 0050 04 0004 00000000             | 192.0.2.1
          hex:SIGNATURE 21 11 000f c0000201 c0000209 dc04 0050 20ffff                       | 192.0.2.1
          hex:SIGNATURE 20 00 0000                                                          | 127.0.0.1
          hex:SIGNATURE 20 11 000c c0000201 c0000209 dc04 0050                              | 127.0.0.1
          hex:SIGNATURE 21 00 0000                                                          | 127.0.0.1
          hex:SIGNATURE 21 00 0003 010203                                                   | 127.0.0.1
          hex:SIGNATURE 21 31 0000                                                          | 127.0.0.1
          """)
  void the_client_is_whom_the_header_names_however_it_arrives(String header, String client) {
    var whole = new ByteArrayOutputStream();
    whole.writeBytes(bytes(header));
    whole.writeBytes(REQUEST.getBytes(StandardCharsets.ISO_8859_1));
    try (var together = edge.client()) {
      ok(together.send(whole.toByteArray()).read());
      assertThat(told()).containsExactly(client);
      // Further requests of the connection are the same client's.
      ok(together.send(REQUEST).read());
      assertThat(told()).containsExactly(client);
    }
    try (var byBytes = edge.client()) {
      for (byte one : whole.toByteArray()) {
        byBytes.send(new byte[] {one});
      }
      ok(byBytes.read());
      assertThat(told()).containsExactly(client);
    }
    assertThat(edge.gateway.refusedProxied()).isEqualTo(NOBODY);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n
          proxy TCP4 192.0.2.1 192.0.2.9 1 2\\r\\n
          PROXY  TCP4 192.0.2.1 192.0.2.9 1 2\\r\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 1 2 \\r\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 1\\r\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 1 2\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 +1 2\\r\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 65536 2\\r\\n
          PROXY TCP4 192.0.2.1 192.0.2.9 01 2\\r\\n
          PROXY TCP4 256.0.2.1 192.0.2.9 1 2\\r\\n
          PROXY TCP4 010.0.2.1 192.0.2.9 1 2\\r\\n
          PROXY TCP4 192.513 192.0.2.9 1 2\\r\\n
          PROXY TCP4 2001:db8::1 2001:db8::2 1 2\\r\\n
          PROXY TCP4 example.com 192.0.2.9 1 2\\r\\n
          PROXY TCP6 ::1%lo ::1 1 2\\r\\n
          PROXY TCP6 [::1] ::1 1 2\\r\\n
          PROXY UDP4 192.0.2.1 192.0.2.9 1 2\\r\\n
          PROXY UNKNOWN 12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345\\r\\n
          hex:SIGNATURE 11 11 000c c0000201 c0000209 dc04 0050
          hex:SIGNATURE 22 11 000c c0000201 c0000209 dc04 0050
          hex:SIGNATURE 21 12 000c c0000201 c0000209 dc04 0050
          hex:SIGNATURE 21 41 000c c0000201 c0000209 dc04 0050
          hex:SIGNATURE 21 11 0008 c0000201 c0000209
          hex:SIGNATURE 21 21 000c c0000201 c0000209 dc04 0050
          hex:SIGNATURE 21 11 1001
          hex:0d0a0d0a000d0a515549540b 21 11 000c c0000201 c0000209 dc04 0050
          hex:0d0a0d0a47
          X
          """)
  void what_is_no_header_closes_the_connection_and_is_counted(String garbage) {
    try (var client = edge.client()) {
      client.trySend(bytes(garbage));
      client.trySend(REQUEST.getBytes(StandardCharsets.ISO_8859_1));
      assertThat(client.isClosedByPeer()).isTrue();
    }
    assertThat(edge.external.received()).isEmpty();
    assertThat(edge.gateway.refusedProxied()).containsEntry(Refused.MALFORMED, 1L);
  }

  @ParameterizedTest
  @CsvSource({
    "PROXY TCP4 192.0.2.1 192.0.2.9 1 2\\r",
    "P",
    "hex:0d",
    "hex:SIGNATURE 21 11 000c c0000201 c0000209 dc04 00",
  })
  void a_header_that_does_not_end_is_waited_for_as_long_as_for_a_head(String part)
      throws IOException {
    try (var client = edge.client()) {
      client.send(bytes(part));
      client.close();
      await()
          .untilAsserted(
              () -> assertThat(edge.gateway.refusedProxied()).containsEntry(Refused.MALFORMED, 1L));
    }
    var usual = HttpLimits.DEFAULT;
    serve(
        true,
        new HttpLimits(
            usual.line(),
            usual.headers(),
            usual.headerLines(),
            Duration.ofMillis(200),
            usual.idleTimeout(),
            usual.stallTimeout()));
    try (var client = edge.client()) {
      client.send(bytes(part));
      assertThat(client.isClosedByPeer()).isTrue();
    }
    assertThat(edge.gateway.refusedProxied()).containsEntry(Refused.LATE, 1L);
    assertThat(edge.external.received()).isEmpty();
  }

  @Test
  void nobody_but_a_trusted_proxy_is_believed_or_served() throws IOException {
    serve(false, HttpLimits.DEFAULT);
    try (var client = edge.client()) {
      client.trySend(bytes("PROXY TCP4 192.0.2.1 192.0.2.9 1 2\\r\\n" + REQUEST));
      assertThat(client.isClosedByPeer()).isTrue();
    }
    assertThat(edge.external.received()).isEmpty();
    assertThat(edge.gateway.refusedProxied()).containsEntry(Refused.UNTRUSTED, 1L);
  }

  @Test
  void a_connection_that_says_nothing_is_nothing() {
    edge.client().close();
    try (var client = edge.client()) {
      ok(client.send("PROXY UNKNOWN\r\n" + REQUEST).read());
    }
    assertThat(edge.gateway.refusedProxied()).isEqualTo(NOBODY);
  }

  /// Whose word about the client counts: that of whom the header names, if that is a trusted proxy
  /// itself.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          PROXY TCP4 192.0.2.1 192.0.2.9 1 2\\r\\n | 192.0.2.1
          PROXY TCP4 10.0.0.1 192.0.2.9 1 2\\r\\n  | 6.6.6.6, 10.0.0.1
          PROXY UNKNOWN\\r\\n                      | 127.0.0.1
          hex:SIGNATURE 21 00 0000                    | 127.0.0.1
          hex:SIGNATURE 20 00 0000                    | 6.6.6.6, 127.0.0.1
          """)
  void what_the_client_claims_about_its_address_counts_for_nothing(String header, String told) {
    try (var client = edge.client()) {
      client.send(bytes(header));
      ok(client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n").read());
    }
    assertThat(String.join(", ", told())).isEqualTo(told);
  }

  @Test
  void a_second_header_and_one_to_a_plain_listener_are_bad_requests() throws IOException {
    var header = "PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n";
    try (var client = edge.client()) {
      assertThat(client.send(header + header + REQUEST).read().status()).isEqualTo(400);
      assertThat(client.isClosedByPeer()).isTrue();
    }
    edge.gateway.reconfigure(
        edge.settings(edge.settings().routes(), InetAddress::isLoopbackAddress));
    try (var client = edge.client()) {
      assertThat(client.send(header + REQUEST).read().status()).isEqualTo(400);
    }
    assertThat(edge.external.received()).isEmpty();
  }

  @Test
  void a_reload_concerns_new_connections_only() throws IOException {
    try (var old = edge.client()) {
      ok(old.send("PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n" + REQUEST).read());
      edge.gateway.reconfigure(edge.settings());
      ok(old.send(REQUEST).read());
      assertThat(told()).containsExactly("192.0.2.1");
      try (var plain = edge.client()) {
        ok(plain.send(REQUEST).read());
        assertThat(told()).containsExactly("127.0.0.1");
      }
    }
  }

  @Test
  void a_client_may_rest_between_the_header_and_its_first_request() throws IOException {
    var usual = HttpLimits.DEFAULT;
    serve(
        true,
        new HttpLimits(
            usual.line(),
            usual.headers(),
            usual.headerLines(),
            Duration.ofMillis(200),
            usual.idleTimeout(),
            usual.stallTimeout()));
    try (var resting = edge.client();
        var late = edge.client()) {
      resting.send("PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n");
      // The second one's time is over after the first one's would be.
      late.send("P");
      assertThat(late.isClosedByPeer()).isTrue();
      ok(resting.send(REQUEST).read());
    }
  }
}
