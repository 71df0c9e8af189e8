package dev.gatehouse.observe;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/// What event loops leave for somebody slower: a bounded queue, and one thread that empties it.
///
/// ## Concurrency
///
/// Any thread may [#offer]; it never waits, and what finds the queue full is dropped and counted.
/// The thread looks at the queue every 50 ms and does not wait in it, so an offer wakes nobody:
/// that wake-up is a system call, and would cost an event loop more than all the rest. Closing lets
/// the thread empty the queue once more, for as long as the caller is willing to wait.
public final class Backlog<T> implements AutoCloseable {
  private static final long LOOK_MILLIS = 50;
  private static final int AT_ONCE = 512;
  private static final Duration LAST = Duration.ofMillis(500);

  private final ArrayBlockingQueue<T> queue;
  private final Consumer<List<T>> taker;
  private final LongAdder dropped = new LongAdder();
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread;

  private Backlog(String name, int most, Consumer<List<T>> taker) {
    this.queue = new ArrayBlockingQueue<>(most);
    this.taker = taker;
    this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::work);
  }

  /// @param most that may wait
  /// @param taker gets what waits, in order; what it throws ends the thread, so it throws nothing
  public static <T> Backlog<T> start(String name, int most, Consumer<List<T>> taker) {
    var backlog = new Backlog<>(name, most, taker);
    backlog.thread.start();
    return backlog;
  }

  /// Leaves one here; whether there was room.
  public boolean offer(T one) {
    boolean taken = queue.offer(one);
    if (!taken) {
      dropped.increment();
    }
    return taken;
  }

  /// How many found no room so far.
  public long dropped() {
    return dropped.sum();
  }

  private void work() {
    try {
      boolean last = false;
      while (true) {
        empty();
        if (last) {
          return;
        }
        last = stop.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void empty() {
    var some = new ArrayList<T>();
    while (queue.drainTo(some, AT_ONCE) > 0) {
      taker.accept(some);
      some.clear();
    }
  }

  @Override
  public void close() {
    stop.countDown();
    try {
      thread.join(LAST);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
