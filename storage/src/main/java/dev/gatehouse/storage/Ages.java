package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.state.coherence.NearCache;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/// Answers `/age` and `/age/{name}`: rows that are only ever appended.
final class Ages {
  private static final int OLDEST = 1000;

  private final StorageSql sql;

  /// The answers as they are sent: a list of many thousand ages costs no objects.
  private final Rows<byte[]> rows;

  Ages(StorageSql sql, Rows<byte[]> rows) {
    this.sql = sql;
    this.rows = rows;
  }

  CompletableFuture<Response> put(Request request) {
    var body = Json.parseObject(request.body(), "name", "age");
    var name = name(body);
    var age = age(body);
    return rows.change(name, () -> sql.addAge(name, age)).thenApply(done -> Response.empty(200));
  }

  Response get(Request request) {
    return answer(rows.get(Name.check("name", request.path("name")), this::load));
  }

  /// The answer, if it can be given from memory.
  Optional<Response> known(Request request) {
    return rows.peek(Name.check("name", request.path("name"))).map(Ages::answer);
  }

  private static Response answer(byte[] list) {
    return Response.of(200, "application/json", list);
  }

  /// Two lists of one name can end with the same row and differ before it, where a row was
  /// committed later than the next: so a list has no version.
  private NearCache.Loaded<byte[]> load(String name) {
    var quoted = Json.string(name);
    var list = new StringJoiner(",", "[", "]");
    for (int age : sql.ages(name)) {
      list.add("[" + quoted + "," + age + "]");
    }
    return new NearCache.Loaded<>(list.toString().getBytes(StandardCharsets.UTF_8), 0);
  }

  private static String name(JsonNode body) {
    var name = body.get("name");
    if (name == null) {
      throw Problem.badField("name", "The field 'name' is missing.").refusal();
    }
    if (!name.isString()) {
      throw Problem.badField("name", "The field 'name' must be a string.").refusal();
    }
    return Name.check("name", name.stringValue());
  }

  private static int age(JsonNode body) {
    var age = body.get("age");
    if (age == null) {
      throw Problem.badField("age", "The field 'age' is missing.").refusal();
    }
    long years = age.isString() ? digits(age.stringValue()) : Json.asLong(age).orElse(-1L);
    if (years < 0 || years > OLDEST) {
      throw Problem.badField("age", "The field 'age' must be an integer from 0 to " + OLDEST + ".")
          .refusal();
    }
    return (int) years;
  }

  private static long digits(String text) {
    return text.matches("[0-9]{1,4}") ? Long.parseLong(text) : -1;
  }
}
