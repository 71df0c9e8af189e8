package dev.gatehouse.app.roles;

import dev.gatehouse.edge.cache.Cache;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.observe.Metrics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// What the admin API shows of the stored answers, and how they are forgotten.
///
/// `POST /admin/cache/purge` takes `{"path": "/a/**"}`, `{"tag": "x"}` or `{"all": true}` and
/// answers `{"purged": n}`. Paths are the origin's, as they are after a rewrite.
final class CacheAdmin {
  private static final int BODY_LIMIT = 8 * 1024;

  private CacheAdmin() {}

  static Routes routes(Cache cache) {
    return Routes.builder()
        .get("/admin/cache", request -> Response.json(200, cache.figures().members()))
        .post(
            "/admin/cache/purge",
            BODY_LIMIT,
            request ->
                Response.json(200, Map.of("purged", purge(cache, Json.parse(request.body())))))
        .build();
  }

  static void metrics(Cache cache, Metrics metrics) {
    metrics.gauge(
        "gatehouse_cache_bytes", "Memory of stored answers.", () -> cache.figures().bytes());
    metrics.counters(
        "gatehouse_cache_requests",
        "Requests on routes that keep answers, by what became of them: hit, stale (given in place of"
            + " a fresh one), collapsed (answered with what another one brought) or forwarded, and"
            + " then why, in the words of RFC 9211.",
        List.of("result", "reason"),
        () -> requests(cache));
  }

  private static Map<List<String>, Double> requests(Cache cache) {
    var now = cache.figures();
    var all = new LinkedHashMap<List<String>, Double>();
    all.put(List.of("hit", "fresh"), (double) (now.hits() - now.stale()));
    all.put(List.of("stale", "stale"), (double) now.stale());
    all.put(List.of("collapsed", "collapsed"), (double) now.collapsed());
    cache.misses().forEach((why, count) -> all.put(List.of("forwarded", why), (double) count));
    return all;
  }

  private static int purge(Cache cache, JsonNode order) {
    if (!order.isObject() || order.size() != 1) {
      throw notOne();
    }
    var path = order.path("path");
    var tag = order.path("tag");
    if (path.isString()) {
      return cache.purge(pattern(path.asString()));
    }
    if (tag.isString() && !tag.asString().isBlank()) {
      return cache.purge(tag.asString());
    }
    if (order.path("all").isBoolean() && order.path("all").asBoolean()) {
      return cache.purgeAll();
    }
    throw notOne();
  }

  private static PathPattern pattern(String text) {
    try {
      return PathPattern.parse(text);
    } catch (IllegalArgumentException e) {
      throw Problem.badField("path", "'" + text + "' is no path pattern: " + e.getMessage() + ".")
          .refusal();
    }
  }

  private static RuntimeException notOne() {
    return Problem.badRequest("Say what to forget, and one thing only.")
        .hint("Send {\"path\": \"/a/**\"}, {\"tag\": \"x\"} or {\"all\": true}.")
        .refusal();
  }
}
