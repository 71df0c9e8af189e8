package dev.gatehouse.state.journal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes many waiting callers share one force of the disk.
///
/// One thread of its own forces, then completes all who asked before it began; who asks meanwhile
/// is in the next round. So the disk's pace sets how many share a round, and nobody waits for a
/// timer. The list of those who wait is guarded by its own monitor, never held over the force.
public final class GroupCommit implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);

  private final Journal journal;
  private final Thread thread;
  private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
  private boolean closed;

  /// @param journal to be closed after this
  public GroupCommit(Journal journal) {
    this.journal = journal;
    thread = Thread.ofPlatform().name("journal-force").daemon().start(this::run);
  }

  /// Completes when everything appended before this call is on the disk; exceptionally when it may
  /// not be. It completes on the forcing thread, which must not be held up.
  public CompletionStage<Void> forced() {
    var done = new CompletableFuture<Void>();
    synchronized (waiting) {
      if (closed) {
        return CompletableFuture.failedFuture(new JournalFull("The journal is closed."));
      }
      waiting.add(done);
      waiting.notifyAll();
    }
    return done;
  }

  private void run() {
    while (true) {
      List<CompletableFuture<Void>> round;
      synchronized (waiting) {
        while (waiting.isEmpty() && !closed) {
          try {
            waiting.wait();
          } catch (InterruptedException e) {
            closed = true;
          }
        }
        if (waiting.isEmpty()) {
          return;
        }
        round = List.copyOf(waiting);
        waiting.clear();
      }
      try {
        journal.force();
        round.forEach(done -> done.complete(null));
      } catch (RuntimeException e) {
        LOG.error(
            "the journal could not be forced to the disk: {}; {} requests are answered 503, and no"
                + " more are taken until the process is started again",
            e.getMessage(),
            round.size());
        round.forEach(done -> done.completeExceptionally(e));
      }
    }
  }

  /// Serves who is waiting, then ends.
  @Override
  public void close() {
    synchronized (waiting) {
      closed = true;
      waiting.notifyAll();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
