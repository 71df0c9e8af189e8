package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Origin;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// One running copy of a service, as the edge sees it.
///
/// Two things are known of it: its state, which the supervisor and health checks say, and whether
/// real requests have ejected it. Both are written on any thread and swapped whole.
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
  private volatile String nickname = "";

  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger errorsInRow = new AtomicInteger();
  private final AtomicReference<@Nullable Ejection> ejection = new AtomicReference<>();
  private final Pace pace = new Pace();
  private volatile Tally tally = new Tally(Duration.ofSeconds(10));
  private final AtomicInteger ejections = new AtomicInteger();
  private volatile int lastTimes;
  private volatile long readmitted;

  /// When it became new or came back, 0 for never: the beginning of its slow start.
  private volatile long warmFrom;

  /// Its requests lately, and the errors among them.
  private record Tally(Duration window, Recent requests, Recent errors) {
    Tally(Duration window) {
      this(window, new Recent(window), new Recent(window));
    }
  }

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

  /// What cookies call it.
  String nickname() {
    return nickname;
  }

  void nickname(String name) {
    nickname = name;
  }

  // --- its state ---

  /// What is to be told of it: one that is ejected is down.
  public Snapshot snapshot() {
    var now = snapshot;
    var out = ejection.get();
    return out == null || now.state != State.UP
        ? now
        : new Snapshot(State.DOWN, out.at(), now.lastCheck, Optional.of(out.reason()));
  }

  /// What the supervisor and the health checks say, whatever requests met.
  Snapshot checked() {
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

  /// Notes what was found out at `now`; `since` moves only when the state does.
  synchronized boolean become(State state, Instant now, Optional<String> reason) {
    var before = snapshot;
    boolean changed = before.state != state;
    snapshot = new Snapshot(state, changed ? now : before.since, now, reason);
    return changed;
  }

  boolean fits(Ask.Need need, long now) {
    var state = snapshot.state;
    if (need == Ask.Need.PRESENT) {
      return state != State.DRAINING && origin.port() != 0;
    }
    if (state != State.UP) {
      return false;
    }
    var out = ejection.get();
    return out == null || need == Ask.Need.CHECKED || now - out.until() >= 0;
  }

  // --- its requests ---

  public int inFlight() {
    return inFlight.get();
  }

  /// Takes a request's place.
  ///
  /// @param most how many it may have; 0 for any number
  boolean enter(int most) {
    if (most == 0) {
      inFlight.incrementAndGet();
      return true;
    }
    int before = inFlight.get();
    while (before < most) {
      if (inFlight.compareAndSet(before, before + 1)) {
        return true;
      }
      before = inFlight.get();
    }
    return false;
  }

  void leave() {
    inFlight.decrementAndGet();
  }

  Pace pace() {
    return pace;
  }

  /// Judges its errors over this window from now on.
  void judgedOver(Duration window) {
    if (!tally.window.equals(window)) {
      tally = new Tally(window);
    }
  }

  /// Counts a request that went well.
  void good(long now) {
    tally.requests.add(now);
    if (errorsInRow.get() != 0) {
      errorsInRow.set(0);
    }
  }

  /// Counts one that did not.
  void bad(long now) {
    tally.requests.add(now);
    tally.errors.add(now);
    errorsInRow.incrementAndGet();
  }

  int errorsInRow() {
    return errorsInRow.get();
  }

  /// Errors among a hundred of its latest requests; 0 where there were fewer than `volume`.
  int errorPercent(int volume, long now) {
    long requests = tally.requests.sum(now);
    return requests == 0 || requests < volume ? 0 : (int) (tally.errors.sum(now) * 100 / requests);
  }

  // --- ejection and return ---

  public boolean ejected() {
    return ejection.get() != null;
  }

  /// How often it was ejected, all in all.
  public int ejections() {
    return ejections.get();
  }

  @Nullable Ejection ejection() {
    return ejection.get();
  }

  /// Puts it out, the longer the more often it happened lately; the length in nanoseconds.
  long eject(UpstreamSettings.Eject rules, String reason, Instant at, long now) {
    var before = ejection.get();
    long longest = rules.longest().toNanos();
    int times = 1;
    if (before != null) {
      times = before.times() + 1;
    } else if (ejections.get() > 0) {
      long good = Math.max(0, now - readmitted);
      times = 1 + (int) Math.max(0, lastTimes - good / Math.max(1, longest));
    }
    lastTimes = times;
    long length = Math.min(longest, rules.base().toNanos() * times);
    ejections.incrementAndGet();
    ejection.set(new Ejection(times, now, now + length, at, reason));
    return length;
  }

  /// For one that is ejected and whose time is over: whether this request may be the one that
  /// tries.
  boolean claim(long now) {
    var out = ejection.get();
    return out == null
        || now - out.until() < 0 // somebody wants it all the same
        || ejection.compareAndSet(out, out.tried(now));
  }

  /// Ends its ejection, if it has one and the proof is newer.
  ///
  /// @param began when the request that went well was sent
  boolean readmit(long began, long now) {
    var out = ejection.get();
    if (out == null || began - out.since() < 0 || !ejection.compareAndSet(out, null)) {
      return false;
    }
    readmitted = now;
    errorsInRow.set(0);
    tally = new Tally(tally.window);
    return true;
  }

  /// It was started anew: what its ancestor did is forgiven.
  void reborn() {
    ejection.set(null);
    errorsInRow.set(0);
    tally = new Tally(tally.window);
  }

  /// Starts slowly from now on.
  void warm(long now) {
    warmFrom = now == 0 ? 1 : now;
    errorsInRow.set(0);
  }

  /// Its share of what it would get, from 10 to 100.
  int warmth(long now, long slowStart) {
    long from = warmFrom;
    if (from == 0) {
      return 100;
    }
    long past = now - from;
    if (past >= slowStart) {
      warmFrom = 0;
      return 100;
    }
    return Math.max(10, (int) (past * 100 / slowStart));
  }
}
