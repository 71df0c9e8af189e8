package dev.gatehouse.edge.auth;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The three requests that bring a token; each blocks.
///
/// A form and a JSON answer are all there is to them, so there is no OAuth library here: the usual
/// one is three megabytes of a protocol that is used by twenty lines.
record TokenEndpoint(TokenSettings settings) {
  Granted byCode(String code, String verifier, String redirect) throws IOException {
    return ask(
        Map.of(
            "grant_type",
            "authorization_code",
            "code",
            code,
            "redirect_uri",
            redirect,
            "code_verifier",
            verifier));
  }

  Granted byRefresh(String refresh) throws IOException {
    return ask(Map.of("grant_type", "refresh_token", "refresh_token", refresh));
  }

  Granted byClient() throws IOException {
    var form = new LinkedHashMap<>(Map.of("grant_type", "client_credentials"));
    settings.scope().ifPresent(scope -> form.put("scope", scope));
    return ask(form);
  }

  private Granted ask(Map<String, String> wanted) throws IOException {
    var form = new LinkedHashMap<>(wanted);
    var secret = settings.clientSecret();
    Optional<String> header = Optional.empty();
    if (settings.inHeader() && secret.isPresent()) {
      // Both are encoded as in a form before they are joined (RFC 6749 section 2.3.1).
      var pair = Remote.encoded(settings.clientId()) + ":" + Remote.encoded(secret.get());
      header =
          Optional.of(
              "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
    } else {
      form.put("client_id", settings.clientId());
      secret.ifPresent(text -> form.put("client_secret", text));
    }
    return Granted.of(Remote.post(settings.token(), form, header));
  }
}
