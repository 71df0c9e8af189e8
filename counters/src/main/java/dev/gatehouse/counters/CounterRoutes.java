package dev.gatehouse.counters;

import dev.gatehouse.counters.Keys.Range;
import dev.gatehouse.counters.Pending.Own;
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
import java.util.function.Consumer;

/// Answers `/increment`, `/api/increment`, `/counters` and `/counters/{key}`.
///
/// What a read tells is the flushed total of all replicas plus what this one has pending.
final class CounterRoutes {
  /// The longest key, each character of it escaped, and some room.
  private static final int MAX_BODY = 16 << 10;

  private static final int MAX_PAGE = 1000;

  private record Increment(String key, long value) {}

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

  private final Pending pending;
  private final CounterSql sql;

  CounterRoutes(Pending pending, CounterSql sql) {
    this.pending = pending;
    this.sql = sql;
  }

  Routes routes() {
    return Routes.builder()
        .inline("POST", "/increment", MAX_BODY, this::increment)
        .post("/api/increment", MAX_BODY, this::incrementAndGet)
        .get("/counters", this::page)
        .get("/counters/{key}", this::get)
        .build();
  }

  /// On the event loop: all of it is in memory.
  private void increment(Request request, Consumer<Response> reply) {
    Response response;
    try {
      var increment = parse(request);
      pending.add(increment.key(), increment.value());
      response = Response.empty(202);
    } catch (Refusal refusal) {
      response = refusal.problem().response(request.requestId());
    }
    reply.accept(response);
  }

  /// The database is read before anything is counted, so that a 503 has counted nothing.
  private Response incrementAndGet(Request request) {
    if (request.user().isEmpty()) {
      throw Problem.unauthorized("This needs a session; sign in with POST /api/sessions.")
          .refusal();
    }
    var increment = parse(request);
    try (var reader = pending.read()) {
      var snapshot = sql.read(Range.one(increment.key()), 1);
      var own = reader.add(increment.key(), increment.value(), snapshot.flushed());
      var persisted = snapshot.totals().getOrDefault(increment.key(), BigInteger.ZERO);
      return Response.json(200, Map.of("newValue", persisted.add(own)));
    }
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
      var snapshot = sql.read(range, rows);
      var own = reader.own(range, snapshot.flushed(), rows);
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

  private static Increment parse(Request request) {
    var body = Json.parseObject(request.body(), "key", "value");
    var key = body.get("key");
    if (key == null) {
      throw Problem.badField("key", "The field 'key' is missing.").refusal();
    }
    if (!key.isString()) {
      throw Problem.badField("key", "The field 'key' must be a string.").refusal();
    }
    var value = body.get("value");
    if (value == null) {
      throw Problem.badField("value", "The field 'value' is missing.").refusal();
    }
    long number =
        Json.asLong(value)
            .orElseThrow(() ->
                Problem.badField(
                        "value",
                        "The field 'value' must be a JSON integer that fits 64 bits, without"
                            + " fraction or exponent.")
                    .refusal());
    return new Increment(Keys.check(key.stringValue()), number);
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
