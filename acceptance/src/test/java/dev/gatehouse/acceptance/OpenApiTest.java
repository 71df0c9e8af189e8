package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// `/admin/openapi.json` against the running program: every operation is asked, for what it does
/// and for what it refuses, and each answer must be one that the document tells.
@ExtendWith(Shared.class)
class OpenApiTest {
  private static final Set<String> METHODS = Set.of("get", "put", "post", "patch", "delete");
  private static final SchemaRegistry SCHEMAS =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

  private record Operation(String method, String path, JsonNode responses) {}

  private final Http edge = Shared.edge();
  private final Http admin = new Http(Shared.program().adminPort());
  private final String[] token = {"Authorization", "Bearer " + token()};
  private final JsonNode document = json(admin.get("/admin/openapi.json", token));
  private final Map<String, Operation> operations = operations();
  private final Set<String> asked = new TreeSet<>();
  private final String own = "openapi-" + UUID.randomUUID();

  @Test
  void every_operation_answers_as_the_document_says() {
    documents();
    ages();
    counters();
    users();
    multivac();
    health();
    views();
    keys();
    limits();
    assertThat(asked).isEqualTo(new TreeSet<>(operations.keySet()));
  }

  @Test
  void every_path_takes_the_methods_that_the_document_has_and_no_others() {
    var cookie = Shared.signIn();
    for (var path : document.get("paths").properties()) {
      var methods = new TreeSet<String>();
      path.getValue()
          .propertyNames()
          .forEach(name -> {
            if (METHODS.contains(name)) {
              methods.add(name.toUpperCase(Locale.ROOT));
            }
          });
      if (methods.contains("GET")) {
        methods.add("HEAD");
      }
      var server = path.getValue().at("/servers/0/url").asString("");
      var port = server.equals("/") ? admin : edge;
      var answer =
          port.send(
              methods.contains("PATCH") ? "POST" : "PATCH",
              path.getKey().replaceAll("\\{[^}]+}", "x"),
              BodyPublishers.noBody(),
              server.equals("/") ? token : new String[] {"Cookie", cookie});
      Http.methodNotAllowed(answer, methods.toArray(String[]::new));
    }
  }

  private void documents() {
    var one = "/data/" + own + "/one";
    check("listPartitions", 200, edge.get("/data?limit=5"));
    check("listPartitions", 400, edge.get("/data?limit=0"));
    check("putDocument", 201, edge.put(one, "{\"a\": [1, null]}"));
    var put = check("putDocument", 200, edge.put(one, "[2]"));
    check("putDocument", 412, edge.put(one, "3", "If-None-Match", "*"));
    check("putDocument", 400, edge.put(one, "{"));
    check("listDocuments", 200, edge.get("/data/" + own));
    check("listDocuments", 404, edge.get("/data/" + own + "-none"));
    check("getDocument", 200, edge.get(one));
    check("getDocument", 304, edge.get(one, "If-None-Match", Http.header(put, "ETag")));
    check("getDocument", 404, edge.get(one + "-none"));
    check("deleteDocument", 412, edge.delete(one, "If-Match", "\"0\""));
    check("deleteDocument", 204, edge.delete(one));
    check("deleteDocument", 404, edge.delete(one));
  }

  private void ages() {
    check("addAge", 200, edge.put("/age", "{\"name\":\"" + own + "\",\"age\":31}"));
    check("addAge", 400, edge.put("/age", "{\"name\":\"" + own + "\"}"));
    check("getAges", 200, edge.get("/age/" + own));
    check("getAges", 400, edge.get("/age/" + "x".repeat(201)));
  }

  private void counters() {
    var most = increment(own + "-most", Long.MAX_VALUE);
    check("increment", 202, edge.post("/increment", increment(own, 3)));
    check("increment", 202, edge.post("/increment", most));
    check("increment", 409, edge.post("/increment", most));
    check("increment", 400, edge.post("/increment", "{}"));
    check("increment", 202, edge.post("/increment", increment(own, 1), "Idempotency-Key", own));
    check("increment", 422, edge.post("/increment", increment(own, 2), "Idempotency-Key", own));
    check("incrementAndGet", 401, edge.post("/api/increment", increment(own, 1)));
    var session = Shared.signIn();
    check(
        "incrementAndGet", 200, edge.post("/api/increment", increment(own, 1), "Cookie", session));
    check("incrementAndGet", 400, edge.post("/api/increment", "[]", "Cookie", session));
    check("listCounters", 200, edge.get("/counters?limit=1&prefix=" + own));
    check("listCounters", 400, edge.get("/counters?limit=0"));
    check("getCounter", 200, edge.get("/counters/" + own));
    check("getCounter", 404, edge.get("/counters/" + own + "-none"));
  }

