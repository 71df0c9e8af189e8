package dev.gatehouse.edge.auth;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// A person allows the edge to act for them, once: OAuth 2's authorisation code with PKCE (RFC
/// 7636) and a listener on this machine (RFC 8252 section 7.3).
///
/// `state` ties the answer to the question: what comes without it was sent by somebody else, is
/// told so, and ends nothing. The code alone is worth nothing without the verifier, which never
/// leaves this process but to the token endpoint.
public final class CodeFlow {
  private static final int RANDOM_BYTES = 32;

  private final TokenSettings settings;
  private final Path directory;
  private final InstantSource clock;
  private final String state;
  private final String verifier;

  /// @param directory where tokens are kept
  public CodeFlow(
      TokenSettings settings, Path directory, InstantSource clock, SecureRandom random) {
    this.settings = settings;
    this.directory = directory;
    this.clock = clock;
    this.state = random(random);
    this.verifier = random(random);
  }

  private static String random(SecureRandom random) {
    var bytes = new byte[RANDOM_BYTES];
    random.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /// Waits until the person has answered; returns the file of the token.
  ///
  /// @param show gets the URL that the person is to open
  /// @throws IOException in one sentence
  public Path run(Consumer<URI> show, Duration patience) throws IOException, InterruptedException {
    var redirect = settings.redirect();
    var server =
        HttpServer.create(
            new InetSocketAddress(
                InetAddress.getLoopbackAddress(), Math.max(redirect.getPort(), 0)),
            0);
    var code = new CompletableFuture<String>();
    var back =
        "http://"
            + redirect.getHost()
            + ":"
            + server.getAddress().getPort()
            + redirect.getRawPath();
    server.createContext("/", exchange -> answer(exchange, redirect.getRawPath(), code));
    server.start();
    try {
      show.accept(question(back));
      return keep(new TokenEndpoint(settings).byCode(await(code, patience), verifier, back));
    } finally {
      server.stop(0);
    }
  }

  private static String await(CompletableFuture<String> code, Duration patience)
      throws IOException, InterruptedException {
    try {
      return code.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IOException("nobody answered within " + patience.toMinutes() + " minutes", e);
    } catch (ExecutionException e) {
      var cause = e.getCause();
      throw new IOException(cause == null ? "it failed" : cause.getMessage(), e);
    }
  }

  private URI question(String back) {
    var asked = new LinkedHashMap<String, String>();
    asked.put("response_type", "code");
    asked.put("client_id", settings.clientId());
    asked.put("redirect_uri", back);
    asked.put("state", state);
    asked.put(
        "code_challenge",
        Base64.getUrlEncoder().withoutPadding().encodeToString(Credential.sha256(verifier)));
    asked.put("code_challenge_method", "S256");
    settings.scope().ifPresent(scope -> asked.put("scope", scope));
    var query =
        asked.entrySet().stream()
            .map(each -> each.getKey() + "=" + Remote.encoded(each.getValue()))
            .collect(Collectors.joining("&"));
    var at = settings.authorize().orElseThrow();
    return URI.create(at + (at.getRawQuery() == null ? "?" : "&") + query);
  }

  private void answer(HttpExchange exchange, String path, CompletableFuture<String> code)
      throws IOException {
    try (exchange) {
      if (!exchange.getRequestURI().getPath().equals(path)) {
        say(exchange, 404, "Nothing is here.");
        return;
      }
      var query = query(exchange.getRequestURI().getRawQuery());
      if (!MessageDigest.isEqual(bytes(state), bytes(query.getOrDefault("state", "")))) {
        say(exchange, 400, "This is not the answer to our question; start again from the link.");
        return;
      }
      var given = Optional.ofNullable(query.get("code")).filter(text -> !text.isEmpty());
      if (given.isPresent()) {
        say(exchange, 200, "Gatehouse has what it needs. You can close this page.");
        code.complete(given.get());
      } else {
        say(exchange, 200, "It was not allowed. You can close this page.");
        var error = query.getOrDefault("error", "");
        code.completeExceptionally(
            new IOException(
                "it was not allowed" + (error.matches("[a-z_]{1,64}") ? " (" + error + ")" : "")));
      }
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, String> query(String raw) {
    var all = new HashMap<String, String>();
    for (var pair : (raw == null ? "" : raw).split("&")) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        all.put(
            pair.substring(0, equals),
            URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return all;
  }

  private static void say(HttpExchange exchange, int status, String sentence) throws IOException {
    var body = bytes(sentence + "\n");
    exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private Path keep(Granted granted) throws IOException {
    if (granted.refresh().isEmpty()) {
      throw new IOException(
          "the server gave no refresh token; ask for the scope that allows one (often"
              + " offline_access)");
    }
    var file = new TokenFile(directory, settings.name());
    file.alone(() -> {
      var now = clock.instant();
      file.write(
          new TokenFile.Kept(granted.access(), now, now.plus(granted.life()), granted.refresh()));
      return true;
    });
    return file.path();
  }

  /// Whether the client's own secret is good for a token, and for how long.
  ///
  /// @throws IOException in one sentence
  public static Duration tried(TokenSettings settings) throws IOException {
    return new TokenEndpoint(settings).byClient().life();
  }
}
