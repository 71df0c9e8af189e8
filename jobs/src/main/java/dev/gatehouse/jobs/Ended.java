package dev.gatehouse.jobs;

import java.time.Duration;

/// How a run ended, before the database knows.
sealed interface Ended {
  Run run();

  record Succeeded(Run run, Completion completion) implements Ended {}

  /// @param pause until the next try, if there is one
  record Failed(Run run, String error, Duration pause) implements Ended {
    boolean last() {
      return run.job.attempt() >= run.job.maxAttempts();
    }
  }

  /// It did not start here, or a closing worker cut it short; it goes back as if it had not been
  /// tried.
  record Returned(Run run) implements Ended {}
}
