package dev.gatehouse.app.roles;

import dev.gatehouse.app.Version;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.function.BooleanSupplier;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/// The API's document at `/admin/openapi.json`, and Swagger UI at `/admin/docs`.
///
/// The document is written by hand in `openapi.yaml`, which people can read and review; making it
/// from annotations was refused, since handlers here have none and the contracts are older than
/// they are. A test holds it to the routes that exist, another to what they answer. It is read anew
/// for each request, because almost nobody asks and nothing of it should stay in memory.
///
/// Swagger UI comes from its WebJar, works offline, and is kept by its own
/// `Content-Security-Policy` to this port: scripts and requests go nowhere else. The page needs
/// inline styles, which its library sets; inline scripts are refused.
final class ApiDocs {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'"
          + " data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors"
          + " 'none'";
  private static final String SCRIPT = "text/javascript; charset=utf-8";
  private static final String OWN = "/dev/gatehouse/app/roles/";
  private static final String JAR = "/META-INF/maven/org.webjars/swagger-ui/pom.properties";

  /// The only files there are: a name that a client sends never becomes a path.
  private static final Map<String, String> TYPES =
      Map.of(
          "docs.js",
          SCRIPT,
          "swagger-ui-bundle.js",
          SCRIPT,
          "swagger-ui.css",
          "text/css; charset=utf-8",
          "favicon-32x32.png",
          "image/png");

  private ApiDocs() {}

  /// @param shown whether `/admin/docs` is there; asked by every request
  static Routes routes(BooleanSupplier shown) {
    return Routes.builder()
        .get("/admin/openapi.json", request -> Response.json(200, document()))
        .get(
            "/admin/docs",
            request -> {
              require(shown);
              return guarded("text/html; charset=utf-8", OWN + "docs.html");
            })
        .get(
            "/admin/docs/{file}",
            request -> {
              require(shown);
              return file(request.path("file"));
            })
        .build();
  }

  /// OpenAPI 3.1, with the version of this program.
  private static Map<String, Object> document() {
    try (var in = open(OWN + "openapi.yaml")) {
      var document = members(new Load(LoadSettings.builder().build()).loadFromInputStream(in));
      var info = members(document.get("info"));
      info.put("version", Version.current());
      document.put("info", info);
      return document;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> members(@org.jspecify.annotations.Nullable Object node) {
    if (!(node instanceof Map<?, ?> map)) {
      throw new IllegalStateException("openapi.yaml has no mapping where one must be");
    }
    var members = new LinkedHashMap<String, Object>();
    map.forEach((name, value) -> members.put(String.valueOf(name), value));
    return members;
  }

  private static void require(BooleanSupplier shown) {
    if (!shown.getAsBoolean()) {
      throw Problem.notFound("This assembly does not show its API here.")
          .hint("Set docs to true; the document itself is /admin/openapi.json.")
          .refusal();
    }
  }

  private static Response file(String name) {
    var type = TYPES.get(name);
    if (type == null) {
      throw Problem.notFound("There is no such file.").refusal();
    }
    return guarded(type, name.equals("docs.js") ? OWN + name : library() + name);
  }

  private static Response guarded(String type, String resource) {
    try (var in = open(resource)) {
      return Response.of(200, type, in.readAllBytes())
          .with("Content-Security-Policy", POLICY)
          .with("X-Content-Type-Options", "nosniff")
          .with("Referrer-Policy", "no-referrer")
          .with("Cache-Control", "private, no-cache");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Where the WebJar has its files: its version is part of their path.
  private static String library() {
    var about = new Properties();
    try (var in = open(JAR)) {
      about.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "/META-INF/resources/webjars/swagger-ui/" + about.getProperty("version") + "/";
  }

  private static InputStream open(String resource) {
    var in = ApiDocs.class.getResourceAsStream(resource);
    if (in == null) {
      throw new IllegalStateException(resource + " is missing from this build of Gatehouse");
    }
    return in;
  }
}
