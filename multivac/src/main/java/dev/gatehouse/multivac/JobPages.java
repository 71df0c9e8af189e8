package dev.gatehouse.multivac;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.jobs.JobState;
import dev.gatehouse.jobs.JobStatus;
import dev.gatehouse.jobs.Queue;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The queue as its operators see it: pages of jobs, newest first, one job, and the retry of a dead
/// one.
final class JobPages {
  private static final int PAGE = 100;
  private static final int LONGEST_PAGE = 1000;

  private final Queue queue;

  JobPages(Queue queue) {
    this.queue = queue;
  }

  Response list(Request request) {
    var state = request.query("state").map(JobPages::state);
    int limit = (int) number(request, "limit", LONGEST_PAGE).orElse((long) PAGE).longValue();
    var after = number(request, "after", Long.MAX_VALUE);
    var jobs = queue.list(state, limit, after);
    var response =
        Response.json(200, jobs.stream().map(JobPages::shown).toList())
            .with("X-Content-Type-Options", "nosniff");
    if (jobs.size() < limit) {
      return response;
    }
    var next =
        "/multivac/jobs?limit="
            + limit
            + "&after="
            + jobs.getLast().id()
            + state.map(only -> "&state=" + only.word()).orElse("");
    return response.with("Link", "<" + next + ">; rel=\"next\"");
  }

  Response one(Request request) {
    return shown(200, id(request));
  }

  Response retry(Request request) {
    long id = id(request);
    return switch (queue.retry(id)) {
      case WAITING -> shown(202, id);
      case NOT_DEAD ->
          throw Problem.conflict("Job " + id + " is not dead; only dead jobs are retried by hand.")
              .refusal();
      case KEY_TAKEN ->
          throw Problem.conflict("Another job with the unique key of job " + id + " waits or runs.")
              .refusal();
      case UNKNOWN -> throw unknown();
    };
  }

  private Response shown(int status, long id) {
    return queue
        .find(id)
        .map(job -> Response.json(status, shown(job)).with("X-Content-Type-Options", "nosniff"))
        .orElseThrow(() -> unknown());
  }

  private static Map<String, @Nullable Object> shown(JobStatus job) {
    var shown = new LinkedHashMap<String, @Nullable Object>();
    shown.put("id", job.id());
    shown.put("kind", job.kind());
    shown.put("state", job.state().word());
    shown.put("attempts", job.attempts());
    shown.put("maxAttempts", job.maxAttempts());
    shown.put("lastError", job.lastError().orElse(null));
    shown.put("enqueuedAt", job.enqueuedAt().toString());
    shown.put("dueAt", waits(job) ? job.dueAt().toString() : null);
    shown.put("finishedAt", job.finishedAt().map(Object::toString).orElse(null));
    shown.put("worker", job.worker().orElse(null));
    return shown;
  }

  private static boolean waits(JobStatus job) {
    return job.state() == JobState.WAITING;
  }

  private static long id(Request request) {
    return positive(request.path("id")).orElseThrow(() -> unknown());
  }

  private static Optional<Long> number(Request request, String name, long greatest) {
    return request
        .query(name)
        .map(text ->
            positive(text)
                .filter(number -> number <= greatest)
                .orElseThrow(() ->
                    Problem.badField(
                            name, "'" + name + "' must be an integer from 1 to " + greatest + ".")
                        .refusal()));
  }

  private static Optional<Long> positive(String text) {
    if (!text.matches("[0-9]{1,19}")) {
      return Optional.empty();
    }
    try {
      return Optional.of(Long.parseLong(text)).filter(number -> number > 0);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static JobState state(String word) {
    return Arrays.stream(JobState.values())
        .filter(state -> state.word().equals(word.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            Problem.badField(
                    "state",
                    "'state' must be one of "
                        + Arrays.stream(JobState.values())
                            .map(JobState::word)
                            .collect(Collectors.joining(", "))
                        + ".")
                .refusal());
  }

  private static RuntimeException unknown() {
    return Problem.notFound("There is no such job.").refusal();
  }
}
