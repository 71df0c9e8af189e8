package dev.gatehouse.edge.upstream;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A request that wants a replica. It is its own questionnaire, so that asking allocates nothing.
///
/// Confined to its event loop, but for its time in a [WaitingRoom], where it does nothing itself
/// and the room's lock hands it from thread to thread.
abstract class Ask {
  /// What a replica must be, from the strictest on.
  enum Need {
    WELL,
    /// Its health check is content, whatever requests say.
    CHECKED,
    /// It is there.
    PRESENT
  }

  private List<Replica> tried = List.of();
  private Need need = Need.WELL;
  private long now;
  private int most;
  private @Nullable Replica passedOver;

  /// How far down [Need] this one goes when there is nobody better.
  abstract Need least();

  /// Equal for requests that belong to the same replica.
  abstract long hash();

  /// The name of the replica that the client's cookie gives; empty for none.
  abstract String stuckTo();

  /// The end of waiting: a replica with a request's place taken, or null when nobody is well.
  abstract void seat(@Nullable Replica replica);

  /// Runs this on the request's event loop.
  abstract void onItsLoop(Runnable action);

  /// Notes that `replica` failed this request.
  final void noteTried(Replica replica) {
    if (tried.isEmpty()) {
      tried = new ArrayList<>(2);
    }
    tried.add(replica);
  }

  final int tries() {
    return tried.size();
  }

  /// @param most requests that a replica may have; 0 for any number
  final void looksFor(Need need, long now, int most) {
    this.need = need;
    this.now = now;
    this.most = most;
  }

  /// What [#looksFor] was told last.
  final Need found() {
    return need;
  }

  final void passOver(@Nullable Replica replica) {
    passedOver = replica;
  }

  /// Whether this replica would do, as far as it knows.
  final boolean takes(Replica replica) {
    return replica != passedOver
        && replica.fits(need, now)
        && (most == 0 || replica.inFlight() < most)
        && (tried.isEmpty() || !tried.contains(replica));
  }
}
