package dev.gatehouse.app.config;

import dev.gatehouse.edge.auth.TokenSettings;
import dev.gatehouse.edge.auth.TokenSettings.Grant;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The part of the declaration that is about what the edge shows to upstreams.
final class CredentialKeys {
  private enum Where {
    BODY,
    HEADER
  }

  private static final Key<Grant> GRANT =
      Key.with(
          "grant",
          Texts.oneOf(Grant.class),
          "authorization-code",
          "authorization-code: somebody allows it once by 'gatehouse token NAME';"
              + " client-credentials: the secret is enough");
  private static final Key<URI> TOKEN =
      Key.required("token", url(), "the server's token endpoint, https");
  private static final Key<URI> AUTHORIZE =
      Key.optional("authorize", url(), "the page where somebody allows it, https");
  private static final Key<String> CLIENT_ID =
      Key.required("client-id", Texts.anyText("a client id"), "as the server calls this edge");
  private static final Key<String> CLIENT_SECRET =
      Key.optional(
          "client-secret",
          Texts.anyText("a secret"),
          "best as ${VARIABLE}; absent for a public client");
  private static final Key<Where> CLIENT_AUTH =
      Key.with(
          "client-auth",
          Texts.oneOf(Where.class),
          "body",
          "where the id and the secret go: body, or header (HTTP basic)");
  private static final Key<String> SCOPE =
      Key.optional("scope", Texts.anyText("scopes, with spaces"), "what is asked for");
  private static final Key<URI> REDIRECT =
      Key.with(
          "redirect",
          here(),
          "http://127.0.0.1/callback",
          "where 'gatehouse token' listens, on this machine; without a port on any free one");
  private static final Shape<TokenSettings> ONE =
      Shape.Section.of(
              List.of(
                  GRANT, TOKEN, AUTHORIZE, CLIENT_ID, CLIENT_SECRET, CLIENT_AUTH, SCOPE, REDIRECT),
              v ->
                  new TokenSettings(
                      v.name(),
                      v.get(GRANT),
                      v.get(TOKEN),
                      v.find(AUTHORIZE),
                      v.get(CLIENT_ID),
                      v.find(CLIENT_SECRET),
                      v.get(CLIENT_AUTH) == Where.HEADER,
                      v.find(SCOPE),
                      v.get(REDIRECT)))
          .checked(CredentialKeys::check);

  static final Key<Map<String, TokenSettings>> CREDENTIALS =
      Key.optional(
          "credentials",
          new Shape.Named<>(ONE, "credential", Optional.empty()),
          "OAuth 2 tokens that the edge shows to upstreams, by name");

  /// On an upstream.
  static final Key<String> OF_UPSTREAM =
      Key.optional(
          "credentials",
          new Shape.Scalar<>(
              "the name of one of 'credentials'",
              CredentialKeys::known,
              Map.of("type", "string", "minLength", 1)),
          "the token that requests show to it, one of 'credentials'");

  private CredentialKeys() {}

  private static String known(String text, Reading reading) throws Wrong {
    var known = reading.names("credentials");
    if (!known.contains(text)) {
      throw new Wrong(
          "there is no '"
              + text
              + "' under 'credentials'"
              + (known.isEmpty() ? "" : Suggest.among(text, known)));
    }
    return text;
  }

  private static void check(Values values) {
    var grant = values.find(GRANT);
    if (grant.isPresent()
        && grant.get() == Grant.AUTHORIZATION_CODE
        && values.find(AUTHORIZE).isEmpty()
        && !values.reading().names(values.path()).contains(AUTHORIZE.name())) {
      values.wrong(AUTHORIZE, values.path() + ": 'authorize' is missing: " + AUTHORIZE.about());
    }
    if (grant.isPresent()
        && grant.get() == Grant.CLIENT_CREDENTIALS
        && values.find(CLIENT_SECRET).isEmpty()) {
      values.wrong(
          CLIENT_SECRET,
          values.path() + ": 'client-secret' is missing: it is all that is asked for");
    }
  }

  /// A token is shown to nobody who could be somebody else.
  static void upstream(Values values, List<UpstreamConfig.Server> servers) {
    if (values.find(OF_UPSTREAM).isEmpty()) {
      return;
    }
    for (var server : servers) {
      boolean here =
          server.host().equals("localhost")
              || server.host().equals("127.0.0.1")
              || server.host().equals("::1");
      if (!server.tls() && !here) {
        values.wrong(
            OF_UPSTREAM,
            values.path()
                + ".credentials: '"
                + server
                + "' would get the token in the clear; it must begin with https://");
      }
    }
    if (DiscoverKeys.chosen(values).filter(found -> !found.tls()).isPresent()) {
      values.wrong(
          OF_UPSTREAM,
          values.path()
              + ".credentials: servers that are found by DNS would get the token in the clear;"
              + " the name must begin with https://");
    }
  }

  private static Shape.Scalar<URI> url() {
    return new Shape.Scalar<>(
        "a URL such as https://login.example/token",
        (text, _) -> AuthKeys.url(text),
        Map.of("type", "string", "minLength", 1));
  }

  private static Shape.Scalar<URI> here() {
    return new Shape.Scalar<>(
        "a URL on this machine such as http://127.0.0.1:8484/callback",
        (text, _) -> {
          var url = AuthKeys.url(text);
          if (!"http".equals(url.getScheme())
              || url.getRawQuery() != null
              || !url.getRawPath().startsWith("/")) {
            throw new Wrong(
                "'"
                    + text
                    + "' is not a URL on this machine such as http://127.0.0.1:8484/callback");
          }
          return url;
        },
        Map.of("type", "string", "minLength", 1));
  }
}
