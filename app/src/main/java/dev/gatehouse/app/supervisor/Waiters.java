package dev.gatehouse.app.supervisor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/// Who waits until the fleet is in some state. Confined to the fleet's loop, which looks after each
/// change.
final class Waiters {
  private record Waiter(BooleanSupplier condition, CompletableFuture<Void> done) {}

  private final List<Waiter> waiters = new ArrayList<>();

  /// Completes when `condition` holds, perhaps at once.
  CompletableFuture<Void> until(BooleanSupplier condition) {
    var done = new CompletableFuture<Void>();
    if (condition.getAsBoolean()) {
      done.complete(null);
    } else {
      waiters.add(new Waiter(condition, done));
    }
    return done;
  }

  /// Lets those go on whose condition holds; they may come back with another.
  void look() {
    for (var waiter : List.copyOf(waiters)) {
      if (waiter.condition.getAsBoolean()) {
        waiters.remove(waiter);
        waiter.done.complete(null);
      }
    }
  }
}
