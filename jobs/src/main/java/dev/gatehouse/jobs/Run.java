package dev.gatehouse.jobs;

/// One attempt at a job in this process, from its claim until its end is settled in the database.
final class Run {
  private final Job job;
  private volatile boolean lost;

  Run(Job job) {
    this.job = job;
  }

  Job job() {
    return job;
  }

  JobSql.Hold hold() {
    return new JobSql.Hold(job.id(), job.token());
  }

  /// Whether another worker has the job by now.
  boolean lost() {
    return lost;
  }

  void lose() {
    lost = true;
  }
}
