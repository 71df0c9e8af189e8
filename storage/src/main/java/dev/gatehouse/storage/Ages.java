package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import java.nio.charset.StandardCharsets;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;

/// Answers `/age` and `/age/{name}`: rows that are only ever appended.
final class Ages {
  private static final int OLDEST = 1000;

  private final StorageSql sql;

  Ages(StorageSql sql) {
    this.sql = sql;
  }

  Response put(Request request) {
    var body = Json.parseObject(request.body(), "name", "age");
    var name = name(body);
    var age = age(body);
    sql.addAge(name, age);
    return Response.empty(200);
  }

  /// The name is written once and repeated as bytes: a list of many thousand ages costs no objects.
  Response get(Request request) {
    var name = Name.check("name", request.path("name"));
    var quoted = Json.string(name);
    var rows = new StringJoiner(",", "[", "]");
    for (int age : sql.ages(name)) {
      rows.add("[" + quoted + "," + age + "]");
    }
    return Response.of(200, "application/json", rows.toString().getBytes(StandardCharsets.UTF_8));
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
