package dev.gatehouse.app.roles;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.HttpLimits;
import dev.gatehouse.http.HttpServer;
import dev.gatehouse.http.Json;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.testkit.HttpMessage;
import dev.gatehouse.testkit.RawClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// The API's document against the source: that the routes which it has answer as it says, an
/// acceptance test shows.
class ApiDocsTest {
  private static final Set<String> METHODS = Set.of("get", "put", "post", "patch", "delete");

  /// A line of a table of routes: `.get("/a/{b}",` or `.put(ONE + "/c",` or `.inline("GET", "/d",`.
  private static final Pattern LINE =
      Pattern.compile(
          "\\.(get|post|put|patch|delete|inline|later)\\(\\s*(?:\"([A-Z]+)\",\\s*)?"
              + "(?:([A-Z][A-Z_]*)(?:\\s*\\+\\s*)?)?(?:\"(/[^\"]*)\")?\\s*,");

  private static final Pattern CONSTANT =
      Pattern.compile("static final String ([A-Z_]+) =\\s*\"(/[^\"]*)\";");

  private final JsonNode document;

  ApiDocsTest() throws IOException {
    document = read();
  }

  @Test
  void every_route_of_the_source_is_in_the_document_and_none_more() throws IOException {
    assertThat(documented()).isEqualTo(declared()).hasSizeGreaterThan(45);
  }

  @Test
  void every_operation_has_a_name_of_its_own_a_summary_and_its_parameters() {
    var names = new TreeSet<String>();
    document
        .get("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .properties()
                .forEach(operation -> {
                  if (METHODS.contains(operation.getKey())) {
                    var one = operation.getValue();
                    assertThat(names.add(one.path("operationId").asString(""))).isTrue();
                    assertThat(one.path("summary").asString("")).as(path.getKey()).isNotBlank();
                    assertThat(one.path("responses").isEmpty()).as(path.getKey()).isFalse();
                    assertThat(parameters(path.getValue(), one))
                        .as(path.getKey())
                        .isEqualTo(placeholders(path.getKey()));
                  }
                }));
  }

  @Test
  void the_pages_are_404_where_nobody_wants_them_and_the_document_is_not() throws IOException {
    assertThat(ask("/admin/docs", false).status()).isEqualTo(404);
    assertThat(ask("/admin/docs/docs.js", false).status()).isEqualTo(404);
    assertThat(ask("/admin/openapi.json", false).status()).isEqualTo(200);
    assertThat(ask("/admin/docs", true).status()).isEqualTo(200);
  }

  @Test
  void the_page_and_all_it_is_made_of_come_from_here_under_a_strict_policy() throws IOException {
    var page = ask("/admin/docs", true);
    assertThat(page.bodyText()).doesNotContain("http:", "https:", "<script>", "onload");
    var links =
        Pattern.compile("(?:src|href)=\"([^\"]+)\"")
            .matcher(page.bodyText())
            .results()
            .map(found -> found.group(1))
            .toList();
    assertThat(links).hasSize(4);
    for (var link : links) {
      var file = ask(link, true);
      assertThat(file.status()).as(link).isEqualTo(200);
      assertThat(file.header("X-Content-Type-Options")).as(link).contains("nosniff");
    }
    assertThat(page.header("Content-Security-Policy").orElseThrow())
        .contains("default-src 'none'", "script-src 'self';", "connect-src 'self'");
  }

  @Test
  void the_default_assembly_shows_them_and_the_one_for_containers_does_not() throws IOException {
    assertThat(Files.readString(Path.of("../gatehouse.yaml"))).containsPattern("(?m)^docs: true$");
    assertThat(Files.readString(Path.of("../deploy/compose/gatehouse.yaml")))
        .doesNotContainPattern("(?m)^docs:");
  }

  @Test
  void no_other_file_is_served() throws IOException {
    for (var name : Set.of("openapi.yaml", "index.html", "..%2Fopenapi.yaml", "docs.html")) {
      assertThat(ask("/admin/docs/" + name, true).status()).as(name).isEqualTo(404);
    }
  }

  private Set<String> parameters(JsonNode path, JsonNode operation) {
    var names = new TreeSet<String>();
    for (var at : Set.of(path, operation)) {
      for (var parameter : at.path("parameters")) {
        var reference = parameter.path("$ref").asString("");
        // By its name in the path: the identifiers of documents and of jobs are both `id`.
        var one = reference.isEmpty() ? parameter : document.at(reference.substring(1));
        if (one.path("in").asString("").equals("path")) {
          names.add(one.path("name").asString(""));
        }
      }
    }
    return names;
  }

  private static Set<String> placeholders(String path) {
    return Pattern.compile("\\{([^}]+)}")
        .matcher(path)
        .results()
        .map(found -> found.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Set<String> documented() {
    var all = new TreeSet<String>();
    document
        .get("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .propertyNames()
                .forEach(name -> {
                  if (METHODS.contains(name)) {
                    all.add(name.toUpperCase(Locale.ROOT) + " " + path.getKey());
                  }
                }));
    return all;
  }

  private static Set<String> declared() throws IOException {
    var all = new TreeSet<String>();
    try (var modules = Files.newDirectoryStream(Path.of(".."), Files::isDirectory)) {
      for (var module : modules) {
        var sources = module.resolve("src/main/java");
        if (Files.isDirectory(sources) && !module.endsWith("testkit")) {
          try (var files = Files.walk(sources)) {
            for (var file : files.filter(one -> one.toString().endsWith(".java")).toList()) {
              all.addAll(routes(Files.readString(file)));
            }
          }
        }
      }
    }
    return all;
  }

  private static Set<String> routes(String source) {
    var found = new TreeSet<String>();
    if (!source.contains("Routes.builder()")) {
      return found;
    }
    var constants = new HashMap<String, String>();
    CONSTANT.matcher(source).results().forEach(one -> constants.put(one.group(1), one.group(2)));
    var lines = LINE.matcher(source);
    while (lines.find()) {
      var begin = Optional.ofNullable(lines.group(3));
      var template =
          begin.map(name -> constants.getOrDefault(name, "")).orElse("")
              + Optional.ofNullable(lines.group(4)).orElse("");
      if (template.startsWith("/")) {
        var method =
            Set.of("inline", "later").contains(lines.group(1))
                ? lines.group(2)
                : lines.group(1).toUpperCase(Locale.ROOT);
        found.add(method + " " + template);
      }
    }
    return found;
  }

  private static JsonNode read() throws IOException {
    return Json.parse(ask("/admin/openapi.json", true).bodyText().getBytes(StandardCharsets.UTF_8));
  }

  private static HttpMessage ask(String path, boolean shown) throws IOException {
    var handler = new RoutesHandler(ApiDocs.routes(() -> shown), Runnable::run);
    try (var loops = Loops.start(1);
        var server =
            HttpServer.start(
                loops,
                Map.of("admin", new InetSocketAddress("127.0.0.1", 0)),
                HttpLimits.DEFAULT,
                exchange ->
                    handler.handle(
                        exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty())));
        var client = RawClient.connect(server.addresses().getFirst().getPort())) {
      return client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").read();
    }
  }
}
