package dev.gatehouse.compute;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Values made before they are asked for: a bounded buffer, filled by a few threads of its own.
///
/// **Concurrency.** `room` counts the free places. A producer takes a place *before* it computes
/// and a value leaves its place only when a request has polled it, so values ready plus values
/// being made never pass `size`. A value is polled from the queue by exactly one caller, hence
/// served once. A request that finds nothing computes for itself rather than wait for a producer:
/// whatever the producers do, the answer takes at most one computation. `lock` guards only
/// `resting` and is never held while computing.
///
/// **When computing fails**, producers rest until a request's own computation succeeds: a program
/// that cannot start is tried once per request, not in a loop.
final class Ahead<T> implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Ahead.class);
  private static final Duration LAST_WORDS = Duration.ofSeconds(5);

  @FunctionalInterface
  interface Computation<T> {
    T compute() throws InterruptedException;
  }

  private final String name;
  private final Computation<T> early;
  private final Computation<T> onDemand;
  private final ConcurrentLinkedQueue<T> ready = new ConcurrentLinkedQueue<>();
  private final Semaphore room;
  private final List<Thread> producers;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition awake = lock.newCondition();
  private volatile boolean resting;
  private volatile boolean closed;

  private Ahead(
      String name,
      int size,
      int producers,
      ThreadFactory threads,
      Computation<T> early,
      Computation<T> onDemand) {
    this.name = name;
    this.early = early;
    this.onDemand = onDemand;
    this.room = new Semaphore(size);
    this.producers =
        IntStream.range(0, size == 0 ? 0 : producers)
            .mapToObj(i -> threads.newThread(this::produce))
            .toList();
  }

  /// A buffer whose producers are running. They compute with `early`; a request that finds nothing
  /// computes with `onDemand`.
  static <T> Ahead<T> start(
      String name,
      int size,
      int producers,
      ThreadFactory threads,
      Computation<T> early,
      Computation<T> onDemand) {
    var ahead = new Ahead<T>(name, size, producers, threads, early, onDemand);
    ahead.producers.forEach(Thread::start);
    return ahead;
  }

  /// A value nobody else gets. After [#close] it is always computed on demand.
  T take() throws InterruptedException {
    var value = closed ? null : ready.poll();
    if (value != null) {
      room.release();
      return value;
    }
    var own = onDemand.compute();
    if (resting) {
      wake();
    }
    return own;
  }

  int ready() {
    return ready.size();
  }

  /// Ends the producers; values not asked for are dropped. Harmless twice.
  @Override
  public void close() {
    closed = true;
    producers.forEach(Thread::interrupt);
    try {
      for (var producer : producers) {
        if (!producer.join(LAST_WORDS)) {
          log.warn("a producer of {} is still computing; it ends after this value", name);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ready.clear();
  }

  private void produce() {
    try {
      while (!closed) {
        restIfNeeded();
        room.acquire();
        boolean made = false;
        try {
          ready.add(early.compute());
          made = true;
        } catch (RuntimeException e) {
          rest(e);
        } finally {
          if (!made) {
            room.release();
          }
        }
        Thread.yield();
      }
    } catch (InterruptedException e) {
      if (!closed) {
        log.error("a producer of {} was interrupted; its values are now made on demand", name);
      }
    }
  }

  private void rest(RuntimeException why) {
    lock.lock();
    try {
      if (!resting && !closed) {
        log.warn(
            "no {} can be made ahead: {}; trying again when a request has succeeded",
            name,
            why.getMessage());
      }
      resting = true;
    } finally {
      lock.unlock();
    }
  }

  private void restIfNeeded() throws InterruptedException {
    if (!resting) {
      return;
    }
    lock.lockInterruptibly();
    try {
      while (resting) {
        awake.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private void wake() {
    lock.lock();
    try {
      resting = false;
      awake.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
