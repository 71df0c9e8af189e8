package dev.gatehouse.jobs;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The threads that run jobs, and what waits for them in this process.
///
/// ## Concurrency
///
/// One lock guards everything, and nothing blocks under it. Each thread of the crew takes a run,
/// calls its handler without the lock, and leaves the end in `ended`. The worker's loop sleeps in
/// [#await] until there is a turn to play, plays it against the database without the lock, and
/// comes back with what it claimed. Of the three times a run has (claimed, started, ended) the
/// stage says which it is past; whoever moves it to `ENDED` first decides how it ended.
///
/// A run is *held* from before anybody may start it until its end is committed, so that its lease
/// is renewed as long as a completion may still come.
///
/// Threads are the operating system's. On virtual ones two jobs that spin would take both carriers
/// of a small machine, and with them everything that renews leases and settles ends.
///
/// ## Suspects
///
/// A job whose worker was lost twice while it had it may be what killed them. The loop counts its
/// try in the database and then lets it run *alone* for its first second, one suspect at a time:
/// nothing else starts, and for what runs already it waits up to that second. So a job that kills
/// its process uses up its own attempts and nobody else's, and it holds the others up for two
/// seconds at most.
final class Crew {
  private static final long ALONE = Duration.ofSeconds(1).toNanos();

  /// How long an end may wait for others to be settled with.
  private static final long LINGER = Duration.ofMillis(2).toNanos();

  private static final long IDLE_SECONDS = 10;

  private final WorkerSettings settings;
  private final Host host;
  private final Function<Run, Ended> task;
  private final Pace pace;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition turn = lock.newCondition();

  private final HashSet<Run> held = new HashSet<>();
  private final HashMap<Run, Thread> running = new HashMap<>();
  private final ArrayDeque<Run> ready = new ArrayDeque<>();
  private final ArrayDeque<Run> suspects = new ArrayDeque<>();
  private List<Ended> ended = new ArrayList<>();

  private long firstEndedAt;
  private long suspectsSince;
  private @Nullable Run alone;
  private long started;
  private int threads;
  private int idle;
  private boolean look = true;
  private boolean fresh = true;
  private boolean closing;
  private boolean cut;
  private boolean abandoned;

  /// @param task runs a run to its end; never throws
  Crew(WorkerSettings settings, Host host, Function<Run, Ended> task) {
    this.settings = settings;
    this.host = host;
    this.task = task;
    this.pace = new Pace(settings.ahead(), host.nanos().getAsLong());
  }

  /// What the loop is to do next.
  ///
  /// @param ended to be settled
  /// @param claim how many to claim; 0: none
  /// @param fresh whether somebody said that there is something new, as opposed to: there was more
  /// @param suspect whose try is to be counted, and which is to be [#release]d then
  /// @param over nothing more will come
  record Turn(List<Ended> ended, int claim, boolean fresh, Optional<Run> suspect, boolean over) {}

  // --- the loop
  // -----------------------------------------------------------------------------------

