package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import dev.gatehouse.testkit.Seeded;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What no honest client sends. Raw bytes go in; a clear 4xx comes out, or the connection ends, and
/// no second request is ever smuggled to an origin.
@ExtendWith(Shared.class)
class BadInputTest {
  private static final String SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

  private final Http http = Shared.edge();

  @BeforeEach
  void forget() {
    Shared.meli().answering(RecordingOrigin.ok("hello")).forget();
  }

  /// Requests whose end two parsers could see in two places: every one could carry a second
  /// request.
  static Stream<String> ambiguousFraming() {
    return Stream.of(
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "Content-Length: 5, 6\r\n\r\nhello",
            "Content-Length: +5\r\n\r\nhello",
            "Content-Length: -5\r\n\r\nhello",
            "Content-Length: 0x5\r\n\r\nhello",
            "Content-Length: 5 5\r\n\r\nhello",
            "Content-Length: 5.0\r\n\r\nhello",
            "Content-Length: \r\n\r\nhello",
            "Content-Length: 99999999999999999999\r\n\r\nhello",
            "Content-Length : 5\r\n\r\nhello",
            "Content-Length\t: 5\r\n\r\nhello",
            " Content-Length: 5\r\n\r\nhello",
            "Content-Length: 5\r\n 1\r\n\r\nhello",
            "Content-Length: 5\n\r\nhello",
            "Content-Length: 5\r\n\nhello",
            "Content-Length: 5\rX: y\r\n\r\nhello",
            "Content-Length: 5\u0000\r\n\r\nhello",
            "X: a\u0000b\r\nContent-Length: 5\r\n\r\nhello",
            "X: a\rContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
            "X y: a\r\nContent-Length: 5\r\n\r\nhello",
            "no colon here\r\nContent-Length: 5\r\n\r\nhello",
            ": nameless\r\nContent-Length: 5\r\n\r\nhello",
            "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n")
        .map(fields -> "Host: x\r\n" + fields);
  }

