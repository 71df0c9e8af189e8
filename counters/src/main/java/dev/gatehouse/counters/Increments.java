package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Reads what a request asks to be counted.
final class Increments {
  static final int MAX_ITEMS = 10_000;

  private Increments() {}

  /// One object, an array of them, or, as `application/x-ndjson`, one a line.
  ///
  /// @throws Refusal 400 that names what is wrong, and in a batch the index of the first bad item
  static Increment parse(Request request) {
    if (request.contentType().filter("application/x-ndjson"::equals).isPresent()) {
      return of(request, lines(request.body()), "");
    }
    var body = request.body();
    var quick = PlainIncrement.read(body);
    if (quick.isPresent()) {
      return of(request, List.of(quick.get()), "");
    }
    int first = 0;
    while (first < body.length && body[first] <= ' ' && body[first] >= 0) {
      first++;
    }
    return first < body.length && body[first] == '['
        ? of(request, array(Json.parse(body)), "")
        : of(request, List.of(item(Json.parseObject(body, "key", "value"))), "");
  }

  /// One object, of a signed-in user.
  static Increment parseOne(Request request, String user) {
    return of(request, List.of(item(Json.parseObject(request.body(), "key", "value"))), user);
  }

  private static Increment of(Request request, List<Item> items, String user) {
    var encoded = CounterJournal.encode(items);
    return new Increment(items, encoded, once(request, encoded, user));
  }

  private static Optional<Once> once(Request request, byte[] encoded, String user) {
    var given = request.headers().get("idempotency-key");
    if (given == null) {
      return Optional.empty();
    }
    var key = given.getFirst();
    if (given.size() > 1 || !key.matches("[!-~]{1,128}")) {
      throw Problem.badField(
              "Idempotency-Key",
              "The header Idempotency-Key must stand once, with 1 to 128 visible ASCII characters.")
          .refusal();
    }
    try {
      var digest = MessageDigest.getInstance("SHA-256").digest(encoded);
      var id = user.isEmpty() ? "all:" + key : "user:" + user + ":" + key;
      return Optional.of(new Once(id, HexFormat.of().formatHex(digest, 0, 16)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Item> array(JsonNode array) {
    bounded(array.size());
    var items = new ArrayList<Item>(array.size());
    for (var element : array) {
      int index = items.size();
      items.add(
          at(
              index,
              () -> {
                if (!element.isObject()) {
                  throw Problem.badRequest("It is not an object with key, value.").refusal();
                }
                for (var name : element.propertyNames()) {
                  if (!name.equals("key") && !name.equals("value")) {
                    throw Problem.badField(name, "It has an unknown field.").refusal();
                  }
                }
                return item(element);
              }));
    }
    return items;
  }

  private static List<Item> lines(byte[] body) {
    var items = new ArrayList<Item>();
    int from = 0;
    while (from < body.length) {
      int to = from;
      while (to < body.length && body[to] != '\n') {
        to++;
      }
      var line = Arrays.copyOfRange(body, from, to);
      from = to + 1;
      if (!blank(line)) {
        bounded(items.size() + 1);
        items.add(
            at(
                items.size(),
                () ->
                    PlainIncrement.read(line)
                        .orElseGet(() -> item(Json.parseObject(line, "key", "value")))));
      }
    }
    bounded(items.size());
    return items;
  }

  private static boolean blank(byte[] line) {
    for (byte b : line) {
      if (b != ' ' && b != '\t' && b != '\r') {
        return false;
      }
    }
    return true;
  }

  private static void bounded(int items) {
    if (items < 1 || items > MAX_ITEMS) {
      throw Problem.badRequest("A batch has 1 to 10,000 items; nothing was counted.").refusal();
    }
  }

  private interface Reading {
    Item read();
  }

  private static Item at(int index, Reading reading) {
    try {
      return reading.read();
    } catch (Refusal refusal) {
      var problem = refusal.problem();
      throw new Problem(
              problem.status(),
              problem.slug(),
              problem.title(),
              "Item " + index + ": " + problem.detail() + " Nothing was counted.",
              problem.members(),
              problem.headers())
          .with("index", index)
          .refusal();
    }
  }

  private static Item item(JsonNode body) {
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
    return new Item(Keys.check(key.stringValue()), number);
  }
}
