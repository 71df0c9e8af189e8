package dev.gatehouse.accounts;

import dev.gatehouse.http.CrossSite;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The two cookies of this room (RFC 6265): `session` says who is signed in, `device` that somebody
/// has signed in with this browser before.
///
/// Their names and attributes stand here and nowhere else: over TLS they become `__Host-` names
/// with `Secure`.
final class Cookies {
  static final String SESSION = "session";
  static final String DEVICE = "device";
  static final Duration SESSION_LIFE = Duration.ofHours(24);
  static final Duration DEVICE_LIFE = Duration.ofDays(365);

  private static final String GUARDED = "; HttpOnly; SameSite=Lax; Path=";

  private Cookies() {}

  /// The first `session` of the request; a second one, which another site under the same domain may
  /// have planted, is not looked at. Empty when it cannot be a token of ours.
  static Optional<Token> session(Request request) {
    return request.cookie(SESSION).flatMap(Token::parse);
  }

  static Optional<Token> device(Request request) {
    return request.cookie(DEVICE).flatMap(Token::parse);
  }

  /// @throws dev.gatehouse.http.Refusal 403 when the request carries a cookie of ours and a page of
  ///   another site made it
  static void refuseForeign(Request request) {
    boolean any = request.cookie(SESSION).isPresent() || request.cookie(DEVICE).isPresent();
    if (any && isForeign(request)) {
      throw Problem.forbidden("This request comes from a page of another site.")
          .hint("Send it from a page of this host, or without the cookie.")
          .refusal();
    }
  }

  private static boolean isForeign(Request request) {
    return CrossSite.isForeign(
        request.headers().getOrDefault("sec-fetch-site", List.of()),
        request.headers().getOrDefault("origin", List.of()),
        request.header("host").orElse(""));
  }

  static Response setSession(Response response, Token token) {
    return set(response, SESSION, token.text(), "/", SESSION_LIFE);
  }

  static Response clearSession(Response response) {
    return set(response, SESSION, "", "/", Duration.ZERO);
  }

  /// Only sign-in ever needs it, so it is sent nowhere else.
  static Response setDevice(Response response, Token token) {
    return set(response, DEVICE, token.text(), "/api/sessions", DEVICE_LIFE);
  }

  private static Response set(
      Response response, String name, String value, String path, Duration life) {
    return response.with(
        "Set-Cookie", name + "=" + value + GUARDED + path + "; Max-Age=" + life.toSeconds());
  }
}