  @ParameterizedTest
  @MethodSource("ambiguousFraming")
  void a_smuggled_second_request_never_reaches_the_origin(String rest) {
    for (var path : List.of("/upstream", "/age", "/increment", "/data/p/d")) {
      var method = path.equals("/age") || path.startsWith("/data") ? "PUT" : "POST";
      try (var client = RawClient.connect(Shared.program().edgePort())) {
        client.trySend(
            (method + " " + path + " HTTP/1.1\r\n" + rest + SMUGGLED).getBytes(ISO_8859_1));
        var answer = client.read();
        assertThat(answer.status()).as(answer.toString()).isBetween(400, 499);
        assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
        assertThat(client.isClosedByPeer()).as("closed after " + answer).isTrue();
      }
    }
    assertThat(Shared.meli().received()).noneMatch(request -> request.target().equals("/smuggled"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET /x HTTP/1.1\nHost: a\n\n",
        "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\t/x\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET /x http/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /x HTTP/0.9\r\nHost: a\r\n\r\n",
        "GET /x ICY/1.1\r\nHost: a\r\n\r\n",
        "G(T /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n",
        "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      })
  void what_is_not_http_1_1_is_refused_and_the_connection_ends(String bytes) {
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.trySend((bytes + SMUGGLED).getBytes(ISO_8859_1));
      var answer = client.read();
      assertThat(answer.status()).as(answer.toString()).isIn(400, 405, 501, 505);
      assertThat(client.isClosedByPeer()).as("closed after " + answer).isTrue();
    }
    assertThat(Shared.meli().received()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../admin",
        "/a/../b",
        "/a/./b",
        "/..",
        "/.",
        "/a/..",
        "/%2e%2e/admin",
        "/a/%2E/b",
        "/.%2e/x",
        "/a\\b",
        "/a/%5c..%5cb",
        "/a%00b",
        "/%",
        "/%4",
        "/%zz",
        "/a%2",
        "/%ff",
        "/%c0%ae",
        "/%ed%a0%80",
        "/caf\u00e9",
        "/a#b",
        "/a\u007fb",
        "/a\u0001b",
        "/x?a=b#c",
        "/data/../age/x",
        "/data/%2e%2e/x",
        "/age/.",
        "/age/..",
        "/age/%2e%2e",
        "x",
        "//..//x"
      })
  void a_target_that_could_be_read_in_two_ways_is_400(String target) {
    var answer = raw("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    assertThat(answer.status()).as(answer.toString()).isEqualTo(400);
    assertThat(Shared.meli().received()).isEmpty();
  }

  @Test
  void an_encoded_slash_is_data_inside_its_segment() {
    assertThat(http.put("/data/a%2Fb/c%2Fd", "1").statusCode()).isIn(200, 201);
    assertThat(http.get("/data/a%2Fb").body()).isEqualTo("[\"c/d\"]");
    problem(http.get("/data/a/b/c"), 404);
    assertThat(http.delete("/data/a%2Fb/c%2Fd").statusCode()).isEqualTo(204);
  }

  @ParameterizedTest
  @ValueSource(strings = {"CONNECT x:80", "CONNECT /", "TRACE /", "TRACE /status"})
  void connect_and_trace_are_refused(String line) {
    var answer = raw(line + " HTTP/1.1\r\nHost: x\r\nX-Secret: echo\r\n\r\n");
    assertThat(answer.status()).isIn(400, 405, 501);
    assertThat(answer.toString()).doesNotContain("echo");
    assertThat(Shared.meli().received()).isEmpty();
  }

  @Test
  void a_request_line_has_at_most_8_kib() {
    assertThat(raw("GET /" + "a".repeat(8_000) + " HTTP/1.1\r\nHost: x\r\n\r\n").status())
        .isEqualTo(200);
    for (int length : new int[] {8_193, 100_000}) {
      var answer = raw("GET /" + "a".repeat(length) + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(answer.status()).isEqualTo(414);
      assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
    }
  }

  @Test
  void headers_have_at_most_16_kib_and_100_lines() {
    assertThat(raw("GET /x HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(15_000) + "\r\n\r\n").status())
        .isEqualTo(200);
    assertThat(raw("GET /x HTTP/1.1\r\nHost: x\r\n" + "X: a\r\n".repeat(90) + "\r\n").status())
        .isEqualTo(200);
    for (var fields :
        List.of(
            "X: " + "a".repeat(17_000) + "\r\n",
            "X: a\r\n".repeat(101),
            ("X: " + "a".repeat(1_000) + "\r\n").repeat(17),
            "X: " + "a".repeat(1 << 20) + "\r\n")) {
      var answer = raw("GET /status HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
      assertThat(answer.status()).isEqualTo(431);
      assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "PUT /age",
        "PUT /data/p/d",
        "POST /increment",
        "POST /api/users",
        "POST /api/sessions",
        "POST /multivac/data"
      })
  void a_huge_body_is_413_before_it_is_read(String line) {
    var split = line.split(" ");
    for (var framing : List.of("Content-Length: 10000000000", "Transfer-Encoding: chunked")) {
      try (var client = RawClient.connect(Shared.program().edgePort())) {
        client.send(
            line
                + " HTTP/1.1\r\nHost: x\r\nContent-Type: "
                + (split[1].equals("/multivac/data")
                    ? "application/x-www-form-urlencoded"
                    : "application/json")
                + "\r\n"
                + framing
                + "\r\n\r\n");
        if (framing.startsWith("T")) {
          var chunk = ("10000\r\n" + " ".repeat(0x10000) + "\r\n").getBytes(ISO_8859_1);
          boolean taken = true;
          for (int i = 0; taken && i < 400; i++) {
            taken = client.trySend(chunk);
          }
        }
        answer(client)
            .ifPresent(answer -> {
              assertThat(answer.status()).as(line + " " + framing).isEqualTo(413);
              assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
            });
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/data",
        "/data/p",
        "/data/p/d",
        "/age",
        "/age/n",
        "/cpu",
        "/local_program",
        "/increment",
        "/counters",
        "/counters/k",
        "/api/users",
        "/api/sessions",
        "/api/health",
        "/health",
        "/status",
        "/multivac",
        "/multivac/data",
        "/zzz",
        "/multivac/jobs"
      })
  void an_unknown_method_is_405_with_allow(String path) {
    var answer = http.send("BREW", path, BodyPublishers.noBody());
    problem(answer, 405);
    methodNotAllowed(answer, Http.header(answer, "Allow").split(", *"));
  }

  @Test
  void no_body_makes_a_500() {
    var lines =
        List.of(
            "PUT /age",
            "PUT /data/fuzz/d",
            "POST /increment",
            "POST /api/users",
            "POST /api/sessions",
            "POST /multivac/data");
    Seeded.check(
        150,
        random -> {
          var body = junk(random);
          for (var line : lines) {
            var parts = line.split(" ");
            var type =
                random.nextBoolean()
                    ? "application/json"
                    : random.nextBoolean()
                        ? "application/x-www-form-urlencoded"
                        : "multipart/form-data; boundary=" + random.nextInt(3);
            var answer =
                http.send(
                    parts[0], parts[1], BodyPublishers.ofByteArray(body), "Content-Type", type);
            assertThat(answer.statusCode())
                .as(line + " " + type + " " + new String(body, ISO_8859_1))
                .isLessThan(500);
          }
        });
  }

  @Test
  void no_bytes_make_a_500_and_the_edge_goes_on() {
    var seeds =
        List.of(
            "GET /data/partition1/identifier1?limit=1 HTTP/1.1\r\nHost: x\r\nIf-Match: \"1\"\r\n\r\n",
            "PUT /age HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{\"name\":\"fuzz\",\"age\":3}\n",
            "POST /increment HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "16\r\n{\"key\":\"f\",\"value\":10}\r\n0\r\n\r\n",
            "GET /api/sessions HTTP/1.1\r\nHost: x\r\nCookie: session=abc; a=b\r\n\r\n",
            "GET /counters?prefix=a&limit=2&after=%41 HTTP/1.1\r\nHost: x\r\n\r\n");
    Seeded.check(
        400,
        random -> {
          var bytes = seeds.get(random.nextInt(seeds.size())).getBytes(ISO_8859_1);
          for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
            bytes[random.nextInt(bytes.length)] = (byte) interesting(random);
          }
          try (var client = RawClient.connect(Shared.program().edgePort())) {
            client.trySend(bytes);
            client.halfClose();
            answer(client)
                .ifPresent(answer ->
                    assertThat(answer.status())
                        .as(new String(bytes, ISO_8859_1) + "\n->\n" + answer)
                        .isNotEqualTo(500));
          }
        });
    assertThat(http.get("/status").statusCode()).isEqualTo(200);
  }

  @Test
  void a_client_that_goes_away_in_the_middle_harms_nobody() {
    for (var part :
        List.of(
            "G",
            "GET /x HTTP/1.1\r\n",
            "GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
            "PUT /age HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
            "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")) {
      for (int i = 0; i < 20; i++) {
        RawClient.connect(Shared.program().edgePort()).send(part).reset();
        RawClient.connect(Shared.program().edgePort()).send(part).halfClose().close();
      }
    }
    assertThat(http.get("/x").statusCode()).isEqualTo(200);
    assertThat(http.get("/age/nobody").body()).isEqualTo("[]");
  }

  private static byte[] junk(Random random) {
    var pieces =
        List.of(
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"name\"",
            "\"age\"",
            "\"key\"",
            "\"value\"",
            "\"email\"",
            "\"password\"",
            "1",
            "-",
            "1e9999",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "null",
            "true",
            " ",
            "\\",
            "\"",
            "data=",
            "&",
            "%",
            "%00",
            "--1\r\n",
            "--1--",
            "\r\n\r\n",
            "Content-Disposition: form-data; name=\"data\"\r\n",
            "\u00ff",
            "\u0000",
            "[[[[[[[[");
    var text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      text.append(pieces.get(random.nextInt(pieces.size())));
    }
    return text.toString().getBytes(ISO_8859_1);
  }

  private static int interesting(Random random) {
    return random.nextBoolean()
        ? "\r\n\t \u0000\u00ff:;,%/\\\"'{}[]".charAt(random.nextInt(18))
        : random.nextInt(256);
  }

  private static HttpMessage raw(String request) {
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.trySend(request.getBytes(ISO_8859_1));
      return client.read();
    }
  }

  /// The next answer; empty when the connection ends without one.
  private static Optional<HttpMessage> answer(RawClient client) {
    try {
      return Optional.of(client.read());
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof java.net.SocketTimeoutException) {
        throw new AssertionError("neither an answer nor an end within the time", e);
      }
      return Optional.empty();
    }
  }
}
