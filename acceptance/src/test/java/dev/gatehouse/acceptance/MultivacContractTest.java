package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static dev.gatehouse.acceptance.Http.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Shared.class)
class MultivacContractTest {
  private static final String INSUFFICIENT = "INSUFFICIENT DATA FOR MEANINGFUL ANSWER.";

  private final Http http = Shared.edge();
  private final String datum = "datum " + UUID.randomUUID();

  @Test
  void it_welcomes() {
    var welcome = http.get("/");
    assertThat(welcome.statusCode()).isEqualTo(200);
    assertThat(welcome.body()).isEqualTo("Welcome to MultiVAC!");
    assertThat(Shared.firstLook("/")).isEqualTo("Welcome to MultiVAC!");
  }

  @Test
  void before_any_datum_the_answer_is_insufficient_data() {
    for (var path : List.of("/multivac", "/zzz", "/zzz/")) {
      assertThat(Shared.firstLook(path)).as(path).isEqualTo(INSUFFICIENT);
    }
  }

  @Test
  void the_newest_processed_datum_is_at_zzz_and_the_first_stays_at_multivac_for_ever() {
    feed(datum);
    awaitNewest(datum);
    var first = http.get("/multivac").body();
    assertThat(first).isNotEqualTo(INSUFFICIENT);
    feed(datum + " again");
    awaitNewest(datum + " again");
    assertThat(http.get("/zzz/").body()).isEqualTo(datum + " again");
    assertThat(http.get("/multivac").body()).isEqualTo(first);
  }

  @Test
  void feeding_answers_at_once() {
    var fed = http.form("/multivac/data", "data=" + Http.encoded(datum));
    assertThat(fed.statusCode()).isEqualTo(200);
    assertThat(json(fed)).isEqualTo(Http.JSON.readTree("{\"response\": \"MultiVAC updated!\"}"));
    assertThat(header(fed, "Content-Type")).isEqualTo("application/json");
  }

  @Test
  void a_multipart_form_is_taken_too() {
    var multipart =
        "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + datum + "\r\n--b--\r\n";
    var fed =
        http.send(
            "POST",
            "/multivac/data",
            BodyPublishers.ofString(multipart),
            "Content-Type",
            "multipart/form-data; boundary=b");
    assertThat(fed.statusCode()).as(fed.body()).isEqualTo(200);
    awaitNewest(datum);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<script>alert(1)</script>",
        "a&b=c+d%",
        "'); DROP TABLE x;--",
        "\u00e9 \uD83D\uDE00",
        "line\r\nbreak",
        " ",
      })
  void any_text_is_plain_text(String text) {
    feed(text + datum);
    awaitNewest(text + datum);
    var read = http.get("/zzz");
    assertThat(header(read, "Content-Type")).isEqualTo("text/plain; charset=utf-8");
    assertThat(header(read, "X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(header(http.get("/multivac"), "X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(header(http.get("/multivac"), "Content-Type"))
        .isEqualTo("text/plain; charset=utf-8");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "data=",
        "dat=x",
        "x",
        "data",
        "data=%00",
        "data=%ff",
        "data=%zz",
        "data=a&data=b",
        "data=a&dato=b"
      })
  void a_missing_or_empty_or_broken_datum_is_400(String form) {
    problem(http.form("/multivac/data", form), 400);
  }

  @Test
  void a_body_that_is_no_form_is_refused() {
    var response = http.post("/multivac/data", "{\"data\":\"x\"}");
    assertThat(response.statusCode()).isIn(400, 415);
    problem(response, response.statusCode());
    var broken =
        http.send(
            "POST",
            "/multivac/data",
            BodyPublishers.ofString("--b\r\nnonsense"),
            "Content-Type",
            "multipart/form-data; boundary=b");
    problem(broken, 400);
    problem(
        http.send(
            "POST",
            "/multivac/data",
            BodyPublishers.ofString("x"),
            "Content-Type",
            "multipart/form-data"),
        400);
  }

  @Test
  void a_datum_may_have_64_kib_and_no_more() {
    var largest = datum + "x".repeat((64 << 10) - datum.length());
    feed(largest);
    awaitNewest(largest);
    problem(http.form("/multivac/data", "data=" + Http.encoded(largest) + "x"), 413);
    problem(http.form("/multivac/data", "data=" + "x".repeat(5 << 20)), 413);
  }

  @Test
  void the_queue_and_each_job_can_be_seen() {
    feed(datum);
    awaitNewest(datum);
    var jobs = http.get("/multivac/jobs");
    assertThat(jobs.statusCode()).isEqualTo(200);
    var list = json(jobs).isArray() ? json(jobs) : json(jobs).path("jobs");
    assertThat(list.isArray()).as(jobs.body()).isTrue();
    assertThat(list.size()).isPositive();
    var one = list.get(0);
    assertThat(one.propertyNames()).contains("id", "state", "attempts", "lastError");
    var id = one.path("id").asString("");
    var job = http.get("/multivac/jobs/" + id);
    assertThat(job.statusCode()).isEqualTo(200);
    assertThat(json(job).path("id").asString("")).isEqualTo(id);
    assertThat(json(job).propertyNames()).contains("state", "attempts", "lastError");
  }

  @Test
  void an_unknown_job_is_404_and_only_a_dead_one_is_retried() {
    for (var unknown :
        List.of(
            "999999999",
            "x",
            "-1",
            "99999999999999999999",
            "00000000-0000-0000-0000-000000000000")) {
      var read = http.get("/multivac/jobs/" + unknown);
      assertThat(read.statusCode()).as(unknown).isIn(400, 404);
      var retry = http.post("/multivac/jobs/" + unknown + "/retry", "");
      assertThat(retry.statusCode()).as(unknown).isIn(400, 404);
    }
    feed(datum);
    awaitNewest(datum);
    var jobs = json(http.get("/multivac/jobs"));
    var done = (jobs.isArray() ? jobs : jobs.path("jobs")).get(0).path("id").asString("");
    problem(http.post("/multivac/jobs/" + done + "/retry", ""), 409);
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(http.post("/", "x"), "GET", "HEAD");
    methodNotAllowed(http.post("/multivac", "x"), "GET", "HEAD");
    methodNotAllowed(http.get("/multivac/data"), "POST");
    methodNotAllowed(http.delete("/zzz"), "GET", "HEAD");
    problem(http.get("/multivac/nothing"), 404);
    problem(http.get("/zzz/nothing"), 404);
  }

  private void feed(String text) {
    var fed = http.form("/multivac/data", "data=" + Http.encoded(text));
    assertThat(fed.statusCode()).as(fed.body()).isEqualTo(200);
  }

  private void awaitNewest(String text) {
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(http.get("/zzz").body()).isEqualTo(text));
  }
}
