package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/// API keys as operators see them: `GET` and `POST /admin/keys`, `DELETE /admin/keys/{id}`.
///
/// A key is shown once, in the answer that makes it; only its hash is stored.
final class ApiKeyAdmin {
  private static final int BODY_LIMIT = 8 * 1024;
  private static final int PAGE = 1000;
  private static final int KEY_BYTES = 32;
  private static final int LONGEST_PLAN = 64;

  /// What the routes work with.
  record Tools(ApiKeySql sql, ApiKeys keys) {}

  private final Supplier<Tools> tools;
  private final SecureRandom random;

  /// @param tools blocking; refuses where there is no database
  ApiKeyAdmin(Supplier<Tools> tools, SecureRandom random) {
    this.tools = tools;
    this.random = random;
  }

  Routes routes() {
    return Routes.builder()
        .get("/admin/keys", this::list)
        .post("/admin/keys", BODY_LIMIT, this::make)
        .delete("/admin/keys/{id}", this::revoke)
        .build();
  }

  private Response list(Request request) {
    var after = request.query("after").filter(Json::isStorable).orElse("");
    var rows = tools.get().sql.page(after, PAGE + 1);
    var shown = rows.subList(0, Math.min(PAGE, rows.size()));
    var response = Response.json(200, shown.stream().map(ApiKeyAdmin::row).toList());
    if (rows.size() <= PAGE) {
      return response;
    }
    var last = shown.getLast();
    var next =
        java.net.URLEncoder.encode(
            last.name() + " " + last.id(), java.nio.charset.StandardCharsets.UTF_8);
    return response.with("Link", "</admin/keys?after=" + next + ">; rel=\"next\"");
  }

  private static Map<String, Object> row(ApiKeySql.Row row) {
    var shown = new LinkedHashMap<String, Object>();
    shown.put("id", row.id().toString());
    shown.put("name", row.name());
    row.plan().ifPresent(plan -> shown.put("plan", plan));
    shown.put("created", row.created().toInstant().toString());
    row.used().ifPresent(used -> shown.put("lastUsed", used.toInstant().toString()));
    row.revoked().ifPresent(revoked -> shown.put("revoked", revoked.toInstant().toString()));
    return shown;
  }

  private Response make(Request request) {
    var body = Json.parse(request.body());
    if (!body.isObject()
        || !Set.of("name", "plan").containsAll(List.copyOf(body.propertyNames()))) {
      throw Problem.badRequest(
              "The body must be {\"name\": ...} or {\"name\": ..., \"plan\": ...}.")
          .refusal();
    }
    var name =
        named(body, "name", 256)
            .orElseThrow(
                () -> Problem.badField("name", "A key needs a name; it is its user's.").refusal());
    var plan = named(body, "plan", LONGEST_PLAN);
    var bytes = new byte[KEY_BYTES];
    random.nextBytes(bytes);
    var key = "gk_" + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    var id = UUID.randomUUID();
    if (!tools.get().sql.add(id, Credential.hex(Credential.sha256(key)), name, plan)) {
      throw Problem.conflict("There is a live key called '" + name + "' already.")
          .hint("Revoke it first, or choose another name.")
          .refusal();
    }
    var made = new LinkedHashMap<String, Object>();
    made.put("id", id.toString());
    made.put("name", name);
    plan.ifPresent(chosen -> made.put("plan", chosen));
    made.put("key", key);
    return Response.json(201, made).with("Cache-Control", "no-store");
  }

  private static Optional<String> named(JsonNode body, String field, int longest) {
    var node = body.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return Optional.empty();
    }
    if (!node.isString()
        || !Identity.isName(node.asString())
        || node.asString().length() > longest) {
      throw Problem.badField(
              field,
              "The "
                  + field
                  + " must be 1 to "
                  + longest
                  + " visible ASCII characters, with spaces only inside.")
          .refusal();
    }
    return Optional.of(node.asString());
  }

  private Response revoke(Request request) {
    UUID id;
    try {
      id = UUID.fromString(request.path("id"));
    } catch (IllegalArgumentException e) {
      throw Problem.notFound("There is no such key.").refusal();
    }
    var at = tools.get();
    var hash =
        at.sql.revoke(id).orElseThrow(() -> Problem.notFound("There is no such key.").refusal());
    at.keys.forget(hash);
    return Response.empty(204);
  }
}
