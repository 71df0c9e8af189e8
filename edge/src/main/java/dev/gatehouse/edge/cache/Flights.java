package dev.gatehouse.edge.cache;

import dev.gatehouse.http.Problem;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Requests to origins that others wait for: of many who want the same at once, one asks.
///
/// A flight is led by one request and ends exactly once, with an outcome that every waiter hears on
/// its own event loop. It leaves the map before that, and after the answer was stored, so whoever
/// comes later finds either the flight or the answer. The map locks per key, a flight locks itself,
/// in this order and only for the few instructions of joining and ending.
final class Flights {
  /// How a flight ended.
  sealed interface Outcome {
    /// An answer that others may have.
    record Stored(StoredAnswer answer) implements Outcome {}

    /// The origin answered with an error: asking again, once per waiter, would not help it.
    record Erred(StoredAnswer answer) implements Outcome {}

    /// The answer was for the leader alone: everyone asks on their own.
    record NotForOthers() implements Outcome {}

    /// The leader was gone before anything was known: somebody else leads.
    record Abandoned() implements Outcome {}

    /// @param reason one word for `Cache-Status`
    record Failed(String reason, Problem problem) implements Outcome {}
  }

  /// A request that waits.
  interface Waiter {
    EventLoop loop();

    /// On its own event loop.
    void landed(Outcome outcome);
  }

  /// What makes two requests the same.
  ///
  /// @param values what this one says in the fields that answers here are known to vary by
  private record Course(Key key, List<String> values) {}

  /// One request on its way.
  final class Flight {
    private final Course course;
    private List<Waiter> waiters = List.of();
    private boolean over;

    private Flight(Course course) {
      this.course = course;
    }

    private synchronized boolean join(Waiter waiter) {
      if (over) {
        return false;
      }
      if (waiters.isEmpty()) {
        waiters = new ArrayList<>();
      }
      waiters.add(waiter);
      return true;
    }

    private synchronized int waiting() {
      return waiters.size();
    }

    synchronized boolean awaited() {
      return !waiters.isEmpty();
    }

    /// Only the first end counts.
    void end(Outcome outcome) {
      flying.remove(course, this);
      List<Waiter> told;
      synchronized (this) {
        if (over) {
          return;
        }
        over = true;
        told = waiters;
        waiters = List.of();
      }
      for (var waiter : told) {
        waiter.loop().execute(() -> waiter.landed(outcome));
      }
    }

    /// Ends it as abandoned, unless somebody waits.
    boolean abandon() {
      synchronized (this) {
        if (!waiters.isEmpty()) {
          return false;
        }
        over = true;
      }
      flying.remove(course, this);
      return true;
    }
  }

  private final ConcurrentHashMap<Course, Flight> flying = new ConcurrentHashMap<>();

  /// How many requests wait right now.
  long waiting() {
    return flying.values().stream().mapToLong(Flight::waiting).sum();
  }

  /// A flight to lead; null when there is one already, which `waiter` has joined where it is given.
  @Nullable Flight lead(Key key, List<String> values, @Nullable Waiter waiter) {
    var course = new Course(key, values);
    while (true) {
      var mine = new Flight(course);
      var there = flying.putIfAbsent(course, mine);
      if (there == null) {
        return mine;
      }
      if (waiter == null || there.join(waiter)) {
        return null;
      }
      flying.remove(course, there);
    }
  }
}
