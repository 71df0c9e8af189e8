package dev.gatehouse.app.supervisor;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// One replica as the supervisor knows it: a line of `gatehouse status`, and what the edge is told.
///
/// @param address `host:port` once it listens somewhere
/// @param reason why it is not up, or what happened last
/// @param startMillis from starting the process until it was ready; 0 while it is not
public record ReplicaStatus(
    String id,
    String service,
    State state,
    Optional<String> address,
    Instant since,
    String version,
    Optional<String> reason,
    Optional<Long> pid,
    long startMillis) {

  /// Where a replica is in its life; the words are those of `GET /status`.
  public enum State {
    STARTING("starting"),
    UP("up"),
    DRAINING("draining"),
    DOWN("down");

    private final String word;

    State(String word) {
      this.word = word;
    }

    public String word() {
      return word;
    }
  }

  /// The members of its JSON object.
  public Map<String, Object> json() {
    var members = new LinkedHashMap<String, Object>();
    members.put("id", id);
    members.put("service", service);
    address.ifPresent(value -> members.put("address", value));
    members.put("state", state.word);
    members.put("since", since.toString());
    members.put("version", version);
    reason.ifPresent(value -> members.put("reason", value));
    pid.ifPresent(value -> members.put("pid", value));
    members.put("startMillis", startMillis);
    return members;
  }
}
