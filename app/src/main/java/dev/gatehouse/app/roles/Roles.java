package dev.gatehouse.app.roles;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.config.Loaded;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// The roles a process can have, by the names that a command line knows them by.
public final class Roles {
  private static final Map<String, Function<Loaded.Good, Role>> BY_NAME =
      Map.of(
          "accounts", loaded -> new AccountsRole(loaded.config()),
          "compute", loaded -> new ComputeRole(loaded.config()),
          "counters", loaded -> new CountersRole(loaded.config()),
          "edge", EdgeRole::new,
          "storage", loaded -> new StorageRole(loaded.config()),
          "worker", loaded -> new WorkerRole(loaded.config()));

  private Roles() {}

  /// @throws PlainError when there is no such role
  public static Role named(String name, Loaded.Good loaded) {
    var make = BY_NAME.get(name);
    if (make == null) {
      throw new PlainError(
          "There is no role " + name + "; there are " + String.join(", ", known()) + ".");
    }
    return make.apply(loaded);
  }

  static List<String> known() {
    return BY_NAME.keySet().stream().sorted().toList();
  }
}
