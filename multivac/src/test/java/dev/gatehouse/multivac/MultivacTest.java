package dev.gatehouse.multivac;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Response;
import dev.gatehouse.jobs.Host;
import dev.gatehouse.jobs.QueueSettings;
import dev.gatehouse.jobs.Retention;
import dev.gatehouse.jobs.WorkerSettings;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.TestPostgres;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MultivacTest {
  private static final String INSUFFICIENT = "INSUFFICIENT DATA FOR MEANINGFUL ANSWER.";

  static {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
  }

  private final Database database = TestPostgres.database();
  private final Client client = new Client(new Multivac(database).routes());
  private final List<MultivacWorker> workers = new ArrayList<>();

  @AfterEach
  void close() {
    workers.forEach(MultivacWorker::close);
    database.close();
  }

  @Test
  void it_welcomes_everyone() {
    assertText(client.get("/"), "Welcome to MultiVAC!");
  }

  @Test
  void with_no_worker_data_wait_and_the_answer_is_insufficient() {
    feed("first");
    feed("second");

    assertText(client.get("/multivac"), INSUFFICIENT);
    assertText(client.get("/zzz"), INSUFFICIENT);
    assertText(client.get("/zzz/"), INSUFFICIENT);
    assertThat(client.get("/multivac/jobs?state=waiting").bodyText())
        .contains("\"id\":1", "\"id\":2");
    worker("late");
    await().until(() -> !text("/multivac").equals(INSUFFICIENT));
  }

  @Test
  void the_first_processed_datum_is_the_answer_for_ever_and_the_newest_is_at_zzz() {
    worker("w");
    feed("first <b>&é🚀");
    await().until(() -> text("/multivac").equals("first <b>&é🚀"));
    for (var datum : List.of("second", "third")) {
      feed(datum);
      await().until(() -> text("/zzz").equals(datum));
    }

    assertText(client.get("/zzz/"), "third");
    assertText(client.get("/multivac"), "first <b>&é🚀");
    assertText(new Client(new Multivac(database).routes()).get("/multivac"), "first <b>&é🚀");
  }

  @Test
  void many_workers_at_once_agree_on_one_first_answer_and_process_each_datum_once() {
    for (int i = 0; i < 200; i++) {
      feed("datum " + i);
    }
    worker("a");
    worker("b");
    worker("c");
    await().until(() -> !text("/multivac").equals(INSUFFICIENT));
    var answer = text("/multivac");
    await().until(() -> client.get("/multivac/jobs?state=waiting").bodyText().equals("[]"));
    await().until(() -> client.get("/multivac/jobs?state=running").bodyText().equals("[]"));

    assertThat(number("SELECT count(*) FROM jobs_finished")).isEqualTo(200);
    assertThat(number("SELECT last_value FROM multivac_turns")).isEqualTo(200);
    assertThat(number("SELECT turn FROM multivac_newest")).isEqualTo(200);
    assertText(new Client(new Multivac(database).routes()).get("/multivac"), answer);
  }

  @Test
  void retention_of_jobs_does_not_touch_the_answer() {
    feed("kept");
    worker(WorkerSettings.named("first"));
    await().until(() -> text("/multivac").equals("kept"));
    worker(
        MultivacQueue.SETTINGS.withRetention(new Retention(Duration.ZERO, 0)),
        WorkerSettings.named("sweeper"));

    await().until(() -> client.get("/multivac/jobs").bodyText().equals("[]"));
    assertText(new Client(new Multivac(database).routes()).get("/multivac"), "kept");
    assertText(client.get("/zzz"), "kept");
  }

  @Test
  void an_acknowledgement_has_its_exact_bytes() {
    var response = client.form(Client.URLENCODED, "data=x");
    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("Content-Type")).contains("application/json");
    assertThat(response.bodyText()).isEqualTo("{\"response\": \"MultiVAC updated!\"}");
  }

  @Test
  void a_multipart_form_feeds_it_too() {
    var body = FormTest.part("data", "", "by parts").getBytes(UTF_8);
    assertThat(client.form("multipart/form-data; boundary=XyZ", body).status()).isEqualTo(200);
    worker("w");
    await().until(() -> text("/multivac").equals("by parts"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "data=", "data", "other=1", "data=x&other=1", "data=%00", "data=a%00b"})
  void a_form_without_a_storable_datum_is_a_bad_request_and_feeds_nothing(String body) {
    assertThat(client.form(Client.URLENCODED, body).status()).isEqualTo(400);
    assertThat(client.get("/multivac/jobs").bodyText()).isEqualTo("[]");
  }

  @Test
  void a_datum_of_64_kib_is_taken_and_one_byte_more_is_too_large() {
    var full = "%C3%A9".repeat(32 << 10);
    assertThat(client.form(Client.URLENCODED, "data=" + full).status()).isEqualTo(200);
    assertThat(client.form(Client.URLENCODED, "data=" + full + "x").status()).isEqualTo(413);
  }

  @Test
  void the_queue_is_shown_in_pages() {
    for (int i = 0; i < 5; i++) {
      feed("secret " + i);
    }
    var first = client.get("/multivac/jobs?limit=2");
    assertThat(first.bodyText()).contains("\"id\":5", "\"id\":4").doesNotContain("secret");
    assertThat(first.header("Link")).contains("</multivac/jobs?limit=2&after=4>; rel=\"next\"");
    var last = client.get("/multivac/jobs?limit=2&after=2");
    assertThat(last.header("Link")).isEmpty();
    assertThat(Json.parse(last.body()).size()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "limit=0",
        "limit=x",
        "limit=1001",
        "after=-1",
        "after=99999999999999999999",
        "state=lost"
      })
  void a_wrong_page_is_a_bad_request_that_names_the_field(String query) {
    var response = client.get("/multivac/jobs?" + query);
    assertThat(response.status()).isEqualTo(400);
    assertThat(response.bodyText()).contains("\"field\":\"" + query.split("=")[0] + "\"");
  }

  @Test
  void a_job_shows_its_state_its_attempts_and_its_last_error() {
    feed("x");
    var job = Json.parse(client.get("/multivac/jobs/1").body());
    assertThat(job.get("state").stringValue()).isEqualTo("waiting");
    assertThat(job.get("attempts").intValue()).isZero();
    assertThat(job.get("lastError").isNull()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"7", "0", "-1", "x", "99999999999999999999"})
  void an_unknown_job_is_not_found(String id) {
    assertThat(client.get("/multivac/jobs/" + id).status()).isEqualTo(404);
    assertThat(client.post("/multivac/jobs/" + id + "/retry").status()).isEqualTo(404);
  }

  @Test
  void only_a_dead_job_is_retried_and_then_it_is_processed() {
    feed("once dead");
    assertThat(client.post("/multivac/jobs/1/retry").status()).isEqualTo(409);
    database.with(handle ->
        handle.execute("UPDATE jobs SET state = 'dead', attempts = 5, last_error = 'bad day'"));
    assertThat(client.get("/multivac/jobs/1").bodyText()).contains("\"dead\"", "bad day");

    assertThat(client.post("/multivac/jobs/1/retry").status()).isEqualTo(202);
    worker("w");
    await().until(() -> text("/multivac").equals("once dead"));
  }

  private void feed(String datum) {
    var encoded = URLEncoder.encode(datum, UTF_8);
    assertThat(client.form(Client.URLENCODED, "data=" + encoded).status()).isEqualTo(200);
  }

  private void worker(String name) {
    worker(WorkerSettings.named(name).withPollEvery(Duration.ofMillis(100)));
  }

  private void worker(WorkerSettings settings) {
    worker(MultivacQueue.SETTINGS, settings);
  }

  private void worker(QueueSettings queue, WorkerSettings settings) {
    var host = new Host(System::nanoTime, new Random(1), () -> {});
    workers.add(MultivacWorker.start(database, queue, settings, host));
  }

  private String text(String target) {
    return client.get(target).bodyText();
  }

  private long number(String query) {
    return database.with(handle -> handle.createQuery(query).mapTo(Long.class).one());
  }

  private static void assertText(Response response, String text) {
    assertThat(response.status()).isEqualTo(200);
    assertThat(response.bodyText()).isEqualTo(text);
    assertThat(response.header("Content-Type")).contains("text/plain; charset=utf-8");
    assertThat(response.header("X-Content-Type-Options")).contains("nosniff");
  }
}
