package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Config;
import dev.gatehouse.edge.auth.CodeFlow;
import dev.gatehouse.edge.auth.TokenSettings;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/// `gatehouse token NAME`: gets the token that requests show to an upstream, or tries whether the
/// edge can get it by itself.
final class Token {
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private Token() {}

  static int run(String name, Optional<Path> file, Optional<Path> data)
      throws InterruptedException {
    var config = Assembly.load(file, data).config();
    var settings = named(config, name);
    try {
      switch (settings.grant()) {
        case CLIENT_CREDENTIALS ->
            System.out.println(
                "The server gives a token for "
                    + CodeFlow.tried(settings).toSeconds()
                    + " s; the edge gets one by itself when it needs it.");
        case AUTHORIZATION_CODE -> {
          var kept =
              new CodeFlow(
                      settings,
                      Assembly.data(config).resolve("tokens"),
                      InstantSource.system(),
                      new SecureRandom())
                  .run(Token::show, PATIENCE);
          System.out.println(
              "The token is in " + kept + "; the edge uses it and renews it by itself.");
        }
      }
      return 0;
    } catch (IOException e) {
      throw new PlainError("there is no token for " + name + ": " + e.getMessage() + ".");
    }
  }

  private static TokenSettings named(Config config, String name) {
    var found = Optional.ofNullable(config.credentials().get(name));
    return found.orElseThrow(() ->
        new PlainError(
            config.credentials().isEmpty()
                ? "there are no 'credentials' in this configuration."
                : "there is no '"
                    + name
                    + "' under 'credentials'; there are "
                    + String.join(", ", config.credentials().keySet())
                    + "."));
  }

  private static void show(URI url) {
    System.out.println("Open this page and allow it:\n\n  " + url + "\n");
    System.out.flush();
    boolean screen = System.getenv("DISPLAY") != null || System.getenv("WAYLAND_DISPLAY") != null;
    var opener =
        System.getProperty("os.name").startsWith("Mac")
            ? Optional.of("open")
            : screen ? Optional.of("xdg-open") : Optional.<String>empty();
    if (opener.isPresent()) {
      try {
        new ProcessBuilder(List.of(opener.get(), url.toString()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
      } catch (IOException e) {
        // There is no such program; the page stands above.
      }
    }
  }
}