  private static String increment(String key, long value) {
    return "{\"key\":\"" + key + "\",\"value\":" + value + "}";
  }

  private void users() {
    var user = "{\"email\":\"" + own + "@example.org\",\"password\":\"a long enough one\"}";
    check("signUp", 200, edge.post("/api/users", user));
    check("signUp", 400, edge.post("/api/users", user));
    check("signUp", 400, edge.post("/api/users", "{}"));
    check("signIn", 401, edge.post("/api/sessions", "{}"));
    check("signIn", 403, edge.post("/api/sessions", user.replace("long", "wrong")));
    var session = cookie(check("signIn", 201, edge.post("/api/sessions", user)));
    check("whoAmI", 200, edge.get("/api/sessions", "Cookie", session));
    check("whoAmI", 401, edge.get("/api/sessions"));
    var change = "{\"current\":\"a long enough one\",\"new\":\"another one of these\"}";
    var me = "/api/users/me/";
    check("changePassword", 401, edge.put(me + "password", change));
    check("changePassword", 400, edge.put(me + "password", "{}", "Cookie", session));
    var wrong = change.replace("long", "wrong");
    check("changePassword", 403, edge.put(me + "password", wrong, "Cookie", session));
    session =
        cookie(check("changePassword", 204, edge.put(me + "password", change, "Cookie", session)));
    check("signOutEverywhere", 200, edge.delete(me + "sessions", "Cookie", session));
    check("signOutEverywhere", 401, edge.delete(me + "sessions"));
    check("signOut", 200, edge.delete("/api/sessions"));
  }

  private static String cookie(HttpResponse<String> answer) {
    return answer.headers().allValues("Set-Cookie").stream()
        .map(cookie -> cookie.split(";", 2)[0])
        .collect(Collectors.joining("; "));
  }

  private void multivac() {
    check("cpu", 200, edge.get("/cpu"));
    check("localProgram", 200, edge.get("/local_program"));
    check("welcome", 200, edge.get("/"));
    check("answer", 200, edge.get("/multivac"));
    check("feed", 200, edge.form("/multivac/data", "data=" + own));
    check("feed", 400, edge.form("/multivac/data", "data="));
    check("feed", 415, edge.post("/multivac/data", "{}"));
    check("newest", 200, edge.get("/zzz"));
    check("newestToo", 200, edge.get("/zzz/"));
    var jobs = check("listJobs", 200, edge.get("/multivac/jobs"));
    check("listJobs", 400, edge.get("/multivac/jobs?state=strange"));
    var job = "/multivac/jobs/" + json(jobs).get(0).get("id").asLong();
    check("getJob", 200, edge.get(job));
    check("getJob", 404, edge.get("/multivac/jobs/0"));
    check("retryJob", 409, edge.form(job + "/retry", ""));
    check("retryJob", 404, edge.form("/multivac/jobs/0/retry", ""));
  }

  private void health() {
    check("status", 200, edge.get("/status"));
    check("health", 200, edge.get("/health"));
    check("healthToo", 200, edge.get("/health/"));
    check("apiHealth", 200, edge.get("/api/health"));
    check("healthz", 200, edge.get("/healthz"));
    check("healthz", 200, admin.get("/healthz"));
    check("readyz", 200, admin.get("/readyz"));
    check("metrics", 200, admin.get("/metrics"));
    check("targets", 200, admin.get("/prometheus/targets"));
  }

  private void views() {
    for (var view :
        Map.of(
                "adminIndex", "/admin",
                "routes", "/admin/routes",
                "upstreams", "/admin/upstreams",
                "config", "/admin/config",
                "cache", "/admin/cache",
                "stats", "/admin/stats",
                "openapi", "/admin/openapi.json",
                "docs", "/admin/docs",
                "docsFile", "/admin/docs/swagger-ui.css")
            .entrySet()) {
      check(view.getKey(), 200, admin.get(view.getValue(), token));
      check(view.getKey(), 401, admin.get(view.getValue()));
    }
    check("docsFile", 200, admin.get("/admin/docs/docs.js", token));
    check("docsFile", 404, admin.get("/admin/docs/other.js", token));
    check("stats", 200, admin.get("/admin/stats?by=limit", token));
    check("stats", 400, admin.get("/admin/stats?by=weather", token));
    var purge = "/admin/cache/purge";
    check("purge", 200, admin.post(purge, "{\"tag\":\"" + own + "\"}", token));
    check("purge", 400, admin.post(purge, "{}", token));
    check("purge", 401, admin.post(purge, "{}"));
  }

