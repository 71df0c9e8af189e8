package dev.gatehouse.app.config;

import dev.gatehouse.edge.auth.AuthSettings;
import dev.gatehouse.edge.auth.JwtSettings;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.edge.route.Route;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The part of the declaration that is about who may come in.
final class AuthKeys {
  /// A word of a route's `authenticate`.
  enum Way {
    NONE,
    SESSION,
    BASIC,
    API_KEY,
    JWT
  }

  // ---- on a route

  static final Key<List<Way>> AUTHENTICATE =
      Key.with(
          "authenticate",
          new OneOrMore<>(Texts.oneOf(Way.class).checked(AuthKeys::way)),
          "none",
          "who may come in: none (everybody), session, basic, api-key, jwt, or a list of them; the"
              + " first that a request presents decides, others get 401");
  static final Key<Boolean> ANONYMOUS =
      Key.with(
          "anonymous",
          Texts.flag(),
          "false",
          "whether a request that presents nothing may come in, as nobody");
  static final Key<Boolean> PASS_IDENTITY =
      Key.with(
          "pass-identity",
          Texts.flag(),
          "false",
          "whether an upstream that is not ours gets the credential and X-Gatehouse-User");

  // ---- the section

  private static final Key<Path> HTPASSWD =
      Key.required("file", file("a file as htpasswd writes it"), "users, with bcrypt or apr1");
  private static final Key<String> BASIC_PLAN =
      Key.optional("plan", name("a plan"), "of all its users, for limits");
  private static final Key<AuthSettings.Basic> BASIC =
      Key.optional(
          "basic",
          Shape.Section.of(
                  List.of(HTPASSWD, BASIC_PLAN),
                  v -> new AuthSettings.Basic(v.get(HTPASSWD), v.find(BASIC_PLAN)))
              .orJust(HTPASSWD),
          "HTTP basic authentication: an htpasswd file, read again when it changes");

  private static final Key<JwtSettings.Keys> JWKS =
      Key.required("jwks", keys(), "the public keys: a file, or an https URL");
  private static final Key<String> ISSUER =
      Key.required("issuer", Texts.anyText("an issuer"), "what the claim 'iss' must be");
  private static final Key<List<String>> AUDIENCE =
      Key.optional(
          "audience",
          new OneOrMore<>(Texts.anyText("an audience")),
          "of which the claim 'aud' must name one; absent: it is not looked at");
  private static final Key<List<String>> ALGORITHMS =
      Key.optional(
          "algorithms",
          new OneOrMore<>(algorithm()),
          "that may sign; absent: all but those with a shared secret");
  private static final Key<Duration> LEEWAY =
      Key.with(
          "leeway",
          Texts.duration(Duration.ZERO, Duration.ofMinutes(10)),
          "30s",
          "how far clocks may differ");
  private static final Key<Duration> REFRESH =
      Key.with(
          "refresh",
          Texts.duration(Duration.ofSeconds(10), Duration.ofDays(1)),
          "5m",
          "how often keys at a URL are fetched; an unknown key has them fetched at once");
  private static final Key<String> USER_CLAIM =
      Key.with("user-claim", Texts.anyText("a claim"), "sub", "whose text is the user");
  private static final Key<String> PLAN_CLAIM =
      Key.optional("plan-claim", Texts.anyText("a claim"), "whose text is the plan, for limits");
  private static final Key<JwtSettings> JWT =
      Key.optional(
          "jwt",
          Shape.Section.of(
              List.of(JWKS, ISSUER, AUDIENCE, ALGORITHMS, LEEWAY, REFRESH, USER_CLAIM, PLAN_CLAIM),
              v ->
                  new JwtSettings(
                      v.get(JWKS),
                      Optional.of(v.get(ISSUER)),
                      v.find(AUDIENCE).map(Set::copyOf).orElse(Set.of()),
                      v.find(ALGORITHMS).map(Set::copyOf).orElse(JwtSettings.ALGORITHMS),
                      v.get(LEEWAY),
                      v.get(REFRESH),
                      v.get(USER_CLAIM),
                      v.find(PLAN_CLAIM))),
          "signed tokens of an issuer that we trust");

  static final Key<AuthConfig> AUTHENTICATION =
      Key.section(
          "authentication",
          Shape.Section.of(List.of(BASIC, JWT), v -> new AuthConfig(v.find(BASIC), v.find(JWT))),
          "what routes with 'authenticate' check against");

  private AuthKeys() {}

  // ---- put together

