package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.problem;
import static dev.gatehouse.testkit.RecordingOrigin.bytes;
import static dev.gatehouse.testkit.RecordingOrigin.ok;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import dev.gatehouse.testkit.RecordingOrigin;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class ProxyContractTest {
  private final Http http = Shared.edge();
  private final RecordingOrigin meli = Shared.meli();

  @BeforeEach
  @AfterEach
  void answers_again() {
    meli.answering(ok("hello"));
    await().atMost(Duration.ofSeconds(30)).until(() -> http.get("/again").statusCode() == 200);
    meli.forget();
  }

  @Test
  void what_no_other_route_takes_goes_to_the_upstream() {
    meli.answering(
        bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd: a\r\nx-odd: b\r\n"
                + "ETag: W/\"1\"\r\nContent-Length: 8\r\n\r\n{\"a\":1} "));
    var response = http.get("/categories/MLA97994");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("{\"a\":1} ");
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    assertThat(header(response, "ETag")).isEqualTo("W/\"1\"");
    assertThat(response.headers().allValues("X-Odd")).containsExactly("a", "b");
    assertThat(meli.received()).hasSize(1);
    assertThat(meli.lastReceived().startLine()).isEqualTo("GET /categories/MLA97994 HTTP/1.1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a//b/",
        "/%41%7e~/%2f/%2F",
        "/x?",
        "/x??a=b&&c=%zz;[]|{}\"<>^`",
        "/x?a=../..&b=%2e%2e",
        "/a;v=1/b,c/:d@e/!$&'()*+=",
        "/caf%C3%A9",
        "/items/MLA%20%2B",
      })
  void path_and_query_reach_it_byte_for_byte(String target) {
    assertThat(raw("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").status()).isEqualTo(200);
    assertThat(meli.lastReceived().target()).isEqualTo(target);
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"})
  void the_method_is_kept(String method) {
    var body = method.equals("POST") || method.startsWith("P") ? "Content-Length: 0\r\n" : "";
    assertThat(raw(method + " /m HTTP/1.1\r\nHost: x\r\n" + body + "\r\n").status()).isEqualTo(200);
    assertThat(meli.lastReceived().method()).isEqualTo(method);
  }

  @Test
  void a_body_of_a_known_length_arrives_as_it_was() {
    var body = "\u0000\u00ff\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    raw(
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body);
    assertThat(new String(meli.lastReceived().body(), java.nio.charset.StandardCharsets.ISO_8859_1))
        .isEqualTo(body);
    assertThat(meli.lastReceived().header("Content-Length")).hasValue("" + body.length());
    assertThat(meli.lastReceived().header("Content-Type")).hasValue("a/b");
    assertThat(meli.received()).hasSize(1);
  }

  @Test
  void a_chunked_body_and_its_trailers_arrive() {
    raw(
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n");
    var request = meli.lastReceived();
    assertThat(request.bodyText()).isEqualTo("abcde");
    assertThat(request.trailers()).contains(new HttpMessage.Field("X-Sum", "5"));
    assertThat(request.header("Content-Length")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      ints = {200, 201, 206, 301, 302, 307, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 599})
  void the_status_and_the_body_come_back_and_no_redirect_is_followed(int status) {
    meli.answering(
        bytes(
            "HTTP/1.1 "
                + status
                + " Because\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nhi"));
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      var response = client.send("POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").read();
      assertThat(response.status()).isEqualTo(status);
      assertThat(response.bodyText()).isEqualTo("hi");
      assertThat(response.header("Location")).hasValue("/elsewhere");
    }
    assertThat(meli.received()).hasSize(1);
  }

  @Test
  void nothing_is_cached() {
    meli.answering(
        bytes("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nhi"));
    http.get("/cached");
    http.get("/cached");
    assertThat(meli.received()).hasSize(2);
  }

  @Test
  void headers_pass_but_hop_by_hop_ones_do_not() {
    meli.answering(
        bytes(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                + "Proxy-Connection: x\r\nX-End: 1\r\nServer: origin/1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                + "Content-Length: 2\r\n\r\nhi"));
    var response =
        raw(
            "GET /h HTTP/1.1\r\nHost: shop.example:81\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\n"
                + "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
                + "Proxy-Authorization: Basic x\r\nUpgrade: h2c\r\nX-End: one\r\nx-end: two\r\n"
                + "Accept-Encoding: gzip\r\nAuthorization: Bearer t\r\nUser-Agent: me\r\n\r\n");
    var request = meli.lastReceived();
    assertThat(request.headers("X-End")).containsExactly("one", "two");
    assertThat(request.header("Accept-Encoding")).hasValue("gzip");
    assertThat(request.header("Authorization")).hasValue("Bearer t");
    assertThat(request.header("User-Agent")).hasValue("me");
    assertThat(request.header("Host")).hasValue("127.0.0.1:" + meli.port());
    assertThat(names(request))
        .doesNotContain(
            "x-hop", "keep-alive", "proxy-connection", "upgrade", "proxy-authorization", "te");
    assertThat(response.header("X-End")).hasValue("1");
    assertThat(response.header("Server")).hasValue("origin/1");
    assertThat(response.headers("Set-Cookie")).containsExactly("a=1", "b=2");
    assertThat(names(response)).doesNotContain("x-hop", "keep-alive", "proxy-connection");
  }

  @Test
  void who_asked_and_how_is_told_and_a_client_s_own_word_is_not_believed() {
    raw(
        "GET /f HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6\r\n"
            + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n"
            + "X-Gatehouse-User: root\r\nX-Gatehouse-Secret: x\r\n\r\n");
    var request = meli.lastReceived();
    assertThat(request.headers("X-Forwarded-For")).containsExactly("127.0.0.1");
    assertThat(request.headers("X-Forwarded-Proto")).containsExactly("http");
    assertThat(request.headers("X-Forwarded-Host")).containsExactly("shop.example");
    assertThat(request.headers("Forwarded")).hasSize(1);
    assertThat(request.headers("Forwarded").getFirst()).doesNotContain("6.6.6.6").contains("for=");
    assertThat(request.headers("traceparent")).hasSize(1);
    assertThat(request.headers("traceparent").getFirst())
        .matches("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");
    assertThat(names(request)).noneMatch(name -> name.startsWith("x-gatehouse"));
  }

  @Test
  void gatehouse_s_own_cookie_is_not_passed_on_and_others_are() {
    raw("GET /c HTTP/1.1\r\nHost: x\r\nCookie: a=1; session=secret; b=2\r\n\r\n");
    assertThat(String.join("; ", meli.lastReceived().headers("Cookie"))).isEqualTo("a=1; b=2");
    raw("GET /c HTTP/1.1\r\nHost: x\r\nCookie: session=secret\r\n\r\n");
    assertThat(names(meli.lastReceived())).doesNotContain("cookie");
    raw("GET /c HTTP/1.1\r\nHost: x\r\nCookie: a=1; __Host-session=secret\r\n\r\n");
    assertThat(meli.lastReceived().toString()).doesNotContain("secret");
    raw("GET /c HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: session=secret;c=3\r\n\r\n");
    assertThat(meli.lastReceived().toString()).doesNotContain("secret").contains("a=1", "c=3");
  }

  @Test
  void a_request_s_own_id_is_kept_when_it_is_a_plain_token() {
    var kept = raw("GET /i HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc-1.2_3\r\n\r\n");
    assertThat(kept.headers("X-Request-Id")).containsExactly("abc-1.2_3");
    for (var bad : List.of("a b", "x".repeat(129), "a\"b", "")) {
      var made = raw("GET /i HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + bad + "\r\n\r\n");
      assertThat(made.headers("X-Request-Id")).hasSize(1);
      assertThat(made.header("X-Request-Id").orElseThrow()).isNotEqualTo(bad).isNotBlank();
    }
  }

  @Test
  void a_head_request_has_the_length_and_no_body() {
    meli.answering(bytes("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"));
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      var head = client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n").readToHead();
      assertThat(head.header("Content-Length")).hasValue("12345");
      meli.answering(ok("next"));
      assertThat(client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\n").read().bodyText())
          .isEqualTo("next");
    }
    assertThat(meli.received().getFirst().method()).isEqualTo("HEAD");
  }

  @Test
  void answers_without_a_body_keep_the_connection_usable() {
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      for (var status : List.of("204 No Content", "304 Not Modified")) {
        meli.answering(bytes("HTTP/1.1 " + status + "\r\nETag: \"1\"\r\n\r\n"));
        var answer = client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\n").read();
        assertThat(answer.startLine()).contains(status.substring(0, 3));
        assertThat(answer.header("Transfer-Encoding")).isEmpty();
      }
      meli.answering(ok("next"));
      assertThat(client.send("GET /n HTTP/1.1\r\nHost: x\r\n\r\n").read().bodyText())
          .isEqualTo("next");
    }
  }

  @Test
  void a_chunked_answer_with_trailers_and_an_early_hint_pass() {
    meli.answering(
        bytes(
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                + "5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"));
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.send("GET /t HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n");
      var hint = client.read();
      assertThat(hint.status()).isEqualTo(103);
      assertThat(hint.header("Link")).hasValue("</a.css>; rel=preload");
      var answer = client.read();
      assertThat(answer.bodyText()).isEqualTo("hello");
      assertThat(answer.trailers()).contains(new HttpMessage.Field("X-Sum", "5"));
    }
  }

  @Test
  void an_answer_that_ends_with_the_connection_is_passed_whole() {
    meli.answering((request, wire) -> wire.send("HTTP/1.1 200 OK\r\n\r\nuntil the end").close());
    assertThat(http.get("/eof").body()).isEqualTo("until the end");
  }

  @Test
  void bodies_stream_and_are_not_gathered() {
    var go = new CountDownLatch(1);
    meli.answering((request, wire) ->
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await(go)
            .send("6\r\nsecond\r\n0\r\n\r\n"));
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.send("GET /s HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.readUntil("first")).startsWith("HTTP/1.1 200").contains("first");
      go.countDown();
      assertThat(client.readUntil("0\r\n\r\n")).contains("second");
    }
  }

  @Test
  void a_large_body_passes_both_ways() {
    var block = "0123456789abcdef".repeat(4 << 10);
    int blocks = 400;
    meli.answering((request, wire) -> {
      wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + request.body().length + "\r\n\r\n");
      wire.send(request.body());
    });
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.send(
          "POST /l HTTP/1.1\r\nHost: x\r\nContent-Length: " + block.length() * blocks + "\r\n\r\n");
      for (int i = 0; i < blocks; i++) {
        client.send(block);
      }
      assertThat(client.read().bodyText()).isEqualTo(block.repeat(blocks));
    }
  }

  @Test
  void an_upstream_that_refuses_is_502() {
    meli.refuse();
    try {
      problem(http.get("/refused"), 502);
    } finally {
      meli.listen();
    }
  }

  @Test
  void an_upstream_that_answers_nonsense_is_502() {
    meli.answering(bytes("SSH-2.0-OpenSSH\r\n\r\n"));
    problem(http.post("/nonsense", "x"), 502);
    meli.answering((request, wire) -> wire.reset());
    problem(http.post("/reset", "x"), 502);
  }

  @Test
  void a_request_that_is_not_idempotent_is_sent_once() {
    meli.answering((request, wire) -> wire.close());
    problem(http.post("/once", "x"), 502);
    assertThat(meli.received()).hasSize(1);
  }

  @Test
  void an_answer_cut_in_the_middle_is_never_passed_off_as_whole() {
    for (var head :
        List.of(
            "Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")) {
      meli.answering((request, wire) -> wire.send("HTTP/1.1 200 OK\r\n" + head).close());
      try (var client = RawClient.connect(Shared.program().edgePort())) {
        client.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThatThrownBy(client::read).isInstanceOf(UncheckedIOException.class);
      }
    }
  }

  @Test
  void reserved_paths_never_reach_the_upstream() {
    for (var path :
        List.of(
            "/api/x",
            "/data/a/b/c",
            "/age/",
            "/age/a/b",
            "/counters/a/b",
            "/increment/x",
            "/multivac/x",
            "/zzz/x",
            "/cpu/x",
            "/local_program/",
            "/status/x",
            "/healthy",
            "/metrics",
            "/metrics/x",
            "/admin",
            "/admin/routes",
            "/%61dmin/routes")) {
      var response = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(response.status()).as(path).isEqualTo(404);
      assertThat(response.header("Content-Type")).as(path).hasValue("application/problem+json");
    }
    assertThat(meli.received()).isEmpty();
  }

  @Test
  void pipelined_requests_are_answered_in_order() {
    meli.answering((request, wire) ->
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + request.target().substring(1)));
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      var all = new StringBuilder();
      for (int i = 10; i < 30; i++) {
        all.append("GET /").append(i).append(" HTTP/1.1\r\nHost: x\r\n\r\n");
      }
      client.send(all.toString());
      for (int i = 10; i < 30; i++) {
        assertThat(client.read().bodyText()).isEqualTo("" + i);
      }
    }
  }

  @Test
  void expect_100_continue_is_answered_before_the_body() {
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      client.send(
          "POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(100);
      assertThat(client.send("abc").read().status()).isEqualTo(200);
    }
    assertThat(meli.lastReceived().body()).isEqualTo("abc".getBytes(UTF_8));
  }

  private static HttpMessage raw(String request) {
    try (var client = RawClient.connect(Shared.program().edgePort())) {
      return client.send(request).read();
    }
  }

  private static List<String> names(HttpMessage message) {
    return message.headers().stream().map(field -> field.name().toLowerCase(Locale.ROOT)).toList();
  }
}
