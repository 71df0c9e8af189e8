package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Pending.Own;
import dev.gatehouse.counters.Pending.Verdict;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Target;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Answers `/increment`, `/api/increment`, `/counters` and `/counters/{key}`.
///
/// What a read tells is the flushed total of all replicas plus what this one has pending.
final class CounterRoutes {
  private static final Logger LOG = LoggerFactory.getLogger(CounterRoutes.class);
  private static final Response ACCEPTED = Response.empty(202);

  /// The longest key, each character of it escaped, and some room.
  private static final int MAX_BODY = 16 << 10;

  private static final int MAX_BATCH = 4 << 20;

  /// A larger body is read on a thread of its own: it would hold up an event loop.
  private static final int LARGE_BODY = 16 << 10;

  private static final int MAX_PAGE = 1000;

  /// A counter as it is answered.
  private record Counter(String key, BigInteger value, BigInteger persisted, long stalenessMs) {
    Map<String, Object> json() {
      var json = new LinkedHashMap<String, Object>();
      json.put("key", key);
      json.put("value", value);
      json.put("persisted", persisted);
      json.put("stalenessMs", stalenessMs);
      return json;
    }
  }

  /// Where increments go.
  ///
  /// @param lookups asks Postgres about `Idempotency-Key`s
  /// @param threads runs what may wait
  /// @param safe runs its argument once what was appended to the journal is as durable as promised
  record Door(Lookups lookups, Executor threads, Safe safe) {}

  interface Safe {
    void then(Consumer<Optional<Problem>> done);
  }

  private final Pending pending;
  private final CounterSql sql;
  private final UUID journal;
  private final Door door;

  CounterRoutes(Pending pending, CounterSql sql, UUID journal, Door door) {
    this.pending = pending;
    this.sql = sql;
    this.journal = journal;
    this.door = door;
  }

  Routes routes() {
    return Routes.builder()
        .inline("POST", "/increment", MAX_BATCH, this::increment)
        .post("/api/increment", MAX_BODY, this::incrementAndGet)
        .get("/counters", this::page)
        .get("/counters/{key}", this::get)
        .build();
  }

  /// On the event loop: nearly always all of it is in memory. What needs the database goes on on
  /// another thread.
  private void increment(Request request, Consumer<Response> reply) {
    if (request.body().length > LARGE_BODY) {
      door.threads().execute(() -> answering(request, reply, () -> read(request, reply)));
    } else {
      answering(request, reply, () -> read(request, reply));
    }
  }

  private void read(Request request, Consumer<Response> reply) {
    var increment = Increments.parse(request);
    var unknown = increment.once().filter(once -> pending.known(once.id()).isEmpty());
    if (unknown.isEmpty()) {
      take(increment, request, reply);
      return;
    }
    door.lookups()
        .find(
            unknown.get().id(),
            found -> {
              found.ifPresent(body -> pending.learn(new Once(unknown.get().id(), body)));
              answering(request, reply, () -> take(increment, request, reply));
            });
  }

  private void take(Increment increment, Request request, Consumer<Response> reply) {
    var verdict = pending.take(increment, Optional.empty());
    if (verdict == Verdict.TOTALS_NEEDED) {
      door.threads()
          .execute(() ->
              answering(
                  request,
                  reply,
                  () -> accepted(takeWithTotals(increment).verdict(), request, reply)));
    } else {
      accepted(verdict, request, reply);
    }
  }

  private void accepted(Verdict verdict, Request request, Consumer<Response> reply) {
    refuse(verdict);
    door.safe()
        .then(problem ->
            reply.accept(
                problem.map(failed -> failed.response(request.requestId())).orElse(ACCEPTED)));
  }

  private static void refuse(Verdict verdict) {
    switch (verdict) {
      case TAKEN, REPEATED -> {}
      case DIFFERENT ->
          throw new Problem(
                  422,
                  "idempotency-key-reused",
                  "Idempotency-Key reused",
                  "This Idempotency-Key came with another body before; nothing was counted.")
              .hint("Use a new key for a new request.")
              .refusal();
      case OVERFLOW ->
          throw Problem.conflict("The total would leave the range of 64 bits; nothing was counted.")
              .refusal();
      case TOTALS_NEEDED -> throw new IllegalStateException("the totals were given");
    }
  }

