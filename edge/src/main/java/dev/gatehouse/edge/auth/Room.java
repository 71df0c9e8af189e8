package dev.gatehouse.edge.auth;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where credentials are checked that take time: a bounded number at once, a bounded line before
/// them, and 503 for whoever does not fit.
///
/// Threads come with the first check and go after ten idle seconds.
final class Room implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Room.class);
  private static final Duration IDLE = Duration.ofSeconds(10);

  private final ThreadPoolExecutor threads;

  Room(int atOnce, int queue, ThreadFactory factory) {
    threads =
        new ThreadPoolExecutor(
            atOnce,
            atOnce,
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(queue),
            factory);
    threads.allowCoreThreadTimeOut(true);
  }

  Claim ask(Supplier<Claim> check) {
    try {
      return new Claim.Pending(CompletableFuture.supplyAsync(() -> answer(check), threads));
    } catch (RejectedExecutionException full) {
      return new Claim.Refused(
          Problem.unavailable("Too many credentials are being checked; come back.", 1));
    }
  }

  private static Claim answer(Supplier<Claim> check) {
    try {
      return check.get();
    } catch (Refusal refusal) {
      return new Claim.Refused(refusal.problem());
    } catch (RuntimeException e) {
      LOG.error("a credential could not be checked; the request is refused with 500", e);
      return new Claim.Refused(Problem.internal());
    }
  }

  /// Runs `work` beside the checks; dropped when the line is full, since it comes again.
  void tryRun(Runnable work) {
    try {
      threads.execute(work);
    } catch (RejectedExecutionException full) {
      LOG.debug("no place for background work; it is tried again in the next round");
    }
  }

  /// Who waits gets no answer any more: the edge has closed its connections by now.
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