  static Route.Authentication authentication(Values v) {
    var schemes = new ArrayList<Identity.Scheme>();
    for (var way : v.get(AUTHENTICATE)) {
      switch (way) {
        case NONE -> {}
        case SESSION -> schemes.add(Identity.Scheme.SESSION);
        case BASIC -> schemes.add(Identity.Scheme.BASIC);
        case API_KEY -> schemes.add(Identity.Scheme.API_KEY);
        case JWT -> schemes.add(Identity.Scheme.JWT);
      }
    }
    return schemes.isEmpty()
        ? Route.Authentication.NONE
        : new Route.Authentication(schemes, v.get(ANONYMOUS), v.get(PASS_IDENTITY));
  }

  /// What must not stand together on one route.
  static void route(Values values) {
    var ways = values.find(AUTHENTICATE).orElse(List.of());
    boolean open = ways.contains(Way.NONE);
    if (open && ways.size() > 1) {
      wrong(
          values,
          AUTHENTICATE,
          "'none' lets everybody in; leave it out, or say 'anonymous: true' to let in who presents"
              + " nothing");
    }
    if (new LinkedHashSet<>(ways).size() < ways.size()) {
      wrong(values, AUTHENTICATE, "one of them stands here twice");
    }
    if (open && values.find(ANONYMOUS).orElse(false)) {
      wrong(values, ANONYMOUS, "without 'authenticate' everybody may come in anyway");
    }
    if (open && values.find(PASS_IDENTITY).orElse(false)) {
      wrong(values, PASS_IDENTITY, "without 'authenticate' there is no identity to pass on");
    }
  }

  private static void wrong(Values values, Key<?> key, String sentence) {
    var path = values.path() + "." + key.name();
    values.reading().mistake(values.reading().placeOf(path), path + ": " + sentence);
  }

  private static void way(Way way, Reading reading) throws Wrong {
    switch (way) {
      case NONE, API_KEY -> {}
      case SESSION -> {
        if (!reading.names("services").contains("accounts")) {
          throw new Wrong("sessions need the service 'accounts'; add it under 'services'");
        }
      }
      case BASIC -> {
        if (!reading.names("authentication").contains("basic")) {
          throw new Wrong(
              "this needs users; add 'authentication: {basic: FILE}' with an htpasswd file");
        }
      }
      case JWT -> {
        if (!reading.names("authentication").contains("jwt")) {
          throw new Wrong(
              "this needs to know whose tokens; add 'authentication: {jwt: {jwks: ..., issuer:"
                  + " ...}}'");
        }
      }
    }
  }

  // ---- shapes

  private static Shape.Scalar<Path> file(String expects) {
    return new Shape.Scalar<>(
        expects, (text, _) -> readable(text), Map.of("type", "string", "minLength", 1));
  }

  private static Path readable(String text) throws Wrong {
    try {
      var path = Path.of(text);
      if (Files.isRegularFile(path) && Files.isReadable(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      throw new Wrong("'" + text + "' cannot be the name of a file");
    }
    throw new Wrong("there is no file '" + text + "' that could be read");
  }

  private static Shape.Scalar<JwtSettings.Keys> keys() {
    return new Shape.Scalar<>(
        "a file, or an https URL",
        (text, _) ->
            text.contains("://")
                ? new JwtSettings.Keys.Url(url(text))
                : new JwtSettings.Keys.File(readable(text)),
        Map.of("type", "string", "minLength", 1));
  }

  /// An address that can be trusted to be the one that is meant: https, or this machine.
  static URI url(String text) throws Wrong {
    try {
      var url = new URI(text);
      var host = Optional.ofNullable(url.getHost()).orElse("");
      boolean here = host.equals("localhost") || host.equals("127.0.0.1") || host.equals("[::1]");
      if (host.isEmpty() || url.getUserInfo() != null || url.getFragment() != null) {
        throw new Wrong("'" + text + "' is not a URL such as https://login.example/keys");
      }
      if (!"https".equals(url.getScheme()) && !("http".equals(url.getScheme()) && here)) {
        throw new Wrong(
            "'" + text + "' must begin with https://; only this machine may do without");
      }
      return url;
    } catch (URISyntaxException e) {
      throw new Wrong("'" + text + "' is not a URL such as https://login.example/keys");
    }
  }

  private static Shape.Scalar<String> algorithm() {
    var known = JwtSettings.ALGORITHMS.stream().sorted().toList();
    return new Shape.Scalar<>(
        "one of " + String.join(", ", known),
        (text, _) -> {
          if (!known.contains(text)) {
            throw new Wrong(
                text.startsWith("HS") || text.equals("none")
                    ? "'"
                        + text
                        + "' is never accepted: anybody who can check such a token can make one"
                    : "'" + text + "' is unknown" + Suggest.among(text, known));
          }
          return text;
        },
        Map.of("enum", known));
  }

  private static Shape.Scalar<String> name(String expects) {
    return Texts.text(expects + " of letters, digits, '.', '_' and '-'", "[A-Za-z0-9._-]{1,64}");
  }
}
