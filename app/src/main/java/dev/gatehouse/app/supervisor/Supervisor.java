package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// A running assembly on one machine: the database, the child processes, and the socket that
/// commands come in by.
///
/// Children and database start at the same time; a child has loaded its classes when the database's
/// URL reaches it. Closing stops the entrance first and the database last.
public final class Supervisor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Supervisor.class);

  /// How long children of a killed run may take to end by themselves; they promise five seconds.
  private static final Duration LEFTOVERS = Duration.ofSeconds(6);

  private static final Duration COMMAND = Duration.ofSeconds(90);

  private final DataDir data;
  private final Plan plan;
  private final Fleet fleet;
  private final LongSupplier nanos;
  private final Map<String, Object> settings;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private Optional<DatabaseProcess> database = Optional.empty();
  private Optional<ControlServer> control = Optional.empty();
  private volatile Optional<Supplier<String>> reload = Optional.empty();
  private long databaseMillis;
  private Optional<StartCache> making = Optional.empty();
  private boolean closed;

  private Supervisor(DataDir data, Plan plan, Fleet fleet, LongSupplier nanos) {
    this.data = data;
    this.plan = plan;
    this.fleet = fleet;
    this.nanos = nanos;
    this.settings = new ConcurrentHashMap<>(plan.settings());
  }

  /// What a started assembly shows.
  ///
  /// @param databaseMillis how long the database took to start; 0 when it is not ours
  public record Report(
      List<ReplicaStatus> replicas,
      Optional<Long> databasePid,
      long databaseMillis,
      Optional<String> signIn) {}

  /// Begins to start everything in `data`, which stays locked until this is closed.
  public static Supervisor begin(
      DataDir data,
      Plan plan,
      JavaCommand java,
      Output output,
      InstantSource clock,
      LongSupplier nanos)
      throws InterruptedException {
    return begin(data, plan, java, output, clock, nanos, Fleet.Patience.USUAL);
  }

  static Supervisor begin(
      DataDir data,
      Plan plan,
      JavaCommand java,
      Output output,
      InstantSource clock,
      LongSupplier nanos,
      Fleet.Patience patience)
      throws InterruptedException {
    var leftovers = new Leftovers(data.run(), LEFTOVERS);
    leftovers.end();
    var fleet =
        new Fleet(
            plan.services(),
            new Fleet.Surroundings(
                java,
                plan.environment(),
                new Ports(plan.replicaHost(), plan.firstPort()),
                output,
                leftovers::write,
                clock,
                nanos),
            patience);
    return new Supervisor(data, plan, fleet, nanos);
  }

  /// Starts everything and returns when all of it is ready.
  ///
  /// @throws PlainError when something cannot be started; what was started has been stopped then
  public Report start() throws InterruptedException {
    try {
      control = Optional.of(ControlServer.start(data.run(), this::command));
      var ready = fleet.start();
      switch (plan.database()) {
        case Plan.DatabasePlan.Given given -> tellDatabase(given.url());
        case Plan.DatabasePlan.Own own -> startDatabase(own.starter());
      }
      ready.get();
      fleet
          .connections(
              switch (plan.database()) {
                case Plan.DatabasePlan.Given given -> given.connections().getAsInt();
                case Plan.DatabasePlan.Own own -> own.connections();
              })
          .get();
      return report();
    } catch (PlainError e) {
      close();
      throw e;
    } catch (ExecutionException e) {
      close();
      throw e.getCause() instanceof PlainError plain ? plain : new IllegalStateException(e);
    } catch (IOException e) {
      close();
      throw new PlainError("The control socket cannot be made: " + e.getMessage() + ".");
    }
  }

  private void tellDatabase(String url) {
    settings.put("database", url);
    fleet.settings(Map.copyOf(settings));
  }

  private void startDatabase(DatabaseProcess.Starter starter) {
    long began = nanos.getAsLong();
    var started = starter.start();
    synchronized (this) {
      if (closed) {
        started.close();
        return;
      }
      database = Optional.of(started);
      databaseMillis = TimeUnit.NANOSECONDS.toMillis(nanos.getAsLong() - began);
    }
    started
        .onExit()
        .thenRunAsync(
            () -> {
              started.close(); // it holds the lock of its data directory, which the next one needs
              databaseEnded(starter);
            },
            Thread::startVirtualThread);
    tellDatabase(started.url());
  }

  /// Starts the database again until it runs; children wait for it by themselves.
  private void databaseEnded(DatabaseProcess.Starter starter) {
    var backoff = new Backoff();
    while (true) {
      synchronized (this) {
        if (closed) {
          return;
        }
      }
      var wait = backoff.afterRunOf(Duration.ZERO);
      log.error("PostgreSQL ended; starting it again in {} ms", wait.toMillis());
      try {
        if (stopped.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
        startDatabase(starter);
        return;
      } catch (PlainError e) {
        log.error("PostgreSQL did not start: {}", e.sentence());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private synchronized Optional<Long> databasePid() {
    return database.map(DatabaseProcess::pid);
  }

  /// Makes the AOT cache while everything runs; ends with this supervisor.
  ///
  /// @param arguments of a rehearsal
  public void makeStartCache(StartCache cache, JavaCommand java, List<String> arguments) {
    synchronized (this) {
      if (closed) {
        return;
      }
      making = Optional.of(cache);
    }
    Thread.ofPlatform()
        .daemon()
        .name("aot-cache")
        .start(() -> {
          try {
            cache.make(
                java,
                arguments,
                Map.of(
                    "GATEHOUSE_DATABASE", String.valueOf(settings.get("database")),
                    "GATEHOUSE_SECRET", String.valueOf(settings.get("secret"))));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  public Report report() {
    return new Report(fleet.status(), databasePid(), databaseMillis, fleet.signIn());
  }

  /// The resident memory of a process in KiB.
  public static Optional<Long> residentKib(long pid) {
    return ProcessId.residentKib(pid);
  }

  /// Waits until [#close] has ended everything.
  public void await() throws InterruptedException {
    stopped.await();
  }

  private Map<String, Object> command(JsonNode request) {
    var name = request.path("name").asString("");
    return switch (request.path("do").asString("")) {
      case "status" -> statusReply();
      case "scale" -> done(fleet.scale(name, request.path("count").asInt()));
      case "stop" -> done(fleet.stop(name));
      case "start" -> done(fleet.startAgain(name));
      case "restart" -> done(fleet.restart(name));
      case "reload" ->
          Map.of(
              "said",
              reload.orElseThrow(() -> new PlainError("The assembly is still starting.")).get());
      default -> throw new PlainError("The running assembly does not know this command.");
    };
  }

  /// What the command `reload` does; it says what changed, or throws a [PlainError].
  public void onReload(Supplier<String> action) {
    reload = Optional.of(action);
  }

  /// Has everything that runs take over a configuration: the edge first, since it may still refuse,
  /// then the numbers of replicas that changed, which are on their way when this returns.
  ///
  /// @param counts of the services whose number changed
  /// @throws PlainError why it was refused; nothing has changed then
  public void reconfigure(String text, Map<String, Integer> counts, String logLevel) {
    done(fleet.requireScale(counts));
    done(fleet.reload(text));
    fleet.tell(Map.of("logLevel", logLevel));
    counts.forEach((service, count) ->
        fleet
            .scale(service, count)
            .exceptionally(failure -> {
              log.warn("{} was not scaled to {}: {}", service, count, failure.getMessage());
              return null;
            }));
  }

  /// A configuration was refused before it reached the edge, which is to say so.
  public void refused(String reason) {
    fleet.refused(reason);
  }

  private Map<String, Object> statusReply() {
    var replicas =
        fleet.status().stream()
            .map(replica -> {
              var members = replica.json();
              replica
                  .pid()
                  .flatMap(ProcessId::residentKib)
                  .ifPresent(kib -> members.put("residentKib", kib));
              return members;
            })
            .toList();
    var reply = new LinkedHashMap<String, Object>();
    reply.put("pid", ProcessHandle.current().pid());
    databasePid().ifPresent(pid -> reply.put("databasePid", pid));
    reply.put("replicas", replicas);
    return reply;
  }

  private static Map<String, Object> done(CompletableFuture<Void> work) {
    try {
      work.get(COMMAND.toMillis(), TimeUnit.MILLISECONDS);
      return Map.of("ok", true);
    } catch (TimeoutException e) {
      throw new PlainError(
          "It is not done after "
              + COMMAND.toSeconds()
              + " s and goes on; gatehouse status shows how far it is.");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlainError("The supervisor is stopping.");
    } catch (ExecutionException | CompletionException e) {
      throw e.getCause() instanceof PlainError plain ? plain : new IllegalStateException(e);
    }
  }

  /// Stops everything, entrance first, database last; harmless twice.
  @Override
  public void close() {
    Optional<DatabaseProcess> running;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      running = database;
      making.ifPresent(StartCache::close);
    }
    control.ifPresent(ControlServer::close);
    fleet.close();
    running.ifPresent(DatabaseProcess::close);
    data.close();
    stopped.countDown();
  }
}
