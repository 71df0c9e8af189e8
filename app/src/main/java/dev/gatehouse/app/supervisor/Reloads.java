package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/// Orders to the entrance to take over a configuration, numbered, until it has said what became of
/// them. Confined to the fleet's loop.
final class Reloads {
  private final Map<Long, CompletableFuture<Void>> orders = new LinkedHashMap<>();
  private long last;

  /// Completes when the configuration is in force, or with a [PlainError] that says why it is not.
  CompletableFuture<Void> order(Child entrance, String text) {
    var order = new CompletableFuture<Void>();
    long id = ++last;
    orders.put(id, order);
    entrance.send(Map.of("reload", Map.of("id", id, "text", text)));
    return order;
  }

  void taken(JsonNode event) {
    named(event).ifPresent(order -> order.complete(null));
  }

  void refused(JsonNode event) {
    named(event)
        .ifPresent(order ->
            order.completeExceptionally(new PlainError(event.path("reason").asString(""))));
  }

  /// The entrance has ended; nobody will say any more.
  void lost(String entrance) {
    var failure = new PlainError(entrance + " ended while it took the configuration over.");
    orders.values().forEach(order -> order.completeExceptionally(failure));
    orders.clear();
  }

  private Optional<CompletableFuture<Void>> named(JsonNode event) {
    return Optional.ofNullable(orders.remove(event.path("id").asLong()));
  }
}
