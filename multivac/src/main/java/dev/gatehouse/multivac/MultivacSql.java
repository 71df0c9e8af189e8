package dev.gatehouse.multivac;

import java.util.Optional;
import org.jdbi.v3.core.Handle;

/// All SQL of MultiVAC's memory; READ COMMITTED throughout.
///
/// Both writes happen in the transaction that completes the job, answer first: every completion
/// takes the two rows in this order, so no two of them can deadlock.
final class MultivacSql {
  private MultivacSql() {}

  /// Of two firsts at once, the second waits for the first to commit and then does nothing; once
  /// the row is there this takes no lock.
  private static final String ANSWER =
      """
      INSERT INTO multivac_answer (datum, job) VALUES (:datum, :job)
      ON CONFLICT DO NOTHING
      """;

  /// The turn is drawn before the row's lock, so two completions may come to the row in the other
  /// order; the condition lets only a later turn replace an earlier one.
  private static final String NEWEST =
      """
      INSERT INTO multivac_newest AS newest (turn, datum, job)
      VALUES (nextval('multivac_turns'), :datum, :job)
      ON CONFLICT (single) DO UPDATE
      SET turn = excluded.turn,
          datum = excluded.datum,
          job = excluded.job,
          processed_at = excluded.processed_at
      WHERE newest.turn < excluded.turn
      """;

  static void processed(Handle handle, long job, String datum) {
    for (var statement : new String[] {ANSWER, NEWEST}) {
      handle.createUpdate(statement).bind("datum", datum).bind("job", job).execute();
    }
  }

  /// Reads one row.
  static Optional<String> answer(Handle handle) {
    return handle.createQuery("SELECT datum FROM multivac_answer").mapTo(String.class).findOne();
  }

  /// Reads one row.
  static Optional<String> newest(Handle handle) {
    return handle.createQuery("SELECT datum FROM multivac_newest").mapTo(String.class).findOne();
  }
}
