package dev.gatehouse.counters;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Asks Postgres about the ids of requests, many in one question.
///
/// One question is on its way at a time; who comes meanwhile is in the next one, so the database's
/// pace sets how many share it. Where Postgres is away or fails, the answer is that nothing is
/// known: the flush decides. The list of who waits is guarded by its own monitor.
final class Lookups {
  private record Waiting(String id, Consumer<Optional<String>> answer) {}

  private final CounterSql sql;
  private final Executor threads;
  private final BooleanSupplier away;
  private final List<Waiting> waiting = new ArrayList<>();
  private boolean asking;
  private boolean failed;

  /// @param threads runs what waits for the database, and the answers
  /// @param away whether the database was away when it was last needed
  Lookups(CounterSql sql, Executor threads, BooleanSupplier away) {
    this.sql = sql;
    this.threads = threads;
    this.away = away;
  }

  /// @param answer is given the digest of the body that came with the id, on another thread
  void find(String id, Consumer<Optional<String>> answer) {
    synchronized (waiting) {
      waiting.add(new Waiting(id, answer));
      if (asking) {
        return;
      }
      asking = true;
    }
    threads.execute(this::ask);
  }

  private void ask() {
    while (true) {
      List<Waiting> round;
      synchronized (waiting) {
        if (waiting.isEmpty()) {
          asking = false;
          return;
        }
        round = List.copyOf(waiting);
        waiting.clear();
      }
      var known = known(round);
      for (var one : round) {
        one.answer().accept(Optional.ofNullable(known.get(one.id())));
      }
    }
  }

  private Map<String, String> known(List<Waiting> round) {
    if (away.getAsBoolean() || failed) {
      failed = away.getAsBoolean();
      return Map.of();
    }
    try {
      return sql.known(round.stream().map(Waiting::id).distinct().toList());
    } catch (RuntimeException e) {
      failed = true; // The flush says so in the log; until it does, one question more fails.
      return Map.of();
    }
  }
}
