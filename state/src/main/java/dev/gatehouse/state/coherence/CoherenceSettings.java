package dev.gatehouse.state.coherence;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/// How a process takes part.
///
/// @param caches whether it keeps anything itself; one that does not still tells those that do
/// @param lease how long it may answer from memory after it last heard of the database
/// @param margin by how much the clocks of two processes may drift apart in the time of a lease
/// @param renewEvery well below a lease, so that a renewal that fails can be repeated in time
/// @param patience after which a write whose announcement is not confirmed is answered 503
/// @param bus where it listens for others' changes; empty: any free port of the address that the
///   database is reached from
public record CoherenceSettings(
    boolean caches,
    Duration lease,
    Duration margin,
    Duration renewEvery,
    Duration patience,
    Optional<InetSocketAddress> bus) {

  public static final CoherenceSettings DEFAULTS =
      new CoherenceSettings(
          true,
          Duration.ofSeconds(2),
          Duration.ofMillis(200),
          Duration.ofMillis(400),
          Duration.ofSeconds(10),
          Optional.empty());

  /// For how long a replica remembers nothing of a row that another one is about to write. Until
  /// then each read of it asks the database; so it is no longer than commits mostly take.
  static final Duration CLOSED = Duration.ofMillis(20);

  /// A commit that comes later than this after the row was closed is told once more.
  static final Duration FORETOLD = Duration.ofMillis(15);

  public CoherenceSettings {
    if (renewEvery.multipliedBy(2).compareTo(lease) > 0) {
      throw new IllegalArgumentException("A lease must last two renewals or more.");
    }
  }

  /// For how long after it was asked for a listing of the leases tells a writer for whom to wait. A
  /// replica answers nothing from memory for that long after it was first listed (and the margin),
  /// so a longer time makes each start, and each gap in a lease, cost more.
  Duration listingLasts() {
    return renewEvery.multipliedBy(2);
  }

  /// The first part of an epoch, in which nothing is answered from memory.
  Duration pause() {
    return listingLasts().plus(margin);
  }

  public CoherenceSettings withoutCaches() {
    return new CoherenceSettings(false, lease, margin, renewEvery, patience, bus);
  }

  public CoherenceSettings listening(InetSocketAddress address) {
    return new CoherenceSettings(caches, lease, margin, renewEvery, patience, Optional.of(address));
  }
}
