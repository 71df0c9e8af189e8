package dev.gatehouse.http;

import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// The coarse clock of one event loop: every 100 ms it asks each open connection whether it has
/// waited too long.
///
/// A timer per request was refused: scheduling and cancelling one costs more than the rest of our
/// bookkeeping, and no timeout here is finer than a tick. Confined to its event loop.
final class Deadlines {
  /// A connection that may have to be cut.
  interface Watched {
    /// `now` is on the scale of [System#nanoTime].
    void tick(long now);
  }

  private static final long TICK_MILLIS = 100;
  private static final Map<EventLoop, Deadlines> BY_LOOP = new HashMap<>();

  private final Set<Watched> watched = new HashSet<>();
  private final EventLoop loop;
  private long now;
  private boolean running;

  /// When the next tick is due.
  private long due;

  private final Lateness lateness;

  private Deadlines(EventLoop loop) {
    this.loop = loop;
    this.now = loop.ticker().nanoTime();
    this.lateness = new Lateness(now);
  }

  static Deadlines of(EventLoop loop) {
    synchronized (BY_LOOP) {
      return BY_LOOP.computeIfAbsent(
          loop,
          key -> {
            key.terminationFuture().addListener(done -> forget(key));
            return new Deadlines(key);
          });
    }
  }

  private static void forget(EventLoop loop) {
    synchronized (BY_LOOP) {
      BY_LOOP.remove(loop);
    }
  }

  /// The time of the last tick: at most 100 ms old while anything is watched, and the present while
  /// nothing is.
  long now() {
    if (!running) {
      now = loop.ticker().nanoTime();
    }
    return now;
  }

  void watch(Watched connection) {
    watched.add(connection);
    if (!running) {
      running = true;
      now = loop.ticker().nanoTime();
      scheduleTick();
    }
  }

  private void scheduleTick() {
    due = now + TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS);
    loop.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /// How late ticks came lately, which is how long whatever came to this loop had to wait; may be
  /// asked by any thread.
  Lateness lateness() {
    return lateness;
  }

  void forget(Watched connection) {
    watched.remove(connection);
  }

  private void tick() {
    now = loop.ticker().nanoTime();
    lateness.note(now - due, now);
    for (var connection : new ArrayList<>(watched)) {
      connection.tick(now);
    }
    running = !watched.isEmpty();
    if (running) {
      scheduleTick();
    }
  }
}
