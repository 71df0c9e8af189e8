package dev.gatehouse.state.coherence;

import dev.gatehouse.state.coherence.CoherenceSql.Answer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/// What an answer to a renewal means: whether the lease goes on, begins anew, or is lost.
///
/// Confined to one thread. It sends nothing itself: whoever drives it asks [#known] what to send,
/// and hands over what came back with the instant before it was sent.
final class LeaseKeeper {
  /// What a renewal is based on.
  ///
  /// @param applied what was seen by the last answer, all of which has been applied
  record Known(long counter, Snapshot applied, String run) {}

  private final Lease lease;
  private final Consumer<List<Change>> apply;
  private final Runnable forget;
  private Optional<Known> known = Optional.empty();
  private final LongAdder learned = new LongAdder();

  /// @param forget drops everything that is remembered
  LeaseKeeper(Lease lease, Consumer<List<Change>> apply, Runnable forget) {
    this.lease = lease;
    this.apply = apply;
    this.forget = forget;
  }

  /// Empty: there is nothing to renew, join.
  Optional<Known> known() {
    return known;
  }

  /// Our row is there anew: whatever we remember is from before.
  void joined(long sentAt, Answer answer) {
    known = Optional.of(new Known(answer.counter(), answer.seen(), answer.run()));
    lease.begin(sentAt);
    forget.run();
  }

  /// The changes are applied first, then the lease is prolonged.
  ///
  /// @return whether the lease goes on without a gap
  boolean renewed(long sentAt, Answer answer) {
    var before = known.orElseThrow();
    if (answer.counter() == 0 || !answer.run().equals(before.run())) {
      lost();
      return false;
    }
    known = Optional.of(new Known(answer.counter(), answer.seen(), answer.run()));
    if (!answer.complete()) {
      if (!lease.extendAnew(sentAt)) {
        lease.begin(sentAt);
      }
      forget.run();
      return false;
    }
    apply.accept(answer.changes());
    learned.add(answer.changes().size());
    if (lease.extend(sentAt)) {
      return true;
    }
    lease.begin(sentAt);
    forget.run();
    return false;
  }

  /// The row is not ours any more, or the server's run another: join again.
  private void lost() {
    lease.end();
    known = Optional.empty();
  }

  /// Changes read from the log so far, most of them known from the bus before.
  long learned() {
    return learned.sum();
  }
}
