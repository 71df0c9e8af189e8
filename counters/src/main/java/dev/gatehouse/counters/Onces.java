package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// The newest requests with an `Idempotency-Key` that this process knows, for 24 hours.
///
/// Bounded, and not the truth: Postgres is asked about what is not here, and the flush decides. It
/// spares the question, and it knows what Postgres cannot know yet. Guarded by [Pending]'s lock.
final class Onces {
  private static final int MOST = 50_000;
  private static final long LIFE = Duration.ofHours(24).toNanos();

  private record Known(String body, long since) {}

  private final LongSupplier nanos;
  private final LinkedHashMap<String, Known> known =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Known> eldest) {
          return size() > MOST;
        }
      };

  Onces(LongSupplier nanos) {
    this.nanos = nanos;
  }

  void add(Once once) {
    known.put(once.id(), new Known(once.body(), nanos.getAsLong()));
  }

  /// The digest of the body that came with this id.
  Optional<String> find(String id) {
    var found = known.get(id);
    return found == null || nanos.getAsLong() - found.since() > LIFE
        ? Optional.empty()
        : Optional.of(found.body());
  }
}