  private static void answering(Request request, Consumer<Response> reply, Runnable work) {
    try {
      work.run();
    } catch (Refusal refusal) {
      reply.accept(refusal.problem().response(request.requestId()));
    } catch (RuntimeException e) {
      LOG.error("request {} failed; the client gets a 500", request.requestId(), e);
      reply.accept(Problem.internal().response(request.requestId()));
    }
  }

  private record Counted(Verdict verdict, BigInteger value) {}

  /// The database is read before anything is counted, so that a 503 has counted nothing.
  private Counted takeWithTotals(Increment increment) {
    var keys = increment.items().stream().map(Item::key).distinct().toList();
    try (var reader = pending.read()) {
      var snapshot = sql.read(journal, keys);
      var verdict = pending.take(increment, Optional.of(snapshot));
      var key = keys.getFirst();
      var own = reader.own(key, snapshot.mark()).map(Own::sum).orElse(BigInteger.ZERO);
      return new Counted(verdict, snapshot.totals().getOrDefault(key, BigInteger.ZERO).add(own));
    }
  }

  private Response incrementAndGet(Request request) {
    var user =
        request
            .user()
            .orElseThrow(() ->
                Problem.unauthorized("This needs a session; sign in with POST /api/sessions.")
                    .refusal());
    var increment = Increments.parseOne(request, user);
    if (increment.once().isPresent()) {
      sql.known(List.of(increment.once().get().id()))
          .forEach((id, body) -> pending.learn(new Once(id, body)));
    }
    var counted = takeWithTotals(increment);
    refuse(counted.verdict());
    var safe = new CompletableFuture<Optional<Problem>>();
    door.safe().then(safe::complete);
    safe.join()
        .ifPresent(problem -> {
          throw problem.refusal();
        });
    return Response.json(200, Map.of("newValue", counted.value()));
  }

  private Response get(Request request) {
    var found = find(Range.one(Keys.check(request.path("key"))), 1);
    if (found.isEmpty()) {
      throw Problem.notFound("There is no such counter.").refusal();
    }
    return Response.json(200, found.getFirst().json());
  }

  private Response page(Request request) {
    var prefix = text(request, "prefix");
    int limit = limit(request);
    var range = Range.page(prefix, text(request, "after"));
    var found = range.isEmpty() ? List.<Counter>of() : find(range, limit + 1);
    boolean more = found.size() > limit;
    var shown = more ? found.subList(0, limit) : found;
    var response = Response.json(200, shown.stream().map(Counter::json).toList());
    if (!more) {
      return response;
    }
    var next =
        "/counters?"
            + (prefix.isEmpty() ? "" : "prefix=" + Target.encodeSegment(prefix) + "&")
            + ("limit=" + limit + "&after=" + Target.encodeSegment(shown.getLast().key()));
    return response.with("Link", "<" + next + ">; rel=\"next\"");
  }

  /// The first `rows` counters of a range: those of the database and those that only wait here.
  private List<Counter> find(Range range, int rows) {
    try (var reader = pending.read()) {
      var snapshot = sql.read(journal, range, rows);
      var own = reader.own(range, snapshot.mark(), rows);
      var keys = new TreeSet<String>(Keys.ORDER);
      keys.addAll(snapshot.totals().keySet());
      keys.addAll(own.keySet());
      return keys.stream()
          .limit(rows)
          .map(key ->
              counter(
                  key,
                  snapshot.totals().getOrDefault(key, BigInteger.ZERO),
                  Optional.ofNullable(own.get(key))))
          .toList();
    }
  }

  private Counter counter(String key, BigInteger persisted, Optional<Own> own) {
    return new Counter(
        key,
        own.map(Own::sum).orElse(BigInteger.ZERO).add(persisted),
        persisted,
        own.map(waiting -> pending.millisSince(waiting.since())).orElse(0L));
  }

  private static String text(Request request, String parameter) {
    var text = request.query(parameter).orElse("");
    if (text.length() > 2 * Keys.MAX_LENGTH || !Json.isStorable(text)) {
      throw Problem.badField(
              parameter, "The parameter '" + parameter + "' is no part of a possible key.")
          .refusal();
    }
    return text;
  }

  private static int limit(Request request) {
    var text = request.query("limit").orElse(Integer.toString(MAX_PAGE));
    int limit = text.matches("[0-9]{1,4}") ? Integer.parseInt(text) : 0;
    if (limit < 1 || limit > MAX_PAGE) {
      throw Problem.badField(
              "limit", "The parameter 'limit' must be an integer from 1 to " + MAX_PAGE + ".")
          .refusal();
    }
    return limit;
  }
}
