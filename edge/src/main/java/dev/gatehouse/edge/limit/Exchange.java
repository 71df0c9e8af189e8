package dev.gatehouse.edge.limit;

import dev.gatehouse.http.Refusal;
import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How the edges on one database tell each other what they let in, and learn of changed limits.
///
/// A round every 100 ms is one statement: an edge writes how many requests of its busiest keys it
/// let in, and reads what the others wrote. What they let in is charged to its own buckets, as if
/// it had come here; so no request asks the database, and over all edges at most what arrives in
/// one round is let in too much. A key is told once it has used half of this edge's share; whoever
/// hears of one tells its own part of it, too. An edge that is alone tells nothing.
///
/// **When the database is away** nobody hears of the others: after three rounds each edge keeps to
/// its share, the limit divided by the edges it last knew. What the others let in meanwhile is
/// charged afterwards, but for no more than their share, since the rest was in earlier windows.
/// When the database is back the others may find it later than this edge, or their rows may be gone
/// with a crash: for as long as an edge counts as alive it is taken for one, and until all are
/// heard of again this one goes on with its share. Refused: to believe at once that it is alone,
/// which is an open gate just when all come back.
///
/// **Concurrency.** Everything runs on one thread, under `turn`; an admin request takes a turn of
/// its own to have a change in force at once. Buckets and rules have their own rules. `told` and
/// all it holds belong to whoever has the turn.
public final class Exchange implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Exchange.class);

  /// An edge that nobody asks anything looks for changes only this often.
  private static final Duration AT_REST = Duration.ofMillis(500);

  private static final int ROUNDS_TO_MISS = 3;

  /// How long an edge is thought to live after its last word, as `LimitsSql` has it.
  private static final Duration ALIVE = Duration.ofSeconds(3);

  private static final Duration SWEEP = Duration.ofSeconds(10);

  /// How far back a round looks for what others wrote; longer than any round takes.
  private static final Duration LOOKBACK = Duration.ofSeconds(5);

  /// A key that is told, and what is known of it.
  private static final class Told {
    final Rule rule;
    final long key;
    final Map<Long, Long> others = new HashMap<>();

    /// What the cell's own count was at the last look, to be taken off the next one.
    long counted;

    /// What this edge let in, counted from a number that is larger than any it told before.
    long used;

    /// The last that was told.
    long written;

    long changed;

    /// Nothing happens to it and nothing is told; it is only remembered, so that what others told
    /// last is not taken for news.
    boolean quiet;

    Told(Rule rule, long key, long now) {
      this.rule = rule;
      this.key = key;
      this.changed = now;
    }
  }

  private final Limits limits;
  private final Supplier<Database> database;
  private final BiFunction<String, String, Optional<Limit>> reading;
  private final long every;
  private final long edge;
  private final ReentrantLock turn = new ReentrantLock();
  private final Map<Long, Told> told = new HashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch first = new CountDownLatch(1);
  private List<Long> cooled = new ArrayList<>();
  private long version;
  private long heard;
  private long swept;
  private boolean away;

  /// How many edges there were before the last outage, and until when those that are not heard of
  /// yet are thought to come back.
  private int edgesBefore;

  private long returnUntil;
  private long lookback = Duration.ofHours(1).toMillis();

  /// @param database connects at its first use; blocking
  /// @param reading a stored limit from its name and JSON; empty, and the reason logged, if this
  ///   program cannot read it
  /// @param edge any number that no other edge has
  public Exchange(
      Limits limits,
      Supplier<Database> database,
      BiFunction<String, String, Optional<Limit>> reading,
      Duration every,
      long edge) {
    this.limits = limits;
    this.database = database;
    this.reading = reading;
    this.every = every.toNanos();
    this.edge = edge;
  }

  /// Begins, and waits until the stored limits are in force, but no longer than `patience`.
  public Exchange begin(Duration patience) {
    Thread.ofVirtual().name("limits").start(this::run);
    try {
      if (!first.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        log.warn(
            "the stored limits are not known, the database does not answer; those of the file hold"
                + " until it does");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return this;
  }

  private void run() {
    try {
      while (!closing.await(pause(), TimeUnit.NANOSECONDS)) {
        turn();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long pause() {
    return first.getCount() > 0 && !away
        ? 0
        : limits.rules().all().isEmpty() || limits.sharing().edges() == 1
            ? Math.max(every, AT_REST.toNanos())
            : every;
  }

  /// One round now; what it learns is in force when this returns.
  void turn() {
    turn.lock();
    try {
      round(limits.now());
      if (away) {
        log.info("the edges tell each other again what they let in; limits are shared as before");
        away = false;
      }
      first.countDown();
    } catch (RuntimeException e) {
      missed(e);
    } finally {
      turn.unlock();
    }
  }

  private void missed(RuntimeException e) {
    // What was written may be lost with the server: it is all told again.
    told.values().forEach(one -> one.written = 0);
    lookback = Duration.ofHours(1).toMillis();
    if (!away) {
      away = true;
      int edges = limits.sharing().edges();
      log.warn(
          "what other edges let in is not known ({}); this one keeps to {} of every limit and tries"
              + " again",
          e instanceof Refusal refusal ? refusal.problem().detail() : e.toString(),
          edges == 1 ? "all" : "1/" + edges);
    }
  }

  private void round(long now) {
    if (now - swept > SWEEP.toNanos()) {
      swept = now;
      limits.buckets().sweep(now);
      database
          .get()
          .with(handle -> {
            LimitsSql.bury(handle);
            return true;
          });
    }
    takeOver(now);
    var telling = telling(now);
    var answer =
        database.get().with(handle -> LimitsSql.round(handle, edge, telling, cooled, lookback));
    long then = limits.now();
    boolean gap = then > heard + (ROUNDS_TO_MISS + 1) * Math.max(every, AT_REST.toNanos());
    for (var one : telling) {
      var mine = told.get(one.key());
      if (mine != null) {
        mine.written = one.used();
      }
    }
    cooled = new ArrayList<>();
    hear(answer, then, gap && heard != 0);
    share(answer.others() + 1, then, (gap || away) && heard != 0);
    heard = then;
    lookback = LOOKBACK.toMillis();
    if (answer.version() != version) {
      load();
    }
  }

  /// @param returned whether nobody was heard for a while before
  private void share(int edges, long now, boolean returned) {
    if (returned) {
      edgesBefore = limits.sharing().edges();
      returnUntil = now + ALIVE.toNanos();
    }
    if (edges < edgesBefore && now < returnUntil) {
      limits.sharing().unheard(edgesBefore);
    } else {
      limits.sharing().heard(edges, now + ROUNDS_TO_MISS * Math.max(every, 100_000_000L));
    }
  }

  private void load() {
    var rows = database.get().with(LimitsSql::load);
    var read = new ArrayList<Limit>();
    rows.definitions()
        .forEach((name, definition) -> reading.apply(name, definition).ifPresent(read::add));
    read.sort(java.util.Comparator.comparing(Limit::name));
    limits.stored(new Stored(rows.version(), rows.secret(), read, rows.generations()));
    version = rows.version();
  }

  /// The keys that event loops want to be told.
  private void takeOver(long now) {
    for (var next = limits.sharing().next(); next != null; next = limits.sharing().next()) {
      var known = told.get(next.key());
      if (known != null && !known.quiet) {
        limits.sharing().less();
      } else {
        begin(known == null ? remember(next.rule(), next.key(), now) : known, now);
      }
    }
  }

  private Told remember(Rule rule, long key, long now) {
    var one = new Told(rule, key, now);
    told.put(key, one);
    return one;
  }

  /// Begins to tell of a key: all that is held so far was let in here, since of what others let in
  /// nothing was charged yet, or nothing of it is left.
  private void begin(Told one, long now) {
    var state = limits.buckets().told(one.rule, one.key, now);
    one.counted = state.own();
    one.used = now + state.held();
    one.written = state.held() == 0 ? one.used : 0;
    one.changed = now;
    one.quiet = false;
  }

  private List<LimitsSql.Told> telling(long now) {
    var telling = new ArrayList<LimitsSql.Told>();
    var all = told.values().iterator();
    while (all.hasNext()) {
      var one = all.next();
      if (one.quiet) {
        if (now - one.changed > 2 * LOOKBACK.toNanos() + one.rule.meter.memoryNanos()) {
          all.remove();
        }
        continue;
      }
      boolean gone = limits.rules().find(one.rule.id).isEmpty();
      var state = gone ? new Buckets.State(0, 0) : limits.buckets().told(one.rule, one.key, now);
      // A cell that was forgotten meanwhile counts from 0 again.
      long more = state.own() >= one.counted ? state.own() - one.counted : state.own();
      one.counted = state.own();
      one.used += more;
      one.changed = more > 0 ? now : one.changed;
      if (gone || now - one.changed > one.rule.meter.memoryNanos() + 10 * every) {
        cooled.add(one.key);
        limits.buckets().untell(one.rule, one.key, now);
        limits.sharing().less();
        one.quiet = true;
      } else if (one.used != one.written) {
        telling.add(new LimitsSql.Told(one.key, one.rule.id, one.used, state.held()));
      }
    }
    return telling;
  }

  private void hear(LimitsSql.Answer answer, long now, boolean gap) {
    for (var news : answer.heard()) {
      var rule = limits.rules().find(news.rule());
      if (rule.isEmpty()) {
        continue;
      }
      var known = told.get(news.key());
      var one = known == null ? remember(rule.get(), news.key(), now) : known;
      one.quiet |= known == null;
      var before = one.others.put(news.edge(), news.used());
      // Never more than the other's bucket holds: what else it let in was in earlier windows.
      long more = Math.min(news.held(), news.used() - (before == null ? 0 : before));
      if (more > 0) {
        if (one.quiet) {
          begin(one, now);
          limits.sharing().also();
        }
        int edges = Math.max(2, answer.others() + 1);
        long share = Math.max(1, rule.get().meter.most() / edges);
        limits.buckets().charge(rule.get(), one.key, now, gap ? Math.min(more, share) : more);
        one.changed = now;
      }
    }
  }

  // ---- what the admin API changes

  /// Stores a limit and has it in force here.
  ///
  /// @param definition JSON that `reading` can read
  /// @return whether it is new
  public boolean put(String name, String definition) {
    boolean created =
        database
            .get()
            .inTransaction(handle -> {
              LimitsSql.nextVersion(handle);
              boolean known = LimitsSql.definition(handle, name).isPresent();
              LimitsSql.put(handle, name, definition);
              return !known;
            });
    reload();
    return created;
  }

  /// Deletes a stored limit; whether there was one.
  public boolean delete(String name) {
    boolean deleted =
        database
            .get()
            .inTransaction(handle -> {
              LimitsSql.nextVersion(handle);
              return LimitsSql.delete(handle, name);
            });
    reload();
    return deleted;
  }

  /// Forgets what a limit has counted, on every edge.
  public void reset(String name) {
    database
        .get()
        .inTransaction(handle -> {
          LimitsSql.nextVersion(handle);
          LimitsSql.reset(handle, name);
          return true;
        });
    reload();
  }

  /// The stored definition of a limit.
  public Optional<String> definition(String name) {
    return database.get().with(handle -> LimitsSql.definition(handle, name));
  }

  private void reload() {
    turn.lock();
    try {
      load();
    } finally {
      turn.unlock();
    }
  }

  /// Leaves, so that the others share the limits among themselves.
  @Override
  public void close() {
    closing.countDown();
    try {
      // Whoever has the turn for longer waits for the database, and there is nobody to tell.
      if (turn.tryLock(1, TimeUnit.SECONDS)) {
        leave();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void leave() {
    try {
      if (!away && first.getCount() == 0) {
        database
            .get()
            .with(handle -> {
              LimitsSql.leave(handle, edge);
              return true;
            });
      }
    } catch (RuntimeException e) {
      log.debug("this edge could not say that it leaves; the others notice after 3 s", e);
    } finally {
      turn.unlock();
    }
  }
}
