package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Wakes sleeping workers after jobs were committed, with as few NOTIFYs as possible.
///
/// At most one is under way at a time, on a virtual thread of its own; whatever is enqueued
/// meanwhile shares the next one. `wanted` counts the wishes since the last that was served: who
/// raises it from 0 starts the thread, and the thread ends when it finds no new wish. A wake-up
/// that fails is only late: workers also poll.
final class WakeUp {
  private static final Logger LOG = LoggerFactory.getLogger(WakeUp.class);

  private final Database database;
  private final String queue;
  private final AtomicInteger wanted = new AtomicInteger();

  WakeUp(Database database, String queue) {
    this.database = database;
    this.queue = queue;
  }

  void send() {
    if (wanted.getAndIncrement() == 0) {
      Thread.ofVirtual().name("wake-" + queue).start(this::serve);
    }
  }

  private void serve() {
    int served;
    do {
      served = wanted.get();
      try {
        database.with(handle -> QueueSql.notify(handle, queue));
      } catch (RuntimeException e) {
        LOG.debug(
            "queue {}: no wake-up sent ({}); workers find the jobs by polling",
            queue,
            e.getMessage());
      }
    } while (!wanted.compareAndSet(served, 0));
  }
}
