package dev.gatehouse.observe;

import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// What stands behind the [AdminDoor].
public final class AdminRoutes {
  /// Where the answers come from; each value is anything [dev.gatehouse.http.Json] can write.
  public record Sources(
      Supplier<Object> routes,
      Supplier<Object> upstreams,
      Supplier<Object> config,
      Supplier<Readiness> readiness) {}

  /// Whether every service of the assembly answers, and what is known of each.
  public record Readiness(boolean ready, Map<String, String> details) {}

  private AdminRoutes() {}

  public static Routes of(Sources sources) {
    return Routes.builder()
        .get("/healthz", request -> Response.json(200, Map.of("status", "ok")))
        .get("/readyz", request -> readyz(sources.readiness.get()))
        .get("/admin", request -> Response.json(200, index()))
        .get("/admin/routes", request -> Response.json(200, sources.routes.get()))
        .get("/admin/upstreams", request -> Response.json(200, sources.upstreams.get()))
        .get("/admin/config", request -> Response.json(200, sources.config.get()))
        .build();
  }

  private static Response readyz(Readiness readiness) {
    var body = new LinkedHashMap<String, Object>();
    body.put("status", readiness.ready ? "ready" : "not ready");
    body.put("details", readiness.details);
    return Response.json(readiness.ready ? 200 : 503, body);
  }

  private static Map<String, Object> index() {
    return Map.of(
        "links",
        List.of(
            "/admin/routes",
            "/admin/upstreams",
            "/admin/config",
            "/admin/cache",
            "/admin/stats",
            "/admin/limits",
            "/admin/keys",
            "/admin/openapi.json",
            "/admin/docs",
            "/metrics",
            "/prometheus/targets",
            "/readyz",
            "/healthz"));
  }
}
