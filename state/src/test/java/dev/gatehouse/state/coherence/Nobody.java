package dev.gatehouse.state.coherence;

import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// No other process remembers anything.
final class Nobody implements NearCache.Announcement, NearCache.Coming {
  @Override
  public NearCache.Coming foretell(String space, String key) {
    return this;
  }

  @Override
  public CompletableFuture<@Nullable Void> announce(
      String space, Collection<String> keys, long transaction) {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<@Nullable Void> committed(long version, long transaction) {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void abandoned() {}
}
