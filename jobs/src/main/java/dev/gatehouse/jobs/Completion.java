package dev.gatehouse.jobs;

import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;

/// How a job ended well: `effect` runs in the transaction that marks the job done, so both happen
/// or neither, and once: a worker whose lease was taken over has no completion and no effect.
///
/// The effect must be short, touch only the database through its handle, and be repeatable: the
/// transaction may be rolled back and tried again.
public record Completion(Consumer<Handle> effect) {
  public static Completion done() {
    return new Completion(handle -> {});
  }

  public static Completion with(Consumer<Handle> effect) {
    return new Completion(effect);
  }
}
