package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.app.config.LimitText;
import dev.gatehouse.edge.limit.Exchange;
import dev.gatehouse.edge.limit.Limit;
import dev.gatehouse.edge.limit.Limits;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.observe.Metrics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Limits in the admin API: shown, set, changed, deleted and reset while everything runs.
///
/// What is set here is kept in the database, and in force on every edge within a second. The limits
/// of the file are shown, and can be reset; they are changed in the file, so that what it says is
/// always what is so. A name that stands in the file is refused.
final class LimitsAdmin {
  private static final Logger log = LoggerFactory.getLogger(LimitsAdmin.class);
  private static final int BODY_LIMIT = 64 * 1024;
  private static final String ONE = "/admin/limits/{name}";

  private final Limits limits;
  private final Exchange exchange;
  private final Supplier<Config> config;

  LimitsAdmin(Limits limits, Exchange exchange, Supplier<Config> config) {
    this.limits = limits;
    this.exchange = exchange;
    this.config = config;
  }

  Routes routes() {
    return Routes.builder()
        .get(
            "/admin/limits",
            request ->
                Response.json(200, limits.standing().stream().map(LimitsAdmin::shown).toList()))
        .get(ONE, request -> Response.json(200, shown(standing(request.path("name")))))
        .put(ONE, BODY_LIMIT, this::put)
        .patch(ONE, BODY_LIMIT, this::patch)
        .delete(ONE, this::delete)
        .post(ONE + "/reset", BODY_LIMIT, this::reset)
        .build();
  }

  /// A limit as the database has it; one that this program cannot read is left out.
  static Optional<Limit> stored(String name, String definition, Config config) {
    var body = Json.mapper().readTree(definition);
    return switch (LimitText.read(name, body, config)) {
      case LimitText.Read.Good(var limit) -> Optional.of(limit);
      case LimitText.Read.Bad(var mistakes) -> {
        log.error(
            "the stored limit '{}' is not in force, it does not fit this configuration: {} Set it"
                + " again or delete it.",
            name,
            String.join(" ", mistakes));
        yield Optional.empty();
      }
    };
  }

  private Response put(Request request) {
    var name = request.path("name");
    var body = Json.parse(request.body());
    if (body instanceof ObjectNode object && name.equals(object.path("name").asString(""))) {
      object.remove("name");
    }
    return set(name, body);
  }

  /// A JSON merge patch (RFC 7396) of what was set before.
  private Response patch(Request request) {
    var name = request.path("name");
    var patch = Json.parse(request.body());
    notOfTheFile(name);
    var before =
        exchange
            .definition(name)
            .orElseThrow(() -> Problem.notFound("There is no limit '" + name + "'.").refusal());
    return set(name, merged(Json.mapper().readTree(before), patch));
  }

  private static JsonNode merged(JsonNode target, JsonNode patch) {
    if (!(patch instanceof ObjectNode changes)) {
      return patch;
    }
    var result =
        target instanceof ObjectNode object ? object.deepCopy() : Json.mapper().createObjectNode();
    changes
        .properties()
        .forEach(change -> {
          if (change.getValue().isNull()) {
            result.remove(change.getKey());
          } else {
            result.set(change.getKey(), merged(result.path(change.getKey()), change.getValue()));
          }
        });
    return result;
  }

  private Response set(String name, JsonNode body) {
    var read = LimitText.read(name, body, config.get());
    var mistakes =
        new java.util.ArrayList<>(
            read instanceof LimitText.Read.Bad(var found) ? found : List.<String>of());
    if (ofTheFile(name)) {
      mistakes.add(
          "name: '"
              + name
              + "' is a limit of the configuration file; change it there, or take"
              + " another name.");
    }
    if (!mistakes.isEmpty()) {
      throw wrong(mistakes).refusal();
    }
    boolean created = exchange.put(name, Json.string(body));
    return Response.json(created ? 201 : 200, shown(standing(name)));
  }

  private static Problem wrong(List<String> mistakes) {
    var detail =
        mistakes.size() == 1
            ? mistakes.getFirst()
            : "The limit has " + mistakes.size() + " mistakes; nothing was changed.";
    return new Problem(422, "invalid-limit", "This is not a limit", detail)
        .with("mistakes", mistakes);
  }

  private Response delete(Request request) {
    var name = request.path("name");
    notOfTheFile(name);
    if (!exchange.delete(name)) {
      throw Problem.notFound("There is no limit '" + name + "'.").refusal();
    }
    return Response.empty(204);
  }

  private Response reset(Request request) {
    exchange.reset(standing(request.path("name")).limit().name());
    return Response.empty(204);
  }

  private boolean ofTheFile(String name) {
    return limits.find(name).filter(limit -> limit.origin() == Limit.Origin.FILE).isPresent();
  }

  private void notOfTheFile(String name) {
    if (ofTheFile(name)) {
      throw Problem.conflict("The limit '" + name + "' stands in the configuration file.")
          .hint("Change it there; saving the file puts it into force.")
          .refusal();
    }
  }

  private Limits.Standing standing(String name) {
    return limits.standing().stream()
        .filter(standing -> standing.limit().name().equals(name))
        .findFirst()
        .orElseThrow(() -> Problem.notFound("There is no limit '" + name + "'.").refusal());
  }

  private static Map<String, Object> shown(Limits.Standing standing) {
    var limit = standing.limit();
    var row = new LinkedHashMap<String, Object>();
    row.put("name", limit.name());
    row.put("origin", limit.origin().name().toLowerCase(Locale.ROOT));
    row.put("inForce", standing.inForce());
    row.putAll(LimitText.written(limit));
    row.put("allowed", standing.allowed());
    row.put("refused", standing.refused());
    return row;
  }

  static void metrics(Limits limits, Metrics metrics) {
    metrics.counters(
        "gatehouse_limit_requests",
        "Requests that a limit let pass or refused; beyond 200 limits, all others as 'other'.",
        List.of("limit", "verdict"),
        () -> verdicts(limits));
    metrics.gauge("gatehouse_limit_keys", "Keys that limits count.", () -> limits.figures().keys());
    metrics.gauge(
        "gatehouse_limit_keys_room",
        "Keys there is room for; more share buckets.",
        () -> limits.figures().room());
    metrics.gauge("gatehouse_limit_bytes", "Memory for keys.", () -> limits.figures().bytes());
    metrics.counter(
        "gatehouse_limit_crowded",
        "Requests counted in a shared bucket, because there was no room for their key.",
        () -> limits.figures().crowded());
    metrics.gauge(
        "gatehouse_limit_edges", "Edges that share the limits.", () -> limits.figures().edges());
    metrics.gauge(
        "gatehouse_limit_apart",
        "Whether this edge does not hear of the others and keeps to its share.",
        () -> limits.figures().apart() ? 1 : 0);
    metrics.gauge(
        "gatehouse_limit_told",
        "Keys that the edges tell each other of.",
        () -> limits.figures().told());
  }

  private static Map<List<String>, Double> verdicts(Limits limits) {
    var all = new LinkedHashMap<List<String>, Double>();
    int named = 0;
    for (var standing : limits.standing()) {
      var name = named++ < 200 ? standing.limit().name() : "other";
      if (standing.inForce()) {
        all.merge(List.of(name, "allowed"), (double) standing.allowed(), Double::sum);
        all.merge(List.of(name, "refused"), (double) standing.refused(), Double::sum);
      }
    }
    return all;
  }
}
