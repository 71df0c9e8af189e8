package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Origin;
import java.time.Instant;
import java.util.Optional;

/// One running copy of a service, as the edge sees it. The state is written by health checks and
/// failures on any thread.
public final class Replica {
  /// Whether requests are sent to it.
  public enum State {
    UP,
    DOWN,
    STARTING,
    DRAINING
  }

  /// Everything that changes, swapped whole so that readers see one moment.
  public record Snapshot(State state, Instant since, Instant lastCheck, Optional<String> reason) {}

  private final String id;
  private final String service;
  private final Origin origin;
  private final int weight;
  private final int group;
  private volatile String version;
  private volatile Snapshot snapshot;
  private volatile Snapshot said;

  public Replica(String id, String service, Origin origin, String version, Snapshot snapshot) {
    this(id, service, origin, 1, 1, version, snapshot);
  }

  /// @param weight its share of the requests, where shares are weighted
  /// @param group while a replica of a lower group is usable, those of a higher one are spared
  public Replica(
      String id,
      String service,
      Origin origin,
      int weight,
      int group,
      String version,
      Snapshot snapshot) {
    this.id = id;
    this.service = service;
    this.origin = origin;
    this.weight = weight;
    this.group = group;
    this.version = version;
    this.snapshot = snapshot;
    this.said = snapshot;
  }

  public String id() {
    return id;
  }

  public String service() {
    return service;
  }

  public Origin origin() {
    return origin;
  }

  public int weight() {
    return weight;
  }

  public int group() {
    return group;
  }

  public String version() {
    return version;
  }

  /// Its program may be another one after a restart.
  void version(String now) {
    version = now;
  }

  public Snapshot snapshot() {
    return snapshot;
  }

  /// The supervisor's last word, apart from what the edge found out since.
  Snapshot said() {
    return said;
  }

  void says(Snapshot word) {
    said = word;
  }

  /// Takes over the version a process told once it was ready.
  void runs(String said) {
    if (!said.isEmpty()) {
      version = said;
    }
  }

  boolean up() {
    return snapshot.state == State.UP;
  }

  /// Notes what was found out at `now`; `since` moves only when the state does.
  synchronized boolean become(State state, Instant now, Optional<String> reason) {
    var before = snapshot;
    boolean changed = before.state != state;
    snapshot = new Snapshot(state, changed ? now : before.since, now, reason);
    return changed;
  }
}
