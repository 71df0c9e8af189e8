package dev.gatehouse.jobs;

import java.util.Locale;

/// Where a job stands. `WAITING` is new, planned for later, held back by the limit of its key, or
/// between two tries. `RUNNING`: a worker has it, and runs it now or next. `DEAD` has used up its
/// attempts and waits for a person ([Queue#retry], [Queue#cancel]).
public enum JobState {
  WAITING,
  RUNNING,
  DONE,
  DEAD,
  CANCELLED;

  /// The state in lower case, as JSON and the tables have it.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static JobState of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
