package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.problem;
import static dev.gatehouse.testkit.RecordingOrigin.ok;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import dev.gatehouse.testkit.TestCertificates;
import dev.gatehouse.testkit.TestPostgres;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Origins that speak TLS, with good certificates and bad ones.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UpstreamTlsTest {
  private final TestCertificates certificates = TestCertificates.create();
  private final RecordingOrigin good =
      RecordingOrigin.start(certificates.serving("localhost")).answering(ok("secret"));
  private final RecordingOrigin expired =
      RecordingOrigin.start(certificates.servingExpired("localhost"));
  private final RecordingOrigin plain = RecordingOrigin.start();
  private final ServerSocket speaksNoTls = answeringAtOnce();
  private final ProgramUnderTest edge =
      ProgramUnderTest.assembly(
              """
              edge: {trusted-proxies: [127.0.0.0/8]}
              stats: {keep: false}
              upstreams:
                good: {url: "https://localhost:%1$d", tls: {ca: "%4$s"}}
                wrong-host: {url: "https://127.0.0.1:%1$d", tls: {ca: "%4$s"}}
                expired: {url: "https://localhost:%2$d", tls: {ca: "%4$s"}}
                unknown: {url: "https://localhost:%1$d"}
                plain: {url: "https://localhost:%5$d"}
                sees-host: {url: "http://127.0.0.1:%3$d", preserve-host: true}
              routes:
                - {match: {path: /good}, to: good}
                - {match: {path: /wrong-host}, to: wrong-host}
                - {match: {path: /expired}, to: expired}
                - {match: {path: /unknown}, to: unknown}
                - {match: {path: /plain}, to: plain}
                - {match: {path: /host}, to: sees-host}
                - {match: {path: /other-host}, to: sees-host, rewrite: {host: other.example}}
              """
                  .formatted(
                      good.port(),
                      expired.port(),
                      plain.port(),
                      certificates.ca(),
                      speaksNoTls.getLocalPort()))
          .with("GATEHOUSE_DATABASE", TestPostgres.emptyUrl())
          .with("GATEHOUSE_SECRET", "0123456789abcdef");
  private final Http http = new Http(edge.edgePort());

  @BeforeAll
  void start() {
    edge.start("run", "edge");
  }

  /// Answers what it is sent without reading it as anything, as a web server's plain port does.
  private static ServerSocket answeringAtOnce() {
    try {
      var socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread.ofVirtual()
          .start(() -> {
            while (!socket.isClosed()) {
              try (var connection = socket.accept()) {
                connection
                    .getOutputStream()
                    .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
                connection.getInputStream().transferTo(OutputStream.nullOutputStream());
              } catch (IOException gone) {
                // The edge hung up, or the test is over: the edge's answer is what is looked at.
              }
            }
          });
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterAll
  void close() throws IOException {
    speaksNoTls.close();
    edge.close();
    good.close();
    expired.close();
    plain.close();
  }

  @Test
  void an_origin_whose_certificate_is_good_is_asked_over_one_connection() {
    for (int i = 0; i < 10; i++) {
      assertThat(http.get("/good").body()).isEqualTo("secret");
    }
    assertThat(good.lastReceived().header("Host")).hasValue("localhost:" + good.port());
    // One for each event loop at most.
    assertThat(good.connections()).isLessThanOrEqualTo(Runtime.getRuntime().availableProcessors());
  }

  @ParameterizedTest
  @CsvSource({
    "/wrong-host, origin-misnamed, for another host",
    "/expired, origin-expired, has expired",
    "/unknown, origin-untrusted, no issuer that is trusted",
    "/plain, origin-tls, TLS with the origin",
  })
  void one_whose_certificate_is_not_is_502_and_told_why_in_answer_and_log(
      String path, String kind, String why) {
    int before = good.received().size();
    var answer = problem(http.get(path), 502);
    assertThat(answer.path("type").asString()).endsWith(":" + kind);
    assertThat(answer.path("detail").asString()).contains(why, path.substring(1));
    assertThat(edge.log())
        .containsPattern(
            "GET "
                + path
                + " on route .* answered 502: .*"
                + why
                + ".*\\("
                + path.substring(1)
                + ": ");
    assertThat(good.received()).hasSize(before);
  }

  @Test
  void the_client_s_host_is_preserved_where_the_upstream_wants_it_unless_the_route_says_other() {
    plain.answering(ok(""));
    http.get("/host");
    assertThat(plain.lastReceived().header("Host")).hasValue("127.0.0.1:" + edge.edgePort());
    http.get("/other-host");
    assertThat(plain.lastReceived().header("Host")).hasValue("other.example");
  }

  @Test
  void a_trusted_proxy_s_word_is_passed_on_and_what_its_client_claimed_is_not() {
    plain.answering(ok(""));
    var trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    http.get(
        "/host",
        "X-Forwarded-For",
        "6.6.6.6, 10.0.0.9, 127.0.0.7",
        "X-Forwarded-Proto",
        "https",
        "X-Forwarded-Host",
        "shop.example",
        "Forwarded",
        "for=6.6.6.6",
        "traceparent",
        trace,
        "tracestate",
        "a=1");
    var told = plain.lastReceived();
    assertThat(told.headers("X-Forwarded-For")).containsExactly("10.0.0.9, 127.0.0.7, 127.0.0.1");
    assertThat(told.headers("X-Forwarded-Proto")).containsExactly("https");
    assertThat(told.headers("X-Forwarded-Host")).containsExactly("shop.example");
    assertThat(told.headers("Forwarded"))
        .containsExactly(
            "for=10.0.0.9;host=\"shop.example\";proto=https, for=127.0.0.7, for=127.0.0.1");
    assertThat(told.headers("traceparent")).containsExactly(trace);
    assertThat(told.headers("tracestate")).containsExactly("a=1");

    http.get(
        "/host",
        "traceparent",
        "00-" + "0".repeat(32) + "-00f067aa0ba902b7-01",
        "tracestate",
        "a=1");
    assertThat(plain.lastReceived().headers("traceparent").getFirst())
        .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-00");
    assertThat(plain.lastReceived().headers("tracestate")).isEmpty();
  }
}