  /// Waits for the next turn.
  ///
  /// @param troubled whether the last one failed: then it waits for the poll interval
  Turn await(boolean troubled) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long poll = host.nanos().getAsLong() + settings.pollEvery().toNanos();
      while (true) {
        long now = host.nanos().getAsLong();
        if (abandoned || (closing && held.isEmpty())) {
          return new Turn(take(), 0, false, Optional.empty(), true);
        }
        if (poll - now <= 0) {
          look = true;
          fresh = true;
        }
        if (poll - now <= 0 || (!troubled && isTurn(now))) {
          return turn(now);
        }
        if (!isGated(now)) {
          // The suspect's second may have just passed.
          work.signalAll();
        }
        turn.awaitNanos(Math.min(poll - now, untilTimed(now)));
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean isTurn(long now) {
    return room(now) > 0
        || dueSuspect(now).isPresent()
        || (!ended.isEmpty()
            && ((ready.isEmpty() && running.isEmpty()) || now - firstEndedAt >= LINGER));
  }

  private Turn turn(long now) {
    int claim = room(now);
    var next = new Turn(take(), claim, fresh, dueSuspect(now), false);
    if (claim > 0) {
      look = false;
      fresh = false;
    }
    return next;
  }

  /// How many to claim now. Not before half of what is held ahead has been started.
  private int room(long now) {
    if (!look || closing || isGated(now) || ready.size() > pace.ahead() / 2) {
      return 0;
    }
    return Math.max(0, settings.concurrency() + pace.ahead() - ready.size() - running.size());
  }

  private Optional<Run> dueSuspect(long now) {
    boolean another = alone != null && now - alone.startedAt < ALONE;
    boolean due = running.isEmpty() || now - suspectsSince >= ALONE;
    return closing || another || !due ? Optional.empty() : Optional.ofNullable(suspects.peek());
  }

  private boolean isGated(long now) {
    return !suspects.isEmpty() || (alone != null && now - alone.startedAt < ALONE);
  }

  /// How long until the clock alone makes a difference.
  private long untilTimed(long now) {
    long until = Long.MAX_VALUE;
    if (!ended.isEmpty()) {
      until = Math.min(until, firstEndedAt + LINGER - now);
    }
    if (!suspects.isEmpty()) {
      until = Math.min(until, Math.max(1, suspectsSince + ALONE - now));
    }
    if (alone != null) {
      until = Math.min(until, Math.max(1, alone.startedAt + ALONE - now));
    }
    return until;
  }

  private List<Ended> take() {
    var taken = ended;
    ended = new ArrayList<>();
    return taken;
  }

  /// What was claimed comes in.
  ///
  /// @param asked how many were asked for
  void claimed(List<JobSql.Claimed> claimed, int asked) {
    lock.lock();
    try {
      long now = host.nanos().getAsLong();
      pace.claimed(started, now);
      if (claimed.size() >= asked) {
        look = true;
      }
      for (var one : claimed) {
        if (one.crashes() > 0 && adopt(one)) {
          continue;
        }
        var run = new Run(one, now);
        held.add(run);
        if (run.job.attempt() > run.job.maxAttempts()) {
          end(run, new Ended.Failed(run, Errors.LOST, Duration.ZERO));
        } else if (closing) {
          end(run, new Ended.Returned(run));
        } else if (one.crashes() > 1) {
          suspectsSince = suspects.isEmpty() ? now : suspectsSince;
          suspects.add(run);
        } else {
          ready.add(run);
        }
      }
      staff();
    } finally {
      lock.unlock();
    }
  }

  /// Whether the job is one that runs here: its lease had run out while the database was away, and
  /// this claim has only renewed it.
  private boolean adopt(JobSql.Claimed claimed) {
    for (var run : held) {
      if (run.job.id() == claimed.job().id() && !run.lost) {
        run.claimedAgain(claimed.job().token());
        return true;
      }
    }
    return false;
  }

  /// The suspect's try is counted: it may start. Or it is not ours any more.
  void release(Run suspect, boolean ours) {
    lock.lock();
    try {
      suspects.remove(suspect);
      long now = host.nanos().getAsLong();
      suspectsSince = now;
      if (!ours) {
        held.remove(suspect);
      } else {
        suspect.counted();
        if (suspect.stage == Run.Stage.WAITS) {
          suspect.startedAt = now;
          alone = suspect;
          ready.addFirst(suspect);
        }
      }
      staff();
    } finally {
      lock.unlock();
    }
  }

  /// The end is committed.
  ///
  /// @return whether it was known that the job had been lost
  boolean settled(Run run) {
    lock.lock();
    try {
      held.remove(run);
      return run.lost;
    } finally {
      lock.unlock();
    }
  }

  /// Looks for jobs as soon as there is room for them.
  void look() {
    lock.lock();
    try {
      look = true;
      fresh = true;
      turn.signalAll();
    } finally {
      lock.unlock();
    }
  }

  // --- the crew
  // -----------------------------------------------------------------------------------

  private void staff() {
    int wanted = Math.min(settings.concurrency(), ready.size() + running.size());
    for (; threads < wanted; threads++) {
      Thread.ofPlatform().daemon().name(settings.name() + "-job-" + threads).start(this::serve);
    }
    if (idle > 0 && !ready.isEmpty()) {
      if (ready.size() == 1) {
        work.signal();
      } else {
        work.signalAll();
      }
    }
  }

  private void serve() {
    var run = next();
    while (run.isPresent()) {
      var end = task.apply(run.get());
      Thread.interrupted();
      lock.lock();
      try {
        running.remove(run.get());
        end(run.get(), end);
        if (alone == run.get()) {
          alone = null;
          work.signalAll();
        }
      } finally {
        lock.unlock();
      }
      run = next();
    }
  }

  /// The next to run; empty when this thread is not needed any more.
  private Optional<Run> next() {
    lock.lock();
    idle++;
    try {
      long left = TimeUnit.SECONDS.toNanos(IDLE_SECONDS);
      while (true) {
        var first = ready.peek();
        if (first != null && (first == alone || !isGated(host.nanos().getAsLong()))) {
          ready.remove();
          first.stage = Run.Stage.RUNS;
          first.startedAt = host.nanos().getAsLong();
          running.put(first, Thread.currentThread());
          started++;
          return Optional.of(first);
        }
        if (left <= 0 || (closing && held.isEmpty())) {
          threads--;
          return Optional.empty();
        }
        left = work.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      threads--;
      return Optional.empty();
    } finally {
      idle--;
      lock.unlock();
    }
  }

  /// Under the lock.
  private void end(Run run, Ended how) {
    if (run.stage == Run.Stage.ENDED) {
      return;
    }
    run.stage = Run.Stage.ENDED;
    if (ended.isEmpty()) {
      firstEndedAt = host.nanos().getAsLong();
      turn.signalAll();
    }
    ended.add(how);
    if (run.keyed) {
      // The next of its key may come forward.
      look = true;
      fresh = true;
    }
    if ((ready.isEmpty() && running.isEmpty())
        || (look && ready.size() <= pace.ahead() / 2)
        || (closing && running.isEmpty())) {
      turn.signalAll();
    }
  }

  /// @param running jobs whose handler is being called
  /// @param held jobs whose lease is renewed
  record Load(int running, int held) {}

  Load load() {
    lock.lock();
    try {
      return new Load(running.size(), held.size());
    } finally {
      lock.unlock();
    }
  }

  // --- leases and limits of time
  // ------------------------------------------------------------------

  /// All whose leases must be renewed: those claimed before then.
  List<Run> heldBefore(long claimed) {
    lock.lock();
    try {
      return held.stream().filter(run -> run.claimedAt - claimed < 0).toList();
    } finally {
      lock.unlock();
    }
  }

  /// These belong to another worker now, or to nobody.
  ///
  /// @return those that this is news for
  List<Run> lost(Collection<Run> runs) {
    lock.lock();
    try {
      var news = new ArrayList<Run>();
      for (var run : runs) {
        if (run.lost || run.stage == Run.Stage.ENDED) {
          continue;
        }
        run.lost = true;
        news.add(run);
        if (ready.remove(run) || suspects.remove(run)) {
          held.remove(run);
        }
        interrupt(run);
      }
      return news;
    } finally {
      lock.unlock();
    }
  }

  /// Those that run since before then, each once.
  List<Run> interruptStartedBefore(long then) {
    lock.lock();
    try {
      var late =
          running.keySet().stream().filter(run -> !run.late && run.startedAt - then < 0).toList();
      late.forEach(run -> {
        run.late = true;
        interrupt(run);
      });
      return late;
    } finally {
      lock.unlock();
    }
  }

  /// Whether it was interrupted because it took too long.
  boolean isLate(Run run) {
    lock.lock();
    try {
      return run.late;
    } finally {
      lock.unlock();
    }
  }

  /// Ends, as far as the database is concerned, what was interrupted for running too long and still
  /// runs, started before then; its thread is lost to it.
  List<Run> giveUpStartedBefore(long then, Function<Run, Ended> how) {
    lock.lock();
    try {
      var stuck =
          running.keySet().stream()
              .filter(run -> run.late && run.startedAt - then < 0)
              .filter(run -> run.stage == Run.Stage.RUNS)
              .toList();
      stuck.forEach(run -> end(run, how.apply(run)));
      return stuck;
    } finally {
      lock.unlock();
    }
  }

  /// Gives back what was claimed before then and has not started: it waits behind slow jobs, and
  /// elsewhere it need not.
  void handBackClaimedBefore(long then) {
    lock.lock();
    try {
      for (var run : List.copyOf(ready)) {
        if (run != alone && run.claimedAt - then < 0 && suspects.isEmpty()) {
          ready.remove(run);
          end(run, new Ended.Returned(run));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  // --- the end
  // ------------------------------------------------------------------------------------

  /// Nothing starts any more, and what has not started goes back.
  void close() {
    lock.lock();
    try {
      closing = true;
      ready.forEach(run -> end(run, new Ended.Returned(run)));
      suspects.forEach(run -> end(run, new Ended.Returned(run)));
      ready.clear();
      suspects.clear();
      turn.signalAll();
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Interrupts what runs.
  void cut() {
    lock.lock();
    try {
      cut = true;
      running.keySet().forEach(this::interrupt);
    } finally {
      lock.unlock();
    }
  }

  /// Whether jobs that end now were cut short by us.
  boolean isCut() {
    lock.lock();
    try {
      return cut;
    } finally {
      lock.unlock();
    }
  }

  /// Ends the loop whatever is left.
  ///
  /// @return the number of jobs left
  int abandon() {
    lock.lock();
    try {
      abandoned = true;
      turn.signalAll();
      return held.size();
    } finally {
      lock.unlock();
    }
  }

  private void interrupt(Run run) {
    Map<Run, Thread> at = running;
    Optional.ofNullable(at.get(run)).ifPresent(Thread::interrupt);
  }
}