  private void keys() {
    var key = "{\"name\":\"" + own + "\",\"plan\":\"free\"}";
    var made = check("makeKey", 201, admin.post("/admin/keys", key, token));
    check("makeKey", 409, admin.post("/admin/keys", key, token));
    check("makeKey", 400, admin.post("/admin/keys", "{}", token));
    check("listKeys", 200, admin.get("/admin/keys", token));
    check("listKeys", 401, admin.get("/admin/keys"));
    var one = "/admin/keys/" + json(made).get("id").asString();
    check("revokeKey", 204, admin.delete(one, token));
    check("revokeKey", 404, admin.delete("/admin/keys/none", token));
  }

  private void limits() {
    var one = "/admin/limits/" + own.substring(0, 20).toLowerCase(Locale.ROOT);
    var none = "/admin/limits/none-such";
    var limit = "{\"match\":{\"path\":\"/" + own + "\"},\"key\":\"client\",\"rate\":\"9/min\"}";
    check("setLimit", 201, admin.put(one, limit, token));
    check("setLimit", 200, admin.put(one, limit, token));
    check("setLimit", 422, admin.put(one, "{\"rate\":\"much\"}", token));
    check("setLimit", 400, admin.put(one, "{", token));
    check("listLimits", 200, admin.get("/admin/limits", token));
    check("getLimit", 200, admin.get(one, token));
    check("getLimit", 404, admin.get(none, token));
    check("changeLimit", 200, patch(one, "{\"burst\":5}"));
    check("changeLimit", 404, patch(none, "{}"));
    check("changeLimit", 409, patch("/admin/limits/one-address", "{}"));
    check("resetLimit", 204, admin.post(one + "/reset", "", token));
    check("resetLimit", 404, admin.post(none + "/reset", "", token));
    check("deleteLimit", 409, admin.delete("/admin/limits/one-address", token));
    check("deleteLimit", 204, admin.delete(one, token));
    check("deleteLimit", 404, admin.delete(one, token));
  }

  private HttpResponse<String> patch(String path, String body) {
    return admin.send("PATCH", path, BodyPublishers.ofString(body), token);
  }

  /// Holds an answer to what the document says of this operation and status.
  private HttpResponse<String> check(String name, int status, HttpResponse<String> answer) {
    asked.add(name);
    assertThat(operations).containsKey(name);
    var operation = Objects.requireNonNull(operations.get(name));
    var what = name + " " + status;
    assertThat(answer.statusCode()).as(what + ": " + answer.body()).isEqualTo(status);
    assertThat(answer.request().method()).isEqualTo(operation.method);
    assertThat(answer.request().uri().getRawPath()).matches(template(operation.path));
    var told = operation.responses.path(String.valueOf(status));
    assertThat(told.isMissingNode()).as(what + " is not in the document").isFalse();
    var response = resolved(told);
    for (var header : response.path("headers").propertyNames()) {
      boolean optional = header.equals("Link");
      assertThat(optional || answer.headers().firstValue(header).isPresent())
          .as(what + " has " + header)
          .isTrue();
    }
    var content = response.path("content");
    if (content.isMissingNode()) {
      assertThat(answer.body()).as(what).isEmpty();
      return answer;
    }
    var type = Http.header(answer, "Content-Type").split(";", 2)[0].strip();
    assertThat(content.propertyNames()).as(what).contains(type);
    if (type.endsWith("json")) {
      assertThat(complaints(content.get(type).get("schema"), json(answer)))
          .as(what + ": " + answer.body())
          .isEmpty();
    }
    return answer;
  }

  /// The schema stands where its references lead from: beside the document's components.
  private List<String> complaints(JsonNode schema, JsonNode value) {
    var whole = (ObjectNode) schema.deepCopy();
    whole.set("components", document.get("components"));
    return SCHEMAS.getSchema(whole).validate(value).stream().map(Object::toString).toList();
  }

  private JsonNode resolved(JsonNode node) {
    var reference = node.path("$ref").asString("");
    return reference.isEmpty() ? node : document.at(reference.substring(1));
  }

  private static Pattern template(String path) {
    return Pattern.compile(
        Stream.of(path.split("(?<=})|(?=\\{)"))
            .map(part -> part.startsWith("{") ? "[^/]+" : Pattern.quote(part))
            .collect(Collectors.joining()));
  }

  private Map<String, Operation> operations() {
    var all = new HashMap<String, Operation>();
    for (var path : document.get("paths").properties()) {
      for (var one : path.getValue().properties()) {
        if (METHODS.contains(one.getKey())) {
          all.put(
              one.getValue().get("operationId").asString(),
              new Operation(
                  one.getKey().toUpperCase(Locale.ROOT),
                  path.getKey(),
                  one.getValue().get("responses")));
        }
      }
    }
    return all;
  }

  private static String token() {
    try {
      return Files.readString(Shared.program().data().resolve("admin.token")).strip();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
