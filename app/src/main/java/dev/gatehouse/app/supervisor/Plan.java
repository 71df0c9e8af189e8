package dev.gatehouse.app.supervisor;

import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/// What a supervisor is to run.
///
/// @param services in the order of the table that is shown
/// @param replicaHost where replicas listen
/// @param firstPort the first replica's port, 0 for any
/// @param database our own server, or one that is given by its URL
/// @param environment for every child; no secrets
/// @param settings for every child, through its pipe; the database's URL is added
public record Plan(
    List<ServiceSpec> services,
    String replicaHost,
    int firstPort,
    DatabasePlan database,
    Map<String, String> environment,
    Map<String, Object> settings) {

  /// Where state goes.
  public sealed interface DatabasePlan {
    /// @param connections asks the server how many all processes may have together
    record Given(String url, IntSupplier connections) implements DatabasePlan {
      @Override
      public String toString() {
        return "Given";
      }
    }

    /// @param connections that all processes may have together
    record Own(DatabaseProcess.Starter starter, int connections) implements DatabasePlan {}
  }

  public Plan {
    services = List.copyOf(services);
    environment = Map.copyOf(environment);
    settings = Map.copyOf(settings);
  }
}
