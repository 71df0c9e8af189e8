package dev.gatehouse.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.Call;
import dev.gatehouse.testkit.Seeded;
import dev.gatehouse.testkit.TestPostgres;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConcurrentWritersTest {
  private static final int WRITERS = 8;

  private Database database;
  private List<Storage> replicas;

  @BeforeEach
  void start() {
    database = TestPostgres.database();
    replicas = List.of(new Storage(database, "storage-1"), new Storage(database, "storage-2"));
  }

  @AfterEach
  void stop() {
    replicas.forEach(Storage::close);
    database.close();
  }

  @Test
  void of_writers_that_expect_the_same_version_exactly_one_wins() {
    Seeded.check(
        20,
        random -> {
          var tag = put(0, "0", "x", "").header("etag").orElseThrow();
          var answers = atOnce(writer -> put(writer, Integer.toString(writer), "If-Match", tag));
          var winner = only(answers, 200);
          assertThat(answers).filteredOn(answer -> answer.status() == 412).hasSize(WRITERS - 1);
          var now = Call.of(routes(0), "GET", "/data/p/i").send();
          assertThat(now.bodyText()).isEqualTo(Integer.toString(answers.indexOf(winner)));
          assertThat(now.header("etag")).isEqualTo(winner.header("etag"));
        });
  }

  @Test
  void of_writers_that_create_the_same_document_exactly_one_wins() {
    Seeded.check(
        20,
        random -> {
          Call.of(routes(0), "DELETE", "/data/p/i").send();
          var answers =
              atOnce(writer -> put(writer, Integer.toString(writer), "If-None-Match", "*"));
          var winner = only(answers, 201);
          assertThat(Call.of(routes(0), "GET", "/data/p/i").send().bodyText())
              .isEqualTo(Integer.toString(answers.indexOf(winner)));
        });
  }

  @Test
  void puts_and_deletes_at_once_leave_what_one_of_them_said_and_no_tag_twice() {
    Seeded.check(
        20,
        random -> {
          long deletes = random.nextLong();
          var answers =
              atOnce(writer ->
                  (deletes >> writer & 1) == 0
                      ? put(writer, Integer.toString(writer), "x", "")
                      : Call.of(routes(writer), "DELETE", "/data/p/i").send());
          assertThat(answers)
              .allMatch(answer -> List.of(200, 201, 204, 404).contains(answer.status()));
          var tags =
              answers.stream()
                  .map(answer -> answer.header("etag"))
                  .flatMap(Optional::stream)
                  .toList();
          assertThat(tags).doesNotHaveDuplicates();
          var now = Call.of(routes(0), "GET", "/data/p/i").send();
          if (now.status() == 200) {
            int last = Integer.parseInt(now.bodyText());
            assertThat(answers.get(last).header("etag")).isEqualTo(now.header("etag"));
          }
          Call.of(routes(0), "DELETE", "/data/p/i").send();
        });
  }

  @Test
  void a_counter_kept_in_a_document_by_if_match_loses_no_update() throws Exception {
    put(0, "0", "x", "");
    int each = 15;
    atOnce(writer -> {
      for (int done = 0; done < each; ) {
        var read = Call.of(routes(writer), "GET", "/data/p/i").send();
        var next = Integer.toString(Integer.parseInt(read.bodyText()) + 1);
        if (put(writer, next, "If-Match", read.header("etag").orElseThrow()).status() == 200) {
          done++;
        }
      }
      return Response.empty(200);
    });
    assertThat(Call.of(routes(0), "GET", "/data/p/i").send().bodyText())
        .isEqualTo(Integer.toString(WRITERS * each));
  }

  private Routes routes(int writer) {
    return replicas.get(writer % replicas.size()).routes();
  }

  private Response put(int writer, String body, String field, String value) {
    return Call.of(routes(writer), "PUT", "/data/p/i").with(field, value).body(body).send();
  }

  private static Response only(List<Response> answers, int status) {
    var found = answers.stream().filter(answer -> answer.status() == status).toList();
    assertThat(found).hasSize(1);
    return found.getFirst();
  }

  private interface Writer {
    Response write(int writer);
  }

  /// The answers in the order of the writers, which all start at the same moment.
  private static List<Response> atOnce(Writer write) {
    var start = new CyclicBarrier(WRITERS);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var tasks = new ArrayList<Callable<Response>>();
      for (int i = 0; i < WRITERS; i++) {
        int writer = i;
        tasks.add(() -> {
          start.await();
          return write.write(writer);
        });
      }
      return threads.invokeAll(tasks).stream().map(future -> future.resultNow()).toList();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
