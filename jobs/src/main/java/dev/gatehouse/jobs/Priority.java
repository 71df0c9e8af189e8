package dev.gatehouse.jobs;

/// Which jobs go first. Three lines and no number, so that a claim is three short walks along an
/// index: with free numbers, jobs planned for next month in a high line would stand in the way of
/// all below it.
public enum Priority {
  URGENT(0),
  NORMAL(1),
  LOW(2);

  /// As the table has it.
  final int line;

  Priority(int line) {
    this.line = line;
  }
}
