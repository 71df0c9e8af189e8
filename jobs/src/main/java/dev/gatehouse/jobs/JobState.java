package dev.gatehouse.jobs;

import java.util.Locale;

/// Where a job stands. `WAITING` is new or between two tries, `DEAD` has used up its attempts and
/// waits for a person ([Queue#retry]).
public enum JobState {
  WAITING,
  RUNNING,
  DONE,
  DEAD;

  /// The state in lower case, as JSON and the table have it.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static JobState of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
