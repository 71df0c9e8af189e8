package dev.gatehouse.jobs;

import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the jobs of one queue: claims them under a lease, runs each on a virtual thread, and
/// settles how they ended.
///
/// ## Who does what
///
/// One thread, the *loop*, settles and claims; it alone writes the ends of jobs. Each job has a
/// thread, which only calls its handler and leaves the end in `ended`. The *renewer* renews the
/// leases of all that is in `running`. The [Listener] and the poll interval make the loop look for
/// work. `lock` guards `ended`, `look`, `closing` and `abandoned`, and nothing blocks under it. A
/// run is in `running` from before its thread starts until its end is committed, so its lease is
/// renewed for as long as a completion may still come.
///
/// ## What is promised
///
/// A job that was committed runs until it is done or dead. Two workers never run one job at once as
/// long as each renews its lease; a worker that was frozen for longer may find that another has its
/// job, and then its completion, with its effect, is refused by the token. While the database is
/// away, running jobs run on and their ends wait for it.
public final class Worker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /// How long jobs that [#close] interrupted may take to end.
  private static final Duration LAST_GRACE = Duration.ofSeconds(1);

  private final Database database;
  private final String queue;
  private final Map<String, JobHandler> handlers;
  private final WorkerSettings settings;
  private final RandomGenerator random;

  private final ConcurrentHashMap<Long, Run> running = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Long, Thread> threads = new ConcurrentHashMap<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Ended> ended = new ArrayDeque<>();
  private boolean look = true;
  private boolean closing;
  private boolean abandoned;

  private volatile boolean cut;
  private boolean troubled;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread loop;
  private final List<Thread> helpers;

  private Worker(
      Database database,
      String queue,
      Map<String, JobHandler> handlers,
      WorkerSettings settings,
      RandomGenerator random) {
    this.database = database;
    this.queue = queue;
    this.handlers = Map.copyOf(handlers);
    this.settings = settings;
    this.random = random;
    this.loop = virtual("loop", this::work);
    this.helpers =
        List.of(
            virtual("renewer", this::renew),
            virtual(
                "listener",
                new Listener(database, queue, settings.pollEvery(), stop, this::lookForWork)),
            virtual("upkeep", new Upkeep(database, queue, settings, stop)));
  }

  /// A worker that runs, also while the database is away: it then waits for it.
  ///
  /// It keeps one connection for listening and uses up to three more. Jobs of kinds without a
  /// handler here stay for workers that have one.
  ///
  /// @param random for the jitter of retries
  public static Worker start(
      Database database,
      String queue,
      Map<String, JobHandler> handlers,
      WorkerSettings settings,
      RandomGenerator random) {
    var worker = new Worker(database, queue, handlers, settings, random);
    worker.loop.start();
    worker.helpers.forEach(Thread::start);
    LOG.info(
        "worker {} runs up to {} jobs at once from queue {}",
        settings.name(),
        settings.concurrency(),
        queue);
    return worker;
  }

  /// Claims nothing more, lets running jobs end within the drain time, then interrupts them and
  /// hands them back untried. Harmless twice.
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    change(() -> closing = true);
    boolean interrupted = false;
    try {
      if (!loop.join(settings.drain())) {
        cut = true;
        threads.values().forEach(Thread::interrupt);
        if (!loop.join(LAST_GRACE)) {
          change(() -> abandoned = true);
          loop.interrupt();
          loop.join(LAST_GRACE);
          LOG.warn(
              "worker {} leaves {} jobs unfinished; others run them when their leases run out",
              settings.name(),
              running.size());
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
      change(() -> abandoned = true);
    }
    stop.countDown();
    helpers.forEach(Thread::interrupt);
    if (interrupted) {
      Thread.currentThread().interrupt();
    } else {
      joinHelpers();
    }
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

  /// Makes the loop claim as soon as it has room.
  private void lookForWork() {
    change(() -> look = true);
  }

  private void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    var unsettled = new ArrayList<Ended>();
    try {
      while (await(unsettled)) {
        try {
          play(unsettled);
          if (troubled) {
            troubled = false;
            LOG.info("worker {}: the database answers again", settings.name());
          }
        } catch (RuntimeException e) {
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
    }
  }

  /// Waits until there is something to do, and moves what ended to `unsettled`.
  ///
  /// @return false when the loop is over
  private boolean await(List<Ended> unsettled) throws InterruptedException {
    lock.lock();
    try {
      long left = settings.pollEvery().toNanos();
      while (left > 0 && !over() && (troubled || nothingToDo())) {
        left = changed.awaitNanos(left);
      }
      look = false;
      unsettled.addAll(ended);
      ended.clear();
      return !over();
    } finally {
      lock.unlock();
    }
  }

  private boolean over() {
    return abandoned || (closing && running.isEmpty());
  }

  private boolean nothingToDo() {
    return ended.isEmpty() && !(look && !closing && running.size() < settings.concurrency());
  }

  /// Plays one round; what it settled leaves `unsettled`.
  private void play(List<Ended> unsettled) {
    int free = settings.concurrency() - (running.size() - unsettled.size());
    int limit = isClosing() ? 0 : Math.min(settings.batch(), free);
    if (limit <= 0 && unsettled.isEmpty()) {
      return;
    }
    var wish =
        new Round.Wish(queue, handlers.keySet(), settings, List.copyOf(running.keySet()), limit);
    Round round;
    try {
      round = Round.play(database, unsettled, wish);
    } catch (RuntimeException e) {
      if (unsettled.isEmpty() || Round.databaseIsAway(e)) {
        throw e;
      }
      settleOneByOne(unsettled, wish.nothing());
      lookForWork();
      return;
    }
    unsettled.forEach(end -> release(end, round));
    unsettled.clear();
    round.claimed().forEach(this::begin);
    if (limit > 0 && round.claimed().size() == limit) {
      lookForWork();
    }
  }

  private boolean isClosing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  /// After a round that failed for a reason of its own: one job's effect must not take the others'
  /// completions with it. The one whose effect fails has failed.
  private void settleOneByOne(List<Ended> unsettled, Round.Wish nothing) {
    for (var end : List.copyOf(unsettled)) {
      try {
        release(end, Round.play(database, List.of(end), nothing));
      } catch (RuntimeException e) {
        if (Round.databaseIsAway(e) || !(end instanceof Ended.Succeeded)) {
          throw e;
        }
        var failed = failed(end.run(), e);
        release(failed, Round.play(database, List.of(failed), nothing));
      }
      unsettled.remove(end);
    }
  }

  private void begin(Job job) {
    var run = new Run(job);
    running.put(job.id(), run);
    var thread = virtual("job-" + job.id(), () -> run(run));
    threads.put(job.id(), thread);
    thread.start();
  }

  private void run(Run run) {
    Ended end;
    try {
      var handler = handlers.get(run.job().kind());
      if (handler == null) {
        throw new IllegalStateException("no handler for the kind " + run.job().kind());
      }
      end = new Ended.Succeeded(run, handler.run(run.job()));
    } catch (Throwable thrown) {
      LOG.debug("job {} threw", run.job().id(), thrown);
      end = cut ? new Ended.Cut(run) : failed(run, thrown);
    }
    threads.remove(run.job().id());
    var last = end;
    change(() -> ended.add(last));
  }

  private Ended.Failed failed(Run run, Throwable thrown) {
    Duration pause;
    synchronized (random) {
      pause = settings.backoff().after(run.job().attempt(), random);
    }
    return new Ended.Failed(run, Errors.oneLine(thrown), pause);
  }

  /// The end is committed: forget the run and say what happened where it is worth a line.
  private void release(Ended end, Round round) {
    var job = end.run().job();
    running.remove(job.id());
    if (round.refused().contains(job.id())) {
      if (!end.run().lost()) {
        LOG.warn("job {}: this attempt no longer counts; it was settled or taken over", job.id());
      }
      return;
    }
    switch (end) {
      case Ended.Succeeded success -> LOG.debug("job {} is done", success.run().job().id());
      case Ended.Cut _ -> LOG.info("job {} was handed back untried", job.id());
      case Ended.Failed failed ->
          LOG.warn(
              "job {} failed (attempt {} of {}): {}; {}",
              job.id(),
              job.attempt(),
              job.maxAttempts(),
              failed.error(),
              failed.last()
                  ? "it is in the dead letters now"
                  : "next try in " + seconds(failed.pause()) + " s, then dead letters");
    }
  }

  private static String seconds(Duration pause) {
    long tenths = Math.max(1, Math.round(pause.toMillis() / 100.0));
    return tenths % 10 == 0 || tenths >= 100
        ? Long.toString(Math.round(tenths / 10.0))
        : tenths / 10 + "." + tenths % 10;
  }

  /// A quarter of the lease may be lost to a slow answer three times before another worker comes.
  private void renew() {
    try {
      while (!stop.await(settings.lease().toMillis() / 4, TimeUnit.MILLISECONDS)) {
        var runs = List.copyOf(running.values());
        if (runs.isEmpty()) {
          continue;
        }
        var holds = runs.stream().map(Run::hold).toList();
        try {
          database.with(handle -> {
            if (JobSql.renew(handle, holds, settings.lease()) < holds.size()) {
              var lost = JobSql.lost(handle, holds);
              runs.stream().filter(run -> lost.contains(run.job().id())).forEach(this::lose);
            }
            return true;
          });
        } catch (RuntimeException e) {
          LOG.debug("worker {}: leases not renewed ({})", settings.name(), e.getMessage());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void lose(Run run) {
    var thread = threads.get(run.job().id());
    if (thread == null || run.lost()) {
      return;
    }
    run.lose();
    thread.interrupt();
    LOG.warn(
        "job {} was taken over after worker {} let its lease run out; this attempt is stopped and"
            + " does not count",
        run.job().id(),
        settings.name());
  }

  private Thread virtual(String role, Runnable task) {
    return Thread.ofVirtual().name(settings.name() + "-" + role).unstarted(task);
  }
}
