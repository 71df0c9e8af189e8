package dev.gatehouse.multivac;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Target;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Calls a table of routes the way the edge does for a service in its own process.
record Client(Routes routes) {
  static final String URLENCODED = "application/x-www-form-urlencoded";

  Response get(String target) {
    return call("GET", target, Map.of(), new byte[0]);
  }

  Response post(String target) {
    return call("POST", target, Map.of(), new byte[0]);
  }

  /// A body whose bytes are the characters of `body`.
  Response form(String contentType, String body) {
    return form(contentType, body.getBytes(ISO_8859_1));
  }

  Response form(String contentType, byte[] body) {
    return call("POST", "/multivac/data", Map.of("content-type", List.of(contentType)), body);
  }

  private Response call(String method, String raw, Map<String, List<String>> headers, byte[] body) {
    try {
      var target = Target.parse(raw);
      if (!(routes.match(method, target.segments())
          instanceof Routes.Match.Found(var route, var path))) {
        throw new AssertionError("no route for " + method + " " + raw);
      }
      if (!(route.target() instanceof Routes.Target.Blocking(var handler))) {
        throw new AssertionError("not a blocking route: " + raw);
      }
      return handler.handle(
          new Request(
              method,
              target,
              path,
              headers,
              body,
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 4711),
              Optional.empty(),
              "r"));
    } catch (Refusal refusal) {
      return refusal.problem().response("r");
    } catch (Exception e) {
      throw new AssertionError("a service would answer 500", e);
    }
  }
}
