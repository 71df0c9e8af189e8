package dev.gatehouse.edge.upstream;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/// Everything that may be set about an upstream, apart from where its replicas are. Two that are
/// equal behave equally, so a reload that changes nothing here keeps the upstream's state.
///
/// @param check how replicas are asked whether they are well; empty: only real requests tell
/// @param eject when real requests take a replica out; empty: never, but for refused connections
/// @param breaker empty: none
/// @param slowStart how long a replica that is new or back takes to get its full share; zero: none
/// @param outgoing how its origins are spoken to
public record UpstreamSettings(
    Balance balance,
    Optional<Upstream.Check> check,
    Optional<Eject> eject,
    Optional<Trip> breaker,
    Retries retries,
    Crowd crowd,
    Duration slowStart,
    Outgoing outgoing) {

  /// The same for an upstream that is spoken to in the usual way.
  public UpstreamSettings(
      Balance balance,
      Optional<Upstream.Check> check,
      Optional<Eject> eject,
      Optional<Trip> breaker,
      Retries retries,
      Crowd crowd,
      Duration slowStart) {
    this(balance, check, eject, breaker, retries, crowd, slowStart, Outgoing.USUAL);
  }

  /// These, spoken to like this.
  public UpstreamSettings with(Outgoing other) {
    return new UpstreamSettings(balance, check, eject, breaker, retries, crowd, slowStart, other);
  }

  /// These, where one try may take as long as the request.
  public UpstreamSettings patient() {
    var some = retries;
    return new UpstreamSettings(
        balance,
        check,
        eject,
        breaker,
        new Retries(
            some.tries,
            some.percent,
            some.perSecond,
            some.statuses,
            some.idempotencyKey,
            Optional.empty()),
        crowd,
        slowStart,
        outgoing);
  }

  /// How an origin that is not ours is spoken to.
  ///
  /// @param preserveHost whether it gets the client's `Host` instead of its own; a route's rewrite
  ///   of the host comes first
  /// @param trusting PEM certificates of the only issuers that are trusted; empty: the system's
  public record Outgoing(boolean preserveHost, String trusting) {
    public static final Outgoing USUAL = new Outgoing(false, "");

    @Override
    public String toString() {
      return "Outgoing";
    }
  }

  /// Passive health: when a replica's answers to real requests take it out, and for how long.
  ///
  /// An error is a failed try or one of `statuses`. Nobody is ejected while the others do no
  /// better, so one request that breaks every replica ejects none.
  ///
  /// @param consecutive errors in a row that eject
  /// @param percent of errors among the last `window` that eject, where there were `volume`
  ///   requests
  /// @param base the first ejection's length, the second's is twice that, and so on up to `longest`
  /// @param mostPercent how many of the replicas may be ejected at once, rounded down; refused
  ///   connections eject beyond it
  public record Eject(
      int consecutive,
      int percent,
      int volume,
      Duration window,
      Duration base,
      Duration longest,
      int mostPercent,
      Set<Integer> statuses) {
    public static final Eject DEFAULT =
        new Eject(
            5,
            50,
            20,
            Duration.ofSeconds(10),
            Duration.ofSeconds(1),
            Duration.ofSeconds(8),
            50,
            Set.of(500, 502, 503, 504));
  }

  /// The circuit breaker: when an upstream as a whole is left alone.
  ///
  /// @param percent of failed tries among the last `window` that open it, where there were `volume`
  /// @param open how long nothing is sent, before single requests try again
  /// @param statuses answers that are failures too; what an origin answers is else its own business
  public record Trip(
      int percent, int volume, Duration window, Duration open, Set<Integer> statuses) {
    public static final Trip DEFAULT =
        new Trip(50, 20, Duration.ofSeconds(10), Duration.ofSeconds(2), Set.of());
  }

  /// How often failed tries are repeated.
  ///
  /// @param tries of one request at most, those of which nothing was sent not counted
  /// @param percent of the last 10 s's requests that may be repeated: the retry budget
  /// @param perSecond repeated ones that are always allowed
  /// @param statuses answers that count as failed while another replica could do better
  /// @param idempotencyKey whether a POST with an `Idempotency-Key` may be repeated
  /// @param perTry how long a try may take while another replica could do better; empty: as long as
  ///   the request
  public record Retries(
      int tries,
      int percent,
      int perSecond,
      Set<Integer> statuses,
      boolean idempotencyKey,
      Optional<Duration> perTry) {
    public static final Retries DEFAULT =
        new Retries(3, 20, 10, Set.of(502, 503, 504), false, Optional.empty());
  }

  /// How many requests a replica gets at once, and how many wait for their turn.
  ///
  /// @param perReplica 0: any number
  /// @param queue how many may wait, of all of this upstream
  /// @param patience how long each may
  public record Crowd(int perReplica, int queue, Duration patience) {
    public static final Crowd DEFAULT = new Crowd(0, 100, Duration.ofSeconds(1));
  }

  /// For origins that are not ours, checked or not.
  public static UpstreamSettings external(Optional<Upstream.Check> check) {
    return new UpstreamSettings(
        new Balance.RoundRobin(),
        check,
        Optional.of(Eject.DEFAULT),
        Optional.of(Trip.DEFAULT),
        Retries.DEFAULT,
        Crowd.DEFAULT,
        Duration.ZERO);
  }

  /// For replicas of ours. No breaker: their health checks tell more, and one bad replica must not
  /// become an outage.
  ///
  /// @param idempotencyKey whether a POST with an `Idempotency-Key` may be repeated
  public static UpstreamSettings own(boolean idempotencyKey) {
    var usual = Retries.DEFAULT;
    return new UpstreamSettings(
        new Balance.RoundRobin(),
        Optional.of(Upstream.Check.OWN),
        Optional.of(Eject.DEFAULT),
        Optional.empty(),
        new Retries(
            usual.tries,
            usual.percent,
            usual.perSecond,
            usual.statuses,
            idempotencyKey,
            Optional.of(Duration.ofSeconds(1))),
        Crowd.DEFAULT,
        Duration.ZERO);
  }
}
