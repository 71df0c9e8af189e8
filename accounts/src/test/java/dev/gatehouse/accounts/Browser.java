package dev.gatehouse.accounts;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Target;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// A browser of the tests: it keeps the cookies it is given, and asks the service's routes as the
/// server would.
final class Browser {
  private final Routes routes;
  private final InetSocketAddress address;
  final Map<String, String> cookies = new LinkedHashMap<>();
  final Map<String, List<String>> headers = new LinkedHashMap<>();

  Browser(Accounts accounts, String address) {
    this.routes = accounts.routes();
    try {
      this.address = new InetSocketAddress(InetAddress.getAllByName(address)[0], 1);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
    headers.put("host", List.of("here.example:8080"));
  }

  private Browser(Browser other) {
    routes = other.routes;
    address = other.address;
    cookies.putAll(other.cookies);
    headers.putAll(other.headers);
  }

  /// Another window with the same cookies as of now.
  Browser copy() {
    return new Browser(this);
  }

  Response signUp(String email, String password) throws Exception {
    return post("/api/users", credentials(email, password));
  }

  Response signIn(String email, String password) throws Exception {
    return post("/api/sessions", credentials(email, password));
  }

  Response post(String path, String body) throws Exception {
    return send("POST", path, body);
  }

  Response changePassword(String current, String fresh) throws Exception {
    return send(
        "PUT", "/api/users/me/password", Json.string(Map.of("current", current, "new", fresh)));
  }

  Response put(String path, String body) throws Exception {
    return send("PUT", path, body);
  }

  Response get(String path) throws Exception {
    return send("GET", path, "");
  }

  Response delete(String path) throws Exception {
    return send("DELETE", path, "");
  }

  static String credentials(String email, String password) {
    return Json.string(Map.of("email", email, "password", password));
  }

  private Response send(String method, String path, String body) throws Exception {
    var target = Target.parse(path);
    var found = (Routes.Match.Found) routes.match(method, target.segments());
    var handler = ((Routes.Target.Blocking) found.route().target()).handler();
    var sent = new LinkedHashMap<>(headers);
    if (!cookies.isEmpty()) {
      sent.put(
          "cookie",
          List.of(
              cookies.entrySet().stream()
                  .map(cookie -> cookie.getKey() + "=" + cookie.getValue())
                  .collect(Collectors.joining("; "))));
    }
    var request =
        new Request(
            method,
            target,
            found.path(),
            sent,
            body.getBytes(StandardCharsets.UTF_8),
            address,
            Optional.empty(),
            "test");
    Response response;
    try {
      response = handler.handle(request);
    } catch (Refusal e) {
      return e.problem().response("test");
    }
    keepCookies(response);
    return response;
  }

  private void keepCookies(Response response) {
    for (var field : response.headers()) {
      if (field.name().equals("Set-Cookie")) {
        var pair = field.value().split(";")[0].split("=", 2);
        if (pair[1].isEmpty()) {
          cookies.remove(pair[0]);
        } else {
          cookies.put(pair[0], pair[1]);
        }
      }
    }
  }
}
