package dev.gatehouse.app.supervisor;

import java.util.List;

/// A service that runs as processes of its own.
///
/// @param name what users call it: `storage`
/// @param replicas how many run at the start
/// @param entrance whether it is the way in: exactly one process, called `name`, that cannot be
///   scaled and is told of every other process; others are `name-1`, `name-2`, ...
/// @param ported whether each replica listens on a port that the supervisor picks
/// @param arguments the command line of each begins with these; never a secret, since every user of
///   the machine can read command lines
/// @param stage when it is stopped: all of a lower stage are gone before a higher one is told
public record ServiceSpec(
    String name,
    int replicas,
    boolean entrance,
    boolean ported,
    List<String> arguments,
    Jvm jvm,
    int stage) {

  /// What one process of it may use.
  ///
  /// @param heap in MiB
  /// @param direct memory outside the heap, in MiB
  /// @param quick compile fast and once: half the start-up time and less memory, for processes that
  ///   do little computing of their own
  /// @param cached start from the AOT cache, where there is one
  /// @param connections to the database, at most
  /// @param endsWhenFull whether it ends when its heap is: what runs in it is not ours, and another
  ///   process takes its place
  public record Jvm(
      int heap, int direct, boolean quick, boolean cached, int connections, boolean endsWhenFull) {

    public Jvm(int heap, int direct, boolean quick, boolean cached, int connections) {
      this(heap, direct, quick, cached, connections, false);
    }

    public Jvm endingWhenFull() {
      return new Jvm(heap, direct, quick, cached, connections, true);
    }
  }

  public ServiceSpec {
    arguments = List.copyOf(arguments);
    if (entrance && replicas != 1) {
      throw new IllegalArgumentException(name + " is one process, not " + replicas);
    }
  }

  /// The name of the replica with this number, from 1.
  String replica(int number) {
    return entrance ? name : name + "-" + number;
  }
}
