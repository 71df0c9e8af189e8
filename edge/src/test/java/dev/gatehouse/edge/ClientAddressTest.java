package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.Loops;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Whose address an origin is told, with and without proxies that are trusted.
final class ClientAddressTest {
  private static String told(boolean peerIsTrusted, String fields) throws IOException {
    try (var edge = new EdgeUnderTest(Loops.Transport.NIO);
        var client = edge.client()) {
      edge.external.answering(RecordingOrigin.ok(""));
      edge.gateway.reconfigure(
          edge.settings(
              List.of(
                  EdgeUnderTest.route(
                      "/**", new Route.Destination.External("origin"), Route.Authentication.NONE)),
              address ->
                  address.isLoopbackAddress()
                      ? peerIsTrusted
                      : address.getHostAddress().startsWith("10.")));
      client
          .send(
              "GET / HTTP/1.1\r\nHost: a\r\n"
                  + fields.replaceAll(";$", "").replaceAll(";(?=X-)", "\r\n")
                  + "\r\n\r\n")
          .read();
      return String.join(" and ", edge.external.lastReceived().headers("X-Forwarded-For"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          X-Forwarded-For: 192.0.2.1;                            | 192.0.2.1
          X-Forwarded-For: 192.0.2.1, 10.0.0.1;                  | 192.0.2.1
          X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1;         | 192.0.2.1
          X-Forwarded-For: 6.6.6.6;X-Forwarded-For: 192.0.2.1;   | 192.0.2.1
          X-Forwarded-For: 10.0.0.2, 10.0.0.1;                   | 10.0.0.2
          X-Forwarded-For: [2001:db8::1];                        | 2001:db8:0:0:0:0:0:1
          X-Forwarded-For: 6.6.6.6, not-an-address, 10.0.0.1;    | 10.0.0.1
          X-Forwarded-For: example.com;                          | 127.0.0.1
          X-Forwarded-For: ;                                     | 127.0.0.1
          X-Other: 192.0.2.1;                                    | 127.0.0.1
          Forwarded: for=192.0.2.1                               | 192.0.2.1
          Forwarded: for="192.0.2.1:4711"                        | 192.0.2.1
          Forwarded: for=6.6.6.6, for=192.0.2.1, For=10.0.0.1    | 192.0.2.1
          Forwarded: for="[2001:db8::1]:80"                      | 2001:db8:0:0:0:0:0:1
          Forwarded: for=6.6.6.6, for=_hidden, for=10.0.0.1      | 10.0.0.1
          Forwarded: for="6.6.6.6, for=7.7.7.7"                  | 127.0.0.1
          Forwarded: for=6.6.6.6, 192.0.2.1                      | 127.0.0.1
          Forwarded: for=6.6.6.6;X-Forwarded-For: 192.0.2.1;     | 192.0.2.1
          """)
  void behind_trusted_proxies_the_client_is_the_last_address_that_is_not_one_of_them(
      String fields, String told) throws IOException {
    // The client, then the proxies in between, and last the peer.
    var hops = told(true, fields).split(", ");
    assertThat(hops[0]).isEqualTo(told);
    assertThat(hops[hops.length - 1]).isEqualTo("127.0.0.1");
  }

  @ParameterizedTest
  @CsvSource({
    "X-Forwarded-For: 192.0.2.1;",
    "X-Forwarded-For: 10.0.0.1;",
    "Forwarded: for=192.0.2.1",
  })
  void what_a_stranger_claims_about_its_address_counts_for_nothing(String fields)
      throws IOException {
    assertThat(told(false, fields)).isEqualTo("127.0.0.1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          true  | X-Forwarded-Proto: https;X-Forwarded-Host: shop.example | https shop.example
          true  | Forwarded: for=1.2.3.4;proto=https                      | https a
          true  | X-Forwarded-Proto: gopher;X-Forwarded-Host: a b         | http a
          false | X-Forwarded-Proto: https;X-Forwarded-Host: shop.example | http a
          """)
  void how_and_what_the_client_asked_is_believed_from_trusted_proxies_only(
      boolean peerIsTrusted, String fields, String told) throws IOException {
    try (var edge = new EdgeUnderTest(Loops.Transport.NIO);
        var client = edge.client()) {
      edge.external.answering(RecordingOrigin.ok(""));
      edge.gateway.reconfigure(edge.settings(edge.settings().routes(), _ -> peerIsTrusted));
      client
          .send("GET / HTTP/1.1\r\nHost: a\r\n" + fields.replaceAll(";(?=X-)", "\r\n") + "\r\n\r\n")
          .read();
      var seen = edge.external.lastReceived();
      assertThat(
              seen.header("X-Forwarded-Proto").orElse("")
                  + " "
                  + seen.header("X-Forwarded-Host").orElse(""))
          .isEqualTo(told);
    }
  }
}
