package dev.gatehouse.app.roles;

import dev.gatehouse.jobs.Queue;
import dev.gatehouse.jobs.Worker;
import dev.gatehouse.observe.Metrics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is told of a queue, by the process with its HTTP side, and of its workers, by each of them.
final class JobMetrics {
  private JobMetrics() {}

  /// @param queue its name
  static void of(
      String queue, Supplier<Queue.Figures> figures, LongSupplier nanos, Metrics metrics) {
    var look = new Look(queue, figures, nanos);
    metrics.gauges(
        "gatehouse_jobs",
        "Jobs by state, none beyond the first 100,000: due, could run now; later, wait for their"
            + " time or for another of their key; running; dead.",
        List.of("queue", "state"),
        () ->
            look.now()
                .map(now ->
                    Map.of(
                        List.of(queue, "due"), (double) now.due(),
                        List.of(queue, "later"), (double) now.later(),
                        List.of(queue, "running"), (double) now.running(),
                        List.of(queue, "dead"), (double) now.dead()))
                .orElse(Map.of()));
    metrics.gauges(
        "gatehouse_jobs_oldest_due_seconds",
        "How long the first job that could run has been waiting.",
        List.of("queue"),
        () -> look.one(now -> now.oldest().toNanos() / 1e9));
    metrics.gauges(
        "gatehouse_jobs_retried",
        "Jobs that have failed before and come again.",
        List.of("queue"),
        () -> look.one(now -> (double) now.retried()));
    metrics.gauges(
        "gatehouse_jobs_most_attempts",
        "Attempts of the job that has had the most, dead ones aside.",
        List.of("queue"),
        () -> look.one(now -> (double) now.attempts()));
  }

  /// One look at the queue for all that is scraped at once; no series while the database is away.
  private static final class Look {
    private static final Logger log = LoggerFactory.getLogger(Look.class);
    private static final long GOOD_FOR = Duration.ofSeconds(2).toNanos();

    private final String queue;
    private final Supplier<Queue.Figures> figures;
    private final LongSupplier nanos;
    private Optional<Queue.Figures> seen = Optional.empty();
    private boolean looked;
    private long at;

    Look(String queue, Supplier<Queue.Figures> figures, LongSupplier nanos) {
      this.queue = queue;
      this.figures = figures;
      this.nanos = nanos;
    }

    synchronized Optional<Queue.Figures> now() {
      if (!looked || nanos.getAsLong() - at >= GOOD_FOR) {
        try {
          seen = Optional.of(figures.get());
        } catch (RuntimeException away) {
          // No look at the queue is worth the other metrics; the database says once that it is
          // away.
          log.debug("the queue {} cannot be looked at", queue, away);
          seen = Optional.empty();
        }
        looked = true;
        at = nanos.getAsLong();
      }
      return seen;
    }

    Map<List<String>, Double> one(Function<Queue.Figures, Double> value) {
      return now().map(now -> Map.of(List.of(queue), value.apply(now))).orElse(Map.of());
    }
  }

  static void of(Supplier<Worker.Figures> worker, Metrics metrics) {
    metrics.gauge(
        "gatehouse_worker_room",
        "Jobs that this worker runs at once, at most.",
        () -> worker.get().room());
    metrics.gauge(
        "gatehouse_worker_running", "Jobs that run here now.", () -> worker.get().running());
    metrics.gauge(
        "gatehouse_worker_held",
        "Jobs this worker has a lease on: running, waiting for a thread, or to be settled.",
        () -> worker.get().held());
    metrics.counters(
        "gatehouse_worker_tries",
        "Tries that ended here: done; failed, they come again; dead, the last attempt failed;"
            + " returned, handed back untried; refused, the job had gone to another worker.",
        List.of("end"),
        () -> {
          var now = worker.get();
          return Map.of(
              List.of("done"), (double) now.done(),
              List.of("failed"), (double) now.failed(),
              List.of("dead"), (double) now.dead(),
              List.of("returned"), (double) now.returned(),
              List.of("refused"), (double) now.refused());
        });
  }
}
