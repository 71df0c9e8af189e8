package dev.gatehouse.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;

class ConfigSchemaTest {
  private static final JsonNode SCHEMA =
      Json.parse(ConfigSchema.json().getBytes(StandardCharsets.UTF_8));

  @Test
  void the_default_assembly_is_valid() throws IOException {
    assertThat(complaints(Files.readString(Path.of("../gatehouse.yaml")))).isEmpty();
  }

  @Test
  void what_the_loader_takes_is_valid() {
    assertThat(
            complaints(
                """
                data: 7
                edge: {listen: ":80", threads: "${THREADS:-2}"}
                services: {accounts: , storage: {replicas: 0}}
                upstreams: {one: "http://a", two: {urls: ["http://b"], health: {path: /h}},
                  three: {dns: "b:80", every: 2s}, four: {srv: _http._tcp.b}}
                log: {level: debug}
                reload: {watch: false}
                routes:
                  - {match: {path: /**}, to: one, body-limit: 1MiB, timeout: 50ms}
                  - {match: {method: [GET, PUT], header: {X-A: 1}, query: {q: "*"}}, to: {one: 95, two: 5}, sticky: client}
                  - {match: {path: /a}, redirect: /b, maintenance: true}
                  - {match: {path: /c}, redirect: {to: /d, status: 308}, response-headers: {set: {A: b}, remove: [C]}}
                  - {match: {path: /e}, respond: {status: 404, body: gone}, maintenance: {retry-after: 1h}}
                  - {match: {path: /f/**}, to: one, rewrite: {strip-prefix: /f, prefix: /g, host: "{host}"}}
                """))
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unknown-key",
        "unknown-key-nested",
        "unknown-service",
        "list-for-a-value",
        "value-for-a-section",
        "value-for-a-list",
        "mapping-for-a-list",
        "value-without-content",
        "empty-list",
        "nothing-routed",
        "list-for-the-file",
        "number-in-words",
        "number-out-of-range",
        "number-with-fraction",
        "duration-without-unit",
        "duration-unknown-unit",
        "size-in-other-units",
        "address-without-port",
        "listener-without-address",
        "listener-badly-named",
        "no-listener",
        "database-unknown",
        "destination-missing",
        "health-unknown-key",
        "route-name-badly-written",
        "route-retry-unknown",
        "match-method-in-small-letters",
        "route-conditions",
        "route-destinations",
        "route-redirects",
        "route-rewrites",
        "route-maintenance",
        "many-at-once"
      })
  void an_editor_sees_the_mistake_too(String name) throws IOException {
    assertThat(complaints(Files.readString(Path.of("src/test/resources/config", name + ".yaml"))))
        .isNotEmpty();
  }

  @Test
  void every_key_says_what_it_is_for() {
    assertThat(SCHEMA.findValues("properties"))
        .isNotEmpty()
        .allSatisfy(properties ->
            assertThat(properties.values())
                .allSatisfy(key -> assertThat(key.get("description")).isNotNull()));
  }

  private static List<String> complaints(String yaml) {
    var value = new Load(LoadSettings.builder().build()).loadFromString(yaml);
    var complaints = new ArrayList<String>();
    validate(SCHEMA, Json.parse(Json.bytes(value)), "", complaints);
    return complaints;
  }

  /// As much of JSON Schema as ours uses; a keyword that is not known here fails the test.
  private static void validate(
      JsonNode schema, JsonNode value, String at, List<String> complaints) {
    for (var keyword : schema.properties()) {
      var rule = keyword.getValue();
      boolean good =
          switch (keyword.getKey()) {
            case "$schema", "title", "description", "default" -> true;
            case "type" ->
                rule.isArray()
                    ? rule.valueStream().anyMatch(type -> is(type.stringValue(), value))
                    : is(rule.stringValue(), value);
            case "pattern" ->
                !value.isString()
                    || Pattern.compile(rule.stringValue()).matcher(value.stringValue()).find();
            case "enum" -> rule.valueStream().anyMatch(value::equals);
            case "minimum" -> !value.isNumber() || value.doubleValue() >= rule.doubleValue();
            case "maximum" -> !value.isNumber() || value.doubleValue() <= rule.doubleValue();
            case "minLength" -> !value.isString() || !value.stringValue().isEmpty();
            case "minItems" -> !value.isArray() || value.size() >= rule.intValue();
            case "minProperties" -> !value.isObject() || value.size() >= rule.intValue();
            case "required" ->
                !value.isObject() || rule.valueStream().allMatch(k -> value.has(k.stringValue()));
            case "anyOf" ->
                rule.valueStream()
                    .anyMatch(one -> {
                      var inner = new ArrayList<String>();
                      validate(one, value, at, inner);
                      return inner.isEmpty();
                    });
            case "items" -> {
              value.valueStream().forEach(item -> validate(rule, item, at + "[]", complaints));
              yield true;
            }
            case "properties" -> {
              rule.properties()
                  .forEach(key -> {
                    if (value.has(key.getKey())) {
                      var path = at + "." + key.getKey();
                      validate(key.getValue(), value.get(key.getKey()), path, complaints);
                    }
                  });
              yield true;
            }
            case "propertyNames" ->
                value.isObject()
                    ? value.propertyNames().stream()
                        .allMatch(name ->
                            Pattern.compile(rule.get("pattern").stringValue()).matcher(name).find())
                    : true;
            case "additionalProperties" -> {
              var known =
                  schema.has("properties")
                      ? Set.copyOf(schema.get("properties").propertyNames())
                      : Set.<String>of();
              boolean all = true;
              for (var property :
                  value.isObject()
                      ? value.properties()
                      : Set.<java.util.Map.Entry<String, JsonNode>>of()) {
                if (!known.contains(property.getKey())) {
                  all &= !rule.isBoolean();
                  if (!rule.isBoolean()) {
                    validate(rule, property.getValue(), at + "." + property.getKey(), complaints);
                  }
                }
              }
              yield all;
            }
            default -> throw new AssertionError("unknown keyword " + keyword.getKey());
          };
      if (!good) {
        complaints.add(at + " breaks " + keyword.getKey() + " " + rule);
      }
    }
  }

  private static boolean is(String type, JsonNode value) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isString();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      default -> throw new AssertionError("unknown type " + type);
    };
  }
}
