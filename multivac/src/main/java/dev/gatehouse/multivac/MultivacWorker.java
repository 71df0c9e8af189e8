package dev.gatehouse.multivac;

import dev.gatehouse.jobs.Completion;
import dev.gatehouse.jobs.Host;
import dev.gatehouse.jobs.QueueSettings;
import dev.gatehouse.jobs.Worker;
import dev.gatehouse.jobs.WorkerSettings;
import dev.gatehouse.state.Database;
import java.util.Map;

/// A worker for MultiVAC's data.
///
/// To process a datum is to remember it: as the answer when it is the first, as the newest in any
/// case. That happens in the transaction that completes the job, so each datum is processed once
/// whatever becomes of its workers.
public final class MultivacWorker implements AutoCloseable {
  private final Worker worker;

  private MultivacWorker(Worker worker) {
    this.worker = worker;
  }

  public static MultivacWorker start(Database database, WorkerSettings settings, Host host) {
    return start(database, MultivacQueue.SETTINGS, settings, host);
  }

  static MultivacWorker start(
      Database database, QueueSettings queue, WorkerSettings settings, Host host) {
    return new MultivacWorker(
        Worker.start(
            database,
            queue,
            Map.of(
                MultivacQueue.DATUM,
                job ->
                    Completion.with(
                        handle -> MultivacSql.processed(handle, job.id(), job.payload()))),
            settings,
            host));
  }

  public Worker.Figures figures() {
    return worker.figures();
  }

  /// Lets running jobs end, hands back the rest; see [Worker#close].
  @Override
  public void close() {
    worker.close();
  }
}
