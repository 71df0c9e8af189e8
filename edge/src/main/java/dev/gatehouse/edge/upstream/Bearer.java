package dev.gatehouse.edge.upstream;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The token that one exchange shows to an upstream which asks for one: got before the first try,
/// and once more when the upstream refuses it.
final class Bearer {
  private final Tokens tokens;
  private final Executor loop;
  private @Nullable String token;
  private boolean refused;

  /// @param loop where everything happens that concerns the exchange
  Bearer(Tokens tokens, Executor loop) {
    this.tokens = tokens;
    this.loop = loop;
  }

  /// Calls `then` when there is a token, perhaps at once, or with why there is none.
  void get(Consumer<Optional<Throwable>> then) {
    var now = tokens.now();
    if (now.isPresent()) {
      token = now.get();
      then.accept(Optional.empty());
    } else {
      await(then);
    }
  }

  /// A 401 says that nothing was done, so the request may be sent once more.
  boolean mayGetAnother(int status) {
    return status == 401 && !refused;
  }

  /// As [#get], for one that is not what the upstream has just refused.
  void getAnother(Consumer<Optional<Throwable>> then) {
    refused = true;
    await(then);
  }

  private void await(Consumer<Optional<Throwable>> then) {
    tokens
        .other(Optional.ofNullable(token))
        .whenCompleteAsync(
            (fresh, failure) -> {
              if (fresh != null) {
                token = fresh;
              }
              then.accept(Optional.ofNullable(failure));
            },
            loop);
  }

  /// Takes the place of whatever the client showed.
  void addTo(HttpHeaders fields) {
    if (token != null) {
      fields.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + token);
    }
  }
}
