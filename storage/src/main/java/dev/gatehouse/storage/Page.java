package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import java.util.List;

/// Which part of a sorted list a client asked for: at most `limit` entries after `after`.
record Page(int limit, String after) {
  static final int MAX = 1000;

  static Page of(Request request) {
    int limit = request.query("limit").map(Page::limit).orElse(MAX);
    var after = request.query("after").orElse("");
    if (!Json.isStorable(after)) {
      throw Problem.badField("after", "The parameter 'after' must not contain U+0000.").refusal();
    }
    return new Page(limit, after);
  }

  /// How many rows to read: one more than the page shows, to know whether there is a next one.
  int rows() {
    return limit + 1;
  }

  /// 200 with the page, and the address of the next one (RFC 8288) when `found` has more.
  Response answer(String path, List<String> found) {
    if (found.size() <= limit) {
      return Response.json(200, found);
    }
    var shown = found.subList(0, limit);
    var next = path + "?limit=" + limit + "&after=" + Target.encodeSegment(shown.getLast());
    return Response.json(200, shown).with("Link", "<" + next + ">; rel=\"next\"");
  }

  private static int limit(String text) {
    int limit = text.matches("[0-9]{1,4}") ? Integer.parseInt(text) : 0;
    if (limit < 1 || limit > MAX) {
      throw Problem.badField(
              "limit", "The parameter 'limit' must be an integer from 1 to " + MAX + ".")
          .refusal();
    }
    return limit;
  }
}
