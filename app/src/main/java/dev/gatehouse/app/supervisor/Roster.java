package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.supervisor.ReplicaStatus.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;

/// Which services there are, and which replicas of them, in the order in which they are shown.
/// Confined to the fleet's loop, but for the services, which never change.
final class Roster {
  private final List<ServiceSpec> services;
  private final List<Replica> replicas = new ArrayList<>();

  /// How many database connections all processes may have together.
  private int connections = Integer.MAX_VALUE;

  Roster(List<ServiceSpec> services) {
    this.services = List.copyOf(services);
  }

  List<ServiceSpec> services() {
    return services;
  }

  /// The stages in which the assembly stops.
  Iterable<Integer> stages() {
    return new TreeSet<>(services.stream().map(ServiceSpec::stage).toList());
  }

  Replica add(ServiceSpec service, int number, Instant now) {
    var replica = new Replica(service, number, now);
    replicas.add(replica);
    replicas.sort(
        Comparator.<Replica>comparingInt(each -> services.indexOf(each.service))
            .thenComparingInt(each -> each.number));
    return replica;
  }

  /// Whether it was there.
  boolean remove(Replica replica) {
    return replicas.remove(replica);
  }

  /// All of them as they are now.
  List<Replica> replicas() {
    return List.copyOf(replicas);
  }

  Stream<Replica> of(ServiceSpec service) {
    return replicas.stream().filter(replica -> replica.service.equals(service));
  }

  Optional<Replica> find(ServiceSpec service, int number) {
    return of(service).filter(replica -> replica.number == number).findFirst();
  }

  /// The processes that run.
  Stream<Child> children() {
    return replicas.stream().flatMap(replica -> replica.child.stream());
  }

  /// The entrance's process, while it is up.
  Optional<Child> entrance() {
    return replicas.stream()
        .filter(replica -> replica.service.entrance() && replica.state == State.UP)
        .flatMap(replica -> replica.child.stream())
        .findFirst();
  }

  ServiceSpec service(String name) {
    return services.stream()
        .filter(service -> service.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new PlainError(
                "There is no service "
                    + name
                    + "; this assembly runs "
                    + String.join(", ", services.stream().map(ServiceSpec::name).toList())
                    + "."));
  }

  /// A replica, or all of a service.
  List<Replica> named(String name) {
    var found =
        replicas.stream()
            .filter(replica -> !replica.removed)
            .filter(replica -> replica.id.equals(name) || replica.service.name().equals(name))
            .toList();
    if (found.isEmpty()) {
      throw new PlainError(
          "There is no replica or service "
              + name
              + "; there are "
              + String.join(", ", replicas.stream().map(replica -> replica.id).toList())
              + ".");
    }
    return found;
  }

  // --- database connections ---

  void allowConnections(int allowed) {
    connections = allowed;
  }

  /// How many replicas of it are to run.
  int wanted(ServiceSpec service) {
    return Math.toIntExact(of(service).filter(replica -> replica.wanted).count());
  }

  /// Refuses so many replicas of each service when they may need more connections than there are.
  void requireConnections(ToIntFunction<ServiceSpec> count) {
    int needed =
        services.stream()
            .mapToInt(service -> count.applyAsInt(service) * service.jvm().connections())
            .sum();
    if (needed > connections) {
      throw new PlainError(
          "That many processes may need "
              + needed
              + " database connections, and the database has "
              + connections
              + " for them; run fewer replicas, or raise its max_connections.");
    }
  }
}
