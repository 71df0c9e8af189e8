package dev.gatehouse.edge;

import dev.gatehouse.edge.upstream.Replica;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Every replica of every service, the dead ones too: what `GET /status` answers.
///
/// A replica that is gone from the list stays here as `down` for ten minutes, so that whoever looks
/// after an incident still sees it.
public final class StatusBoard {
  private static final Duration REMEMBERED = Duration.ofMinutes(10);

  private record Gone(Replica replica, Instant at) {}

  private final InstantSource clock;
  private final Supplier<List<Replica>> present;
  private final Map<String, Replica> last = new LinkedHashMap<>();
  private final Map<String, Gone> gone = new LinkedHashMap<>();

  StatusBoard(Supplier<List<Replica>> present, InstantSource clock) {
    this.present = present;
    this.clock = clock;
  }

  /// The replicas in the shape of the contract; filters compare without case.
  public List<Map<String, Object>> list(Optional<String> appName, Optional<String> id) {
    var rows = new ArrayList<Map<String, Object>>();
    for (var row : rows()) {
      if (fits(appName, row.get("appName")) && fits(id, row.get("id"))) {
        rows.add(row);
      }
    }
    return rows;
  }

  /// Called whenever the list of replicas changes, and by every listing.
  synchronized void refresh() {
    var now = clock.instant();
    var here = new LinkedHashMap<String, Replica>();
    for (var replica : present.get()) {
      here.put(replica.id(), replica);
      gone.remove(replica.id());
    }
    for (var before : last.values()) {
      if (!here.containsKey(before.id())) {
        gone.put(before.id(), new Gone(before, now));
      }
    }
    gone.values().removeIf(entry -> entry.at.plus(REMEMBERED).isBefore(now));
    last.clear();
    last.putAll(here);
  }

  private synchronized List<Map<String, Object>> rows() {
    refresh();
    var rows = new ArrayList<Map<String, Object>>();
    for (var replica : last.values()) {
      var state = replica.snapshot();
      rows.add(
          row(
              replica,
              state.state().name().toLowerCase(Locale.ROOT),
              state.since(),
              state.lastCheck(),
              state.reason()));
    }
    for (var entry : gone.values()) {
      boolean finishing = entry.replica.inFlight() > 0;
      rows.add(
          row(
              entry.replica,
              finishing ? "draining" : "down",
              entry.at,
              entry.replica.snapshot().lastCheck(),
              Optional.of("it left the assembly")));
    }
    return rows;
  }

  private static Map<String, Object> row(
      Replica replica, String state, Instant since, Instant lastCheck, Optional<String> reason) {
    var row = new LinkedHashMap<String, Object>();
    row.put("id", replica.id());
    row.put("appName", replica.service());
    row.put("state", state);
    row.put("address", replica.origin().port() == 0 ? null : replica.origin().address());
    row.put("since", since.toString());
    row.put("lastCheck", lastCheck.toString());
    row.put("version", replica.version());
    row.put("reason", reason.orElse(null));
    return row;
  }

  private static boolean fits(
      Optional<String> wanted, @org.jspecify.annotations.Nullable Object value) {
    return wanted.isEmpty() || wanted.get().equalsIgnoreCase(String.valueOf(value));
  }
}
