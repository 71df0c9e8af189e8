package dev.gatehouse.jobs;

import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.http.Spans;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.Line;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the jobs of one queue: claims them under a lease, runs each on a thread of its own, and
/// settles how they ended.
///
/// ## Who does what
///
/// One thread, the *loop*, settles and claims; it alone writes the ends of jobs, and plays one
/// [Round] at a time. The [Crew] runs what is claimed and says when there is a turn to play.
/// [Leases] renews leases and holds jobs to their time. The [Listener] and the poll interval make
/// the loop look for work, [Upkeep] sweeps. None of them shares a lock with another but the crew's.
/// What stands between a job's NOTIFY and its start, listener and loop, are threads of the
/// operating system: a virtual one that waits for a socket is woken by way of two others.
///
/// ## What is promised
///
/// A job that was committed runs until it is done, dead or cancelled. Two workers never run one job
/// at once as long as each renews its lease; a worker that was frozen for longer may find that
/// another has its job, and then its completion, with its effect, is refused by the token. While
/// the database is away, running jobs run on and their ends wait for it.
///
/// ## What an attempt is
///
/// A try that ended, well or badly, counts, and its end writes it. A claim counts nothing: it takes
/// many more jobs than have started when their worker is lost, and a write for each start would
/// halve the rate. So a crash costs no job an attempt at first; all that the lost worker had run
/// again at once. A job that has lost two workers in a row is suspect: its tries are counted before
/// they start, and it runs alone at first ([Crew]). So whatever kills its process (`System.exit`,
/// memory) is dead after two tries more than its attempts, and no neighbour loses one.
///
/// A job that does not end in its time is interrupted. If it does not end then, it has failed, the
/// others are handed back, and the process ends itself by [Host#end]: a thread cannot be stopped.
public final class Worker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /// How long jobs that were interrupted may take to end.
  static final Duration LAST_GRACE = Duration.ofSeconds(1);

  /// Longer than any statement of the loop, but for effects.
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// What it does, and did since its start.
  ///
  /// @param room how many jobs it runs at once, at most
  /// @param running jobs that run now
  /// @param held jobs it has a lease on: those that run, wait for a thread, or whose end is not
  ///   stored yet
  /// @param done tries that ended well
  /// @param failed tries that failed and come again
  /// @param dead tries that were a job's last, and failed
  /// @param returned jobs that were handed back untried
  /// @param refused ends that did not count, since the job had gone to somebody else
  public record Figures(
      int room,
      int running,
      int held,
      long done,
      long failed,
      long dead,
      long returned,
      long refused) {}

  private final LongAdder done = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder dead = new LongAdder();
  private final LongAdder returned = new LongAdder();
  private final LongAdder refused = new LongAdder();

  /// The loop's alone.
  private final Line line;

  private final QueueSettings queue;
  private final Map<String, JobHandler> handlers;
  private final WorkerSettings settings;
  private final Host host;
  private final Crew crew;

  private boolean troubled;
  private String promotedUpTo = "";
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread loop;
  private final Listener listener;
  private final List<Thread> helpers;

  private Worker(
      Database database,
      QueueSettings queue,
      Map<String, JobHandler> handlers,
      WorkerSettings settings,
      Host host) {
    this.line = new Line(database, PATIENCE, JobSql.PLAN);
    this.queue = queue;
    this.handlers = Map.copyOf(handlers);
    this.settings = settings;
    this.host = host;
    this.crew = new Crew(settings, host, this::run);
    this.loop = thread(Thread.ofPlatform().daemon(), "loop", this::work);
    var leases =
        new Leases(database, crew, queue, settings, host, stop, this::escape, this::failed);
    this.listener = new Listener(database, queue.name(), settings.pollEvery(), stop, crew::look);
    this.helpers =
        List.of(
            thread(Thread.ofVirtual(), "leases", leases),
            thread(Thread.ofPlatform().daemon(), "listener", listener),
            thread(Thread.ofVirtual(), "upkeep", new Upkeep(database, queue, host.nanos(), stop)));
  }

  /// A worker that runs, also while the database is away: it then waits for it.
  ///
  /// It keeps two connections beside the pool, one to listen and one to claim and settle, and uses
  /// up to two of the pool. Jobs of kinds without a handler here stay for workers that have one.
  public static Worker start(
      Database database,
      QueueSettings queue,
      Map<String, JobHandler> handlers,
      WorkerSettings settings,
      Host host) {
    var worker = new Worker(database, queue, handlers, settings, host);
    worker.loop.start();
    worker.helpers.forEach(Thread::start);
    LOG.info(
        "worker {} runs up to {} jobs at once from queue {}",
        settings.name(),
        settings.concurrency(),
        queue.name());
    return worker;
  }

  /// Claims nothing more, lets running jobs end within the drain time, then interrupts them and
  /// hands them back untried. Harmless twice.
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    crew.close();
    boolean interrupted = false;
    try {
      if (!loop.join(settings.drain())) {
        crew.cut();
        if (!loop.join(LAST_GRACE)) {
          int left = crew.abandon();
          loop.interrupt();
          line.cut();
          loop.join(LAST_GRACE);
          LOG.warn(
              "worker {} leaves {} jobs unfinished; others run them when their leases run out",
              settings.name(),
              left);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
      crew.abandon();
    }
    stop.countDown();
    listener.cut();
    helpers.forEach(Thread::interrupt);
    if (interrupted) {
      Thread.currentThread().interrupt();
    } else {
      joinHelpers();
    }
  }

  public Figures figures() {
    var load = crew.load();
    return new Figures(
        settings.concurrency(),
        load.running(),
        load.held(),
        done.sum(),
        failed.sum(),
        dead.sum(),
        returned.sum(),
        refused.sum());
  }

  private void joinHelpers() {
    try {
      for (var helper : helpers) {
        helper.join(LAST_GRACE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// A thread of ours is lost to a job that does not end.
  private void escape() {
    Thread.ofPlatform()
        .name(settings.name() + "-escape")
        .start(() -> {
          close();
          host.end().run();
        });
  }

  private void work() {
    var unsettled = new ArrayList<Ended>();
    try {
      while (true) {
        var turn = crew.await(troubled);
        if (turn.over()) {
          return;
        }
        unsettled.addAll(turn.ended());
        try {
          play(turn, unsettled);
          turn.suspect().ifPresent(this::begin);
          if (troubled) {
            troubled = false;
            LOG.info("worker {}: the database answers again", settings.name());
          }
        } catch (RuntimeException e) {
          crew.look();
          if (!troubled) {
            LOG.warn(
                "worker {} cannot settle or claim jobs: {}; trying again every {} ms",
                settings.name(),
                Errors.oneLine(e),
                settings.pollEvery().toMillis());
          }
          troubled = true;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      line.close();
    }
  }

  /// Plays one round; what it settled leaves `unsettled`.
  private void play(Crew.Turn turn, List<Ended> unsettled) {
    if (turn.claim() == 0 && unsettled.isEmpty()) {
      return;
    }
    boolean promote = turn.fresh() || unsettled.stream().anyMatch(end -> end.run().keyed);
    var wish =
        new Round.Wish(
            queue.name(), handlers.keySet(), settings, turn.claim(), promote, promotedUpTo);
    if (unsettled.isEmpty()) {
      crew.claimed(Round.claim(line, wish), turn.claim());
      if (promote) {
        went(Round.promote(line, wish), true);
      }
      return;
    }
    Round round;
    try {
      round = Round.play(line, unsettled, wish);
    } catch (RuntimeException e) {
      if (unsettled.isEmpty() || Round.isWorthAnotherTry(e)) {
        throw e;
      }
      settleOneByOne(unsettled, wish.nothing());
      crew.look();
      return;
    }
    unsettled.forEach(end -> release(end, round));
    unsettled.clear();
    if (turn.claim() > 0) {
      crew.claimed(round.claimed(), turn.claim());
      went(round.promoted(), false);
    }
  }

  /// @param claimed whether the claim was before that, and has to come again for what came forward
  private void went(JobSql.Promoted promoted, boolean claimed) {
    promotedUpTo = promoted.more() ? promoted.last() : "";
    if (promoted.more() || (claimed && promoted.raised() > 0)) {
      crew.look();
    }
  }

  /// After a round that failed for a reason of its own: one job's effect must not take the others'
  /// completions with it. The one whose effect fails has failed.
  private void settleOneByOne(List<Ended> unsettled, Round.Wish nothing) {
    for (var end : List.copyOf(unsettled)) {
      try {
        release(end, Round.play(line, List.of(end), nothing));
      } catch (RuntimeException e) {
        if (Round.isWorthAnotherTry(e) || !(end instanceof Ended.Succeeded)) {
          throw e;
        }
        var failed = failed(end.run(), Errors.oneLine(e));
        release(failed, Round.play(line, List.of(failed), nothing));
      }
      unsettled.remove(end);
    }
  }

  /// Counts the try of a suspect, durably, and lets it start.
  private void begin(Run suspect) {
    boolean ours = line.with(handle -> JobSql.start(handle, suspect.hold()));
    if (ours) {
      LOG.info(
          "job {} has lost two workers; attempt {} of {} is counted before it starts, and runs alone"
              + " at first",
          suspect.job.id(),
          suspect.job.attempt(),
          suspect.job.maxAttempts());
    }
    crew.release(suspect, ours);
  }

  private Ended run(Run run) {
    var span = Spans.begin(run.behalf.trace(), Spans.Kind.CONSUMER, "job " + run.job.kind());
    var behalf =
        new OnBehalf(
            run.behalf.requestId(), span.map(Spans.Open::trace).or(() -> run.behalf.trace()));
    var ended = behalf.call(() -> attempt(run));
    if (span.isPresent()) {
      var open = span.get().with("gatehouse.job.id", run.job.id());
      open.with("gatehouse.job.attempt", run.job.attempt());
      (ended instanceof Ended.Failed failed ? open.failed(failed.error()) : open).end();
    }
    return ended;
  }

  private Ended attempt(Run run) {
    LOG.debug("job {} starts (attempt {})", run.job.id(), run.job.attempt());
    try {
      var handler = handlers.get(run.job.kind());
      if (handler == null) {
        throw new IllegalStateException("no handler for the kind " + run.job.kind());
      }
      return new Ended.Succeeded(run, handler.run(run.job));
    } catch (Throwable thrown) {
      LOG.debug("job {} threw", run.job.id(), thrown);
      if (crew.isCut()) {
        return new Ended.Returned(run);
      }
      return failed(
          run, crew.isLate(run) ? "it took longer than " + limit() : Errors.oneLine(thrown));
    }
  }

  private String limit() {
    return seconds(queue.timeout()) + " s";
  }

  private Ended.Failed failed(Run run, String error) {
    Duration pause;
    synchronized (host) {
      pause = queue.backoff().after(run.job.attempt(), host.random());
    }
    return new Ended.Failed(run, error, pause);
  }

  /// The end is committed: forget the run and say what happened where it is worth a line.
  private void release(Ended end, Round round) {
    end.run().behalf.run(() -> tell(end, round));
  }

  private void tell(Ended end, Round round) {
    var job = end.run().job;
    boolean known = crew.settled(end.run());
    if (round.refused().contains(job.id())) {
      refused.increment();
      if (!known) {
        LOG.warn("job {}: this attempt no longer counts; it was settled or taken over", job.id());
      }
      return;
    }
    count(end);
    if (end instanceof Ended.Failed failed) {
      LOG.warn(
          "job {} failed (attempt {} of {}): {}; {}",
          job.id(),
          Math.min(job.attempt(), job.maxAttempts()),
          job.maxAttempts(),
          failed.error(),
          failed.last()
              ? "it is in the dead letters now"
              : "next try in " + seconds(failed.pause()) + " s, then dead letters");
    }
  }

  private void count(Ended end) {
    switch (end) {
      case Ended.Succeeded good -> done.increment();
      case Ended.Failed bad -> (bad.last() ? dead : failed).increment();
      case Ended.Returned untried -> returned.increment();
    }
  }

  private static String seconds(Duration pause) {
    long tenths = Math.max(1, Math.round(pause.toMillis() / 100.0));
    return tenths % 10 == 0 || tenths >= 100
        ? Long.toString(Math.round(tenths / 10.0))
        : tenths / 10 + "." + tenths % 10;
  }

  private Thread thread(Thread.Builder builder, String role, Runnable task) {
    return builder.name(settings.name() + "-" + role).unstarted(task);
  }
}
