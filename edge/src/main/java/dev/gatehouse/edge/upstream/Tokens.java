package dev.gatehouse.edge.upstream;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/// What the edge shows to an upstream that wants to know who it is.
public interface Tokens {
  /// One that counts now, without waiting.
  Optional<String> now();

  /// One that counts and is not `refused`; fails when there is none. Completes on any thread.
  ///
  /// @param refused what the upstream has just answered 401 to
  CompletionStage<String> other(Optional<String> refused);
}
