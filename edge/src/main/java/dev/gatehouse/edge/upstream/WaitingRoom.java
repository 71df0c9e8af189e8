package dev.gatehouse.edge.upstream;

import java.util.ArrayDeque;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Requests that wait because every replica has as many as it may have. First come, first served,
/// over all event loops.
///
/// Concurrency: whoever ends a request gives its place back first and then looks whether somebody
/// waits; whoever comes in waits first and then looks for a place. So one of the two sees the
/// other, and nobody is forgotten. All of that happens under the room's lock; without limits nobody
/// ever takes it. While somebody waits no newcomer may take a place directly, or it would overtake.
final class WaitingRoom {
  private final Function<Ask, @Nullable Replica> place;
  private final Predicate<Ask> hopeless;
  private final ArrayDeque<Ask> waiting = new ArrayDeque<>();
  private volatile int size;

  /// @param place takes a place for a request, if there is one
  /// @param hopeless whether nobody is well, so that waiting is in vain
  WaitingRoom(Function<Ask, @Nullable Replica> place, Predicate<Ask> hopeless) {
    this.place = place;
    this.hopeless = hopeless;
  }

  int size() {
    return size;
  }

  /// False when it is full; else `ask` hears [Ask#seat], unless it leaves.
  boolean enter(Ask ask, int limit) {
    synchronized (waiting) {
      if (waiting.size() >= limit) {
        return false;
      }
      waiting.addLast(ask);
      size = waiting.size();
    }
    serve();
    return true;
  }

  /// Whether it was still waiting; else it has been called already, and will hear it.
  boolean leave(Ask ask) {
    synchronized (waiting) {
      boolean was = waiting.remove(ask);
      size = waiting.size();
      return was;
    }
  }

  /// Gives out the places there are.
  void serve() {
    if (size == 0) {
      return;
    }
    synchronized (waiting) {
      for (var all = waiting.iterator(); all.hasNext(); ) {
        var ask = all.next();
        var replica = place.apply(ask);
        if (replica != null || hopeless.test(ask)) {
          all.remove();
          ask.onItsLoop(() -> ask.seat(replica));
        } else if (ask.tries() == 0) {
          break; // nobody has a place; one that was tried before may be too choosy
        }
      }
      size = waiting.size();
    }
  }
}
