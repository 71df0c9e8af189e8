package dev.gatehouse.multivac;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.jobs.Queue;
import dev.gatehouse.state.Database;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// MultiVAC's HTTP side. It keeps nothing but the answer, once there is one: that never changes.
public final class Multivac {
  private static final String INSUFFICIENT = "INSUFFICIENT DATA FOR MEANINGFUL ANSWER.";
  private static final byte[] UPDATED =
      "{\"response\": \"MultiVAC updated!\"}".getBytes(StandardCharsets.US_ASCII);

  private static final int DATUM_LIMIT = 64 << 10;

  /// Three bytes for each of the datum's when every one is percent-encoded, and room for the rest.
  private static final int BODY_LIMIT = 256 << 10;

  private final Database database;
  private final Queue queue;
  private final JobPages pages;
  private volatile @Nullable String answer;

  public Multivac(Database database) {
    this.database = database;
    this.queue = MultivacQueue.in(database);
    this.pages = new JobPages(queue);
  }

  public Routes routes() {
    return Routes.builder()
        .get("/", request -> Response.text(200, "Welcome to MultiVAC!"))
        .get("/multivac", request -> Response.text(200, answer().orElse(INSUFFICIENT)))
        .post("/multivac/data", BODY_LIMIT, this::feed)
        .get("/multivac/jobs", pages::list)
        .get("/multivac/jobs/{id}", pages::one)
        .post("/multivac/jobs/{id}/retry", 0, pages::retry)
        .get("/zzz", request -> newest())
        .get("/zzz/", request -> newest())
        .build();
  }

  /// How its queue stands; asks the database.
  public Queue.Figures queued() {
    return queue.figures();
  }

  private Optional<String> answer() {
    var known = answer;
    if (known != null) {
      return Optional.of(known);
    }
    var found = database.with(MultivacSql::answer);
    found.ifPresent(first -> answer = first);
    return found;
  }

  private Response newest() {
    return Response.text(200, database.with(MultivacSql::newest).orElse(INSUFFICIENT));
  }

  private Response feed(Request request) {
    var fields = Form.fields(request);
    for (var name : fields.keySet()) {
      if (!name.equals("data")) {
        throw Problem.badField(name, "Unknown field; the form has one field, 'data'.").refusal();
      }
    }
    var datum = fields.getOrDefault("data", "");
    if (datum.isEmpty()) {
      throw Problem.badField("data", "The field 'data' is missing or empty.")
          .hint("Send a form: curl --data-urlencode 'data=...'")
          .refusal();
    }
    if (!Json.isStorable(datum)) {
      throw Problem.badField("data", "The field 'data' must not contain U+0000.").refusal();
    }
    if (datum.getBytes(StandardCharsets.UTF_8).length > DATUM_LIMIT) {
      throw new Problem(
              413,
              "content-too-large",
              "Content too large",
              "The field 'data' is larger than " + DATUM_LIMIT + " bytes of UTF-8.")
          .with("field", "data")
          .refusal();
    }
    queue.enqueue(MultivacQueue.DATUM, datum);
    return Response.of(200, "application/json", UPDATED);
  }
}
