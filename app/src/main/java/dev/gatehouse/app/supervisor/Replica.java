package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.supervisor.ReplicaStatus.State;
import java.time.Instant;
import java.util.Optional;

/// One place for a process: what is wanted of it, and what is there. Only the fleet's loop touches
/// it.
final class Replica {
  final String id;
  final ServiceSpec service;
  final int number;
  final Backoff backoff = new Backoff();

  /// Whether it is to run; when not, it ends and stays away.
  boolean wanted = true;

  /// Whether it is no longer part of the service, and only listed for a while.
  boolean removed;

  Optional<Child> child = Optional.empty();

  /// Where it is told to listen; kept over restarts.
  Optional<String> place = Optional.empty();

  /// Where it said it listens.
  Optional<String> address = Optional.empty();

  /// The console's sign-in link, where this is the entrance.
  Optional<String> signIn = Optional.empty();

  State state = State.STARTING;
  Instant since;
  Optional<String> reason = Optional.empty();
  String version = "";

  /// When its process was started, on the monotonic clock.
  long startedNanos;

  long startMillis;

  /// What its process said before it gave up.
  Optional<Failure> failure = Optional.empty();

  /// The last words of a child: `kind` is `port-in-use`, `fatal` (trying again cannot help) or
  /// anything else.
  record Failure(String kind, String reason) {}

  Replica(ServiceSpec service, int number, Instant since) {
    this.id = service.replica(number);
    this.service = service;
    this.number = number;
    this.since = since;
  }

  ReplicaStatus status() {
    return new ReplicaStatus(
        id,
        service.name(),
        state,
        address.or(() -> place.filter(value -> !value.endsWith(":0"))),
        since,
        version,
        reason,
        child.map(running -> running.id().pid()),
        startMillis);
  }
}
