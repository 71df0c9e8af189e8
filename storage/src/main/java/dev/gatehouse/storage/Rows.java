package dev.gatehouse.storage;

import dev.gatehouse.state.coherence.NearCache;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// The way to one kind of row: through a near cache, or straight to the database.
final class Rows<V> {
  private final Optional<NearCache<V>> cache;

  Rows(Optional<NearCache<V>> cache) {
    this.cache = cache;
  }

  V get(String key, NearCache.Loader<V> loader) {
    return cache.isPresent() ? cache.get().get(key, loader) : loader.load(key).value();
  }

  /// What is in memory; never blocks.
  Optional<V> peek(String key) {
    return cache.flatMap(kept -> kept.peek(key));
  }

  /// Writes now; see [NearCache#changeLater] for when what it returns ends.
  <T> CompletableFuture<T> change(String key, Supplier<NearCache.Written<T>> write) {
    return cache.isPresent()
        ? cache.get().changeLater(key, write)
        : CompletableFuture.completedFuture(write.get().outcome());
  }
}
