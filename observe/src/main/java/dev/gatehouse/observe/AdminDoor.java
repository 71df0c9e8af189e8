package dev.gatehouse.observe;

import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.ExchangeHandler;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.RoutesHandler;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Who may use the admin port: probes and scrapers their four paths, whoever has the token
/// everything.
///
/// A browser signs in by a link that works once and gives it a cookie of its own; the token itself
/// never stands in a URL. `Host` must be an address or `localhost`: a page that rebinds its own
/// name to our address cannot know one. An `Origin` must be ours, so that no other page can act
/// with the cookie. (Names by which the operator reaches the port on purpose are given to the
/// constructor.)
public final class AdminDoor implements ExchangeHandler {
  private static final Set<String> OPEN =
      Set.of("/healthz", "/readyz", "/metrics", "/prometheus/targets");
  private static final String COOKIE = "gatehouse_admin";

  private final RoutesHandler routes;
  private final AdminToken token;
  private final Set<String> names;
  private final String cookie;

  /// The code of the sign-in link; empty once it was used.
  private String signIn;

  /// @param names that `Host` may be besides, in lower case
  public AdminDoor(
      RoutesHandler routes, AdminToken token, Collection<String> names, SecureRandom random) {
    this.routes = routes;
    this.token = token;
    this.names = Set.copyOf(names);
    this.cookie = AdminToken.random(random);
    this.signIn = AdminToken.random(random);
  }

  /// The path and query of the sign-in link.
  public synchronized String signInPath() {
    return "/sign-in?code=" + signIn;
  }

  @Override
  public void handle(Exchange exchange) {
    var head = exchange.head();
    var refusal = refusal(head);
    if (refusal.isPresent()) {
      exchange.send(refusal.get().response(exchange.requestId()));
    } else if (head.target().rawPath().equals("/sign-in")) {
      exchange.send(signIn(exchange));
    } else {
      routes.handle(exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty()));
    }
  }

  private Optional<Problem> refusal(RequestHead head) {
    if (!isOurs(head.host())) {
      return Optional.of(
          Problem.forbidden(
                  "This port is reached by an address or by 'localhost', not by another name.")
              .hint("Set admin.hosts to the names it may be reached by."));
    }
    var origins = head.headers().getAll(HttpHeaderNames.ORIGIN);
    for (var origin : origins) {
      if (!origin.equals("http://" + head.host())) {
        return Optional.of(Problem.forbidden("Another site must not act here."));
      }
    }
    var path = head.target().rawPath();
    if (OPEN.contains(path) || path.equals("/sign-in") || bearer(head) || signedIn(head)) {
      return Optional.empty();
    }
    return Optional.of(
        Problem.unauthorized("The admin port needs its bearer token.")
            .hint(
                "Send 'Authorization: Bearer <token>' with the token from admin.token in the data directory.")
            .header("WWW-Authenticate", "Bearer"));
  }

  private synchronized Response signIn(Exchange exchange) {
    var code = exchange.head().target().query("code").orElse("");
    boolean good = !signIn.isEmpty() && AdminToken.same(signIn, code);
    if (!good) {
      return Problem.unauthorized("This sign-in link was used already or is not of this run.")
          .hint("Restart, or use the bearer token.")
          .response(exchange.requestId());
    }
    signIn = "";
    return Response.empty(303)
        .with("Location", "/admin")
        .with("Set-Cookie", COOKIE + "=" + cookie + "; HttpOnly; SameSite=Strict; Path=/")
        .with("Cache-Control", "no-store")
        .with("Referrer-Policy", "no-referrer");
  }

  private boolean bearer(RequestHead head) {
    List<String> values = head.headers().getAll(HttpHeaderNames.AUTHORIZATION);
    return values.size() == 1
        && values.getFirst().regionMatches(true, 0, "Bearer ", 0, 7)
        && token.is(values.getFirst().substring(7).trim());
  }

  private boolean signedIn(RequestHead head) {
    for (var line : head.headers().getAll(HttpHeaderNames.COOKIE)) {
      for (var pair : line.split(";")) {
        int equals = pair.indexOf('=');
        if (equals > 0
            && pair.substring(0, equals).trim().equals(COOKIE)
            && AdminToken.same(cookie, pair.substring(equals + 1).trim())) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean isOurs(String host) {
    int colon = host.lastIndexOf(':');
    var name = colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
    if (name.equalsIgnoreCase("localhost") || names.contains(name.toLowerCase(Locale.ROOT))) {
      return true;
    }
    try {
      java.net.InetAddress.ofLiteral(
          name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
