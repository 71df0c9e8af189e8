package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.upstream.Tokens;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The token of one upstream, renewed by itself.
///
/// It is renewed by the requests that need it: in the background when a fifth of its life is left
/// (a minute at most), and before anything is sent when it is over. `renewing` holds the one
/// renewal that is under way, and everybody who comes meanwhile gets its outcome; `this` guards it.
/// The renewal itself runs on a virtual thread, under the lock of the [TokenFile], and looks first
/// whether another process has renewed the token already. After a failure nobody asks the server
/// for a while that doubles from one second to one minute.
final class TokenKeeper implements Tokens {
  private static final Logger LOG = LoggerFactory.getLogger(TokenKeeper.class);
  private static final Duration AHEAD = Duration.ofMinutes(1);
  private static final Duration MARGIN = Duration.ofSeconds(5);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  /// @param renewFrom when it is renewed in the background
  /// @param until when it is not used any more
  private record Held(String access, Instant renewFrom, Instant until) {
    static Held of(String access, Instant begin, Instant end) {
      var life = Duration.between(begin, end);
      return new Held(
          access,
          end.minus(shorter(life.dividedBy(5), AHEAD)),
          end.minus(shorter(life.dividedBy(20), MARGIN)));
    }
  }

  private final TokenSettings settings;
  private final TokenEndpoint endpoint;
  private final TokenFile file;
  private final InstantSource clock;
  private final Executor threads;
  private volatile Optional<Held> held = Optional.empty();
  private Optional<CompletableFuture<String>> renewing = Optional.empty();
  private Instant pauseUntil = Instant.MIN;
  private Duration pause = Duration.ZERO;

  /// @param directory where tokens are kept
  TokenKeeper(TokenSettings settings, Path directory, InstantSource clock, Executor threads) {
    this.settings = settings;
    this.endpoint = new TokenEndpoint(settings);
    this.file = new TokenFile(directory, settings.name());
    this.clock = clock;
    this.threads = threads;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  @Override
  public Optional<String> now() {
    var token = held;
    var now = clock.instant();
    if (token.isEmpty() || !now.isBefore(token.get().until)) {
      return Optional.empty();
    }
    if (!now.isBefore(token.get().renewFrom)) {
      var _ = renewed(token.map(Held::access));
    }
    return token.map(Held::access);
  }

  @Override
  public CompletionStage<String> other(Optional<String> refused) {
    var token = held;
    return token.isPresent()
            && !token.map(Held::access).equals(refused)
            && clock.instant().isBefore(token.get().until)
        ? CompletableFuture.completedFuture(token.get().access)
        : renewed(refused);
  }

  private synchronized CompletableFuture<String> renewed(Optional<String> old) {
    if (renewing.isPresent()) {
      return renewing.get();
    }
    var now = held;
    if (now.isPresent()
        && !now.map(Held::access).equals(old)
        && clock.instant().isBefore(now.get().until)) {
      return CompletableFuture.completedFuture(now.get().access);
    }
    if (clock.instant().isBefore(pauseUntil)) {
      return CompletableFuture.failedFuture(new IOException("the last try has just failed"));
    }
    var mine = new CompletableFuture<String>();
    renewing = Optional.of(mine);
    threads.execute(() -> renew(old, mine));
    return mine;
  }

  private void renew(Optional<String> old, CompletableFuture<String> mine) {
    try {
      var fresh = settings.grant() == TokenSettings.Grant.CLIENT_CREDENTIALS ? own() : shared(old);
      synchronized (this) {
        if (!pause.isZero()) {
          LOG.info("there is a token for {} again", settings.name());
        }
        held = Optional.of(fresh);
        renewing = Optional.empty();
        pause = Duration.ZERO;
      }
      mine.complete(fresh.access);
    } catch (IOException | RuntimeException e) {
      synchronized (this) {
        boolean first = pause.isZero();
        pause = first ? FIRST_PAUSE : shorter(pause.multipliedBy(2), LONGEST_PAUSE);
        pauseUntil = clock.instant().plus(pause);
        renewing = Optional.empty();
        if (first) {
          LOG.error(
              "there is no token for {}: {}; requests that need one get 503, and it is tried again"
                  + " in {} s",
              settings.name(),
              e.getMessage(),
              pause.toSeconds());
        }
      }
      mine.completeExceptionally(e);
    }
  }

  private Held own() throws IOException {
    var now = clock.instant();
    var granted = endpoint.byClient();
    return Held.of(granted.access(), now, now.plus(granted.life()));
  }

  private Held shared(Optional<String> old) throws IOException {
    return file.alone(() -> {
      var now = clock.instant();
      var kept = file.read();
      var known = kept.map(token -> Held.of(token.access(), token.from(), token.until()));
      if (known.isPresent()
          && !known.map(Held::access).equals(old)
          && now.isBefore(known.get().until)) {
        return known.get();
      }
      var refresh =
          kept.flatMap(TokenFile.Kept::refresh)
              .orElseThrow(
                  () -> new IOException("run 'gatehouse token " + settings.name() + "' first"));
      Granted granted;
      try {
        granted = endpoint.byRefresh(refresh);
      } catch (Granted.Denied e) {
        throw new IOException(
            "the token server does not take the refresh token any more ("
                + e.getMessage()
                + "); run 'gatehouse token "
                + settings.name()
                + "'",
            e);
      }
      var until = now.plus(granted.life());
      // On the disk before it is used: the server may know only the new one from now on.
      file.write(
          new TokenFile.Kept(
              granted.access(), now, until, Optional.of(granted.refresh().orElse(refresh))));
      return Held.of(granted.access(), now, until);
    });
  }
}
