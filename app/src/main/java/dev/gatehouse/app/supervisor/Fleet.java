package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.supervisor.ReplicaStatus.State;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// All child processes of an assembly: keeps those running that are wanted, and stops them in
/// order.
///
/// Concurrency: every field and every [Replica] belongs to one thread, the loop. Children's
/// threads, the control socket and the timers only hand it work. Nothing on the loop blocks:
/// messages to children go through queues, and waiting for a state is a future of [Waiters], looked
/// at after each change. (Locks were refused: every event touches several replicas and tells the
/// edge.)
final class Fleet implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Fleet.class);

  /// How long the fleet waits for what.
  ///
  /// @param notice for the edge to say that it knows that a replica drains; then the replica is
  ///   told
  /// @param drain for a child to drain that still gets requests; then it is killed
  /// @param stop the same for one that gets none any more, since the edge is gone
  /// @param listed how long a replica that is gone stays in the list
  record Patience(Duration notice, Duration drain, Duration stop, Duration listed) {
    static final Patience USUAL =
        new Patience(
            Duration.ofSeconds(1),
            Duration.ofSeconds(30),
            Duration.ofSeconds(5),
            Duration.ofMinutes(10));
  }

  /// How long no request must have come before the edge stops listening.
  private static final Duration EDGE_QUIET = Duration.ofMillis(500);

  /// The same for a replica that the edge sends nothing new.
  private static final Duration REPLICA_QUIET = Duration.ofMillis(200);

  /// The world around: what starts children and what is told about them.
  record Surroundings(
      JavaCommand java,
      Map<String, String> environment,
      Ports ports,
      Output output,
      Consumer<List<ProcessId>> register,
      InstantSource clock,
      LongSupplier nanos) {}

  private final Roster roster;
  private final Surroundings around;
  private final Patience patience;
  private final ScheduledExecutorService loop;
  private final Waiters waiters = new Waiters();
  private final Reloads reloads = new Reloads();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private Optional<Map<String, Object>> settings = Optional.empty();

  /// Lists of replicas are numbered; the entrance says which it has heard.
  private long listed;

  private long heard;

  private final AtomicBoolean closed = new AtomicBoolean();
  private boolean closing;

  Fleet(List<ServiceSpec> services, Surroundings around, Patience patience) {
    this.roster = new Roster(services);
    this.around = around;
    this.patience = patience;
    this.loop =
        Executors.newSingleThreadScheduledExecutor(
            task -> Thread.ofPlatform().name("fleet").daemon().unstarted(task));
  }

  /// Starts every child at once; completes when all of them are ready, or with a [PlainError] when
  /// one says that trying again cannot help.
  CompletableFuture<Void> start() {
    loop.execute(() -> {
      for (var service : roster.services()) {
        for (int number = 1; number <= service.replicas(); number++) {
          spawn(add(service, number));
        }
      }
      waiters
          .until(() -> roster.replicas().stream().allMatch(replica -> replica.state == State.UP))
          .thenRun(() -> ready.complete(null));
      changed();
    });
    return ready;
  }

  /// What every child is told first: the database and other secrets. Children that run already get
  /// it now, later ones when they start.
  void settings(Map<String, Object> values) {
    loop.execute(() -> {
      settings = Optional.of(Map.of("settings", values));
      roster.children().forEach(this::greet);
    });
  }

  /// Says how many database connections all processes may have together; fails with a [PlainError]
  /// when those that run may need more.
  CompletableFuture<Void> connections(int allowed) {
    return onLoop(() -> {
      roster.allowConnections(allowed);
      roster.requireConnections(roster::wanted);
      return CompletableFuture.<Void>completedFuture(null);
    });
  }

  List<ReplicaStatus> status() {
    return CompletableFuture.supplyAsync(this::list, loop).join();
  }

  /// The link with which the owner signs in to the console, as the entrance told it.
  Optional<String> signIn() {
    return CompletableFuture.supplyAsync(
            () ->
                roster.replicas().stream().flatMap(replica -> replica.signIn.stream()).findFirst(),
            loop)
        .join();
  }

  private List<ReplicaStatus> list() {
    return roster.replicas().stream().map(Replica::status).toList();
  }

  /// Makes a service run this many replicas; completes when they do.
  CompletableFuture<Void> scale(String name, int count) {
    return onLoop(() -> {
      var service = roster.service(name);
      if (service.entrance()) {
        throw new PlainError(name + " is one process and cannot be scaled.");
      }
      roster.requireConnections(other -> other.equals(service) ? count : roster.wanted(other));
      for (int number = 1; number <= count; number++) {
        int n = number;
        wake(roster.find(service, number).orElseGet(() -> add(service, n)));
      }
      for (var replica : roster.of(service).toList()) {
        if (replica.number > count && !replica.removed) {
          replica.removed = true;
          stop(replica, "scaled down to " + count);
        }
      }
      return waiters.until(() ->
          roster
              .of(service)
              .allMatch(replica ->
                  replica.number <= count ? replica.state == State.UP : replica.child.isEmpty()));
    });
  }

  /// Fails with a [PlainError] when these numbers of replicas cannot be had.
  CompletableFuture<Void> requireScale(Map<String, Integer> counts) {
    return onLoop(() -> {
      roster.requireConnections(
          service -> counts.getOrDefault(service.name(), roster.wanted(service)));
      return CompletableFuture.<Void>completedFuture(null);
    });
  }

  /// Has the entrance take over a configuration; completes when it has, or with a [PlainError] that
  /// says why it has not. One that is just starting is waited for.
  CompletableFuture<Void> reload(String text) {
    return onLoop(() ->
        waiters
            .until(() -> roster.entrance().isPresent())
            .thenCompose(up ->
                roster
                    .entrance()
                    .map(entrance -> reloads.order(entrance, text))
                    .orElseGet(() ->
                        CompletableFuture.failedFuture(new PlainError("The edge is not up.")))));
  }

  /// Tells every child that runs.
  void tell(Map<String, Object> message) {
    loop.execute(() -> roster.children().forEach(child -> child.send(message)));
  }

  /// Tells the entrance that a configuration was refused before it heard of it.
  void refused(String reason) {
    loop.execute(() ->
        roster
            .entrance()
            .ifPresent(child -> child.send(Map.of("reload", Map.of("refused", reason)))));
  }

  /// Stops a replica or a whole service until it is started again; completes when it is gone.
  CompletableFuture<Void> stop(String name) {
    return onLoop(() -> {
      var chosen = roster.named(name);
      chosen.forEach(replica -> stop(replica, "stopped by hand"));
      return waiters.until(() -> chosen.stream().allMatch(replica -> replica.child.isEmpty()));
    });
  }

  /// Starts what was stopped; completes when it is ready.
  CompletableFuture<Void> startAgain(String name) {
    return onLoop(() -> {
      var chosen = roster.named(name);
      chosen.forEach(this::wake);
      return waiters.until(() -> chosen.stream().allMatch(replica -> replica.state == State.UP));
    });
  }

  /// Stops and starts a replica, or those of a service one after the other, so that the others
  /// answer meanwhile.
  CompletableFuture<Void> restart(String name) {
    return onLoop(() -> {
      var done = CompletableFuture.<Void>completedFuture(null);
      for (var replica : roster.named(name)) {
        done =
            done.thenCompose(before -> stop(replica.id))
                .thenCompose(before -> startAgain(replica.id));
      }
      return done;
    });
  }

  /// Ends every process of one stage after the other; returns when none is left. Harmless twice.
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    onLoop(
            () -> {
              closing = true;
              ready.completeExceptionally(new PlainError("stopped before it was ready"));
              return CompletableFuture.<Void>completedFuture(null);
            })
        .join();
    for (int stage : roster.stages()) {
      var gone =
          onLoop(() -> {
            var members =
                roster.replicas().stream()
                    .filter(replica -> replica.service.stage() == stage)
                    .toList();
            members.forEach(replica -> stop(replica, "the assembly is stopping"));
            return waiters.until(
                () -> members.stream().allMatch(replica -> replica.child.isEmpty()));
          });
      try {
        gone.get(patience.drain.plusSeconds(2).toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException late) {
        log.warn("processes of stage {} do not end even when killed; going on", stage);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    loop.shutdownNow();
  }

  // What follows runs on the loop.

  private Replica add(ServiceSpec service, int number) {
    return roster.add(service, number, around.clock.instant());
  }

  private void spawn(Replica replica) {
    if (closing || !replica.wanted || replica.child.isPresent()) {
      return;
    }
    if (replica.service.ported() && replica.place.isEmpty()) {
      replica.place = Optional.of(around.ports.take());
    }
    var arguments = new ArrayList<>(replica.service.arguments());
    arguments.addAll(List.of("--name", replica.id));
    replica.place.ifPresent(place -> arguments.addAll(List.of("--listen", place)));
    var environment = new LinkedHashMap<>(around.environment);
    environment.put("GATEHOUSE_NAME", replica.id);
    // Their lines are kept; [Output] makes them readable.
    environment.put("GATEHOUSE_LOG", "json");
    replica.startedNanos = around.nanos.getAsLong();
    replica.failure = Optional.empty();
    replica.address = Optional.empty();
    try {
      replica.child =
          Optional.of(
              Child.start(
                  around.java.with(replica.service.jvm(), arguments),
                  environment,
                  line -> around.output.line(replica.id, line),
                  listener(replica)));
    } catch (IOException e) {
      replica.failure = Optional.of(new Replica.Failure("start", e.toString()));
      ended(replica, -1);
      return;
    }
    replica.child.ifPresent(this::greet);
    // The reason stays: a replica that starts over and over is to say why.
    become(replica, State.STARTING, replica.reason);
  }

  private void greet(Child child) {
    settings.ifPresent(child::send);
  }

  private Child.Listener listener(Replica replica) {
    return new Child.Listener() {
      @Override
      public void event(Child child, JsonNode event) {
        loop.execute(() -> told(replica, child, event));
      }

      @Override
      public void exited(Child child, int status) {
        loop.execute(() -> {
          if (replica.child.equals(Optional.of(child))) {
            ended(replica, status);
          }
        });
      }
    };
  }

  private void told(Replica replica, Child child, JsonNode event) {
    if (!replica.child.equals(Optional.of(child))) {
      return;
    }
    switch (event.path("event").asString("")) {
      case "ready" -> {
        replica.address = Optional.ofNullable(event.path("address").asString(null));
        replica.version = event.path("version").asString("");
        replica.startMillis =
            Duration.ofNanos(around.nanos.getAsLong() - replica.startedNanos).toMillis();
        replica.signIn = Optional.ofNullable(event.path("signIn").asString(null));
        if (replica.state == State.STARTING) {
          become(replica, State.UP, Optional.empty());
        }
      }
      case "heard" -> {
        heard = Math.max(heard, event.path("list").asLong());
        waiters.look();
      }
      case "reloaded" -> reloads.taken(event);
      case "refused" -> reloads.refused(event);
      case "failed" ->
          replica.failure =
              Optional.of(
                  new Replica.Failure(
                      event.path("kind").asString(""), event.path("reason").asString("")));
      default -> log.warn("{} told something unknown: {}", replica.id, event);
    }
  }

  private void ended(Replica replica, int status) {
    replica.child = Optional.empty();
    replica.startMillis = 0;
    if (replica.service.entrance()) {
      reloads.lost(replica.id);
    }
    var what =
        replica.failure.map(Replica.Failure::reason).orElseGet(() -> "ended with " + words(status));
    if (closing || !replica.wanted) {
      become(replica, State.DOWN, replica.reason.or(() -> Optional.of(what)));
      return;
    }
    if (replica.state == State.DRAINING) {
      spawn(replica);
      return;
    }
    var kind = replica.failure.map(Replica.Failure::kind).orElse("");
    if (kind.equals("port-in-use") && replica.place.isPresent()) {
      // A replica can move; the entrance's ports are what its users know, so for it this is fatal.
      replica.place.ifPresent(around.ports::refuse);
      replica.place = Optional.empty();
    } else if (kind.equals("port-in-use") || kind.equals("fatal")) {
      ready.completeExceptionally(new PlainError(what));
    }
    var lasted = Duration.ofNanos(around.nanos.getAsLong() - replica.startedNanos);
    var wait = replica.backoff.afterRunOf(lasted);
    var reason = what.replaceFirst("\\.$", "") + "; starting again in " + wait.toMillis() + " ms";
    log.warn("{} {}", replica.id, reason);
    become(replica, State.DOWN, Optional.of(reason));
    loop.schedule(() -> spawn(replica), wait.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static String words(int status) {
    return status > 128 && status < 160 ? "signal " + (status - 128) : "status " + status;
  }

  private void stop(Replica replica, String why) {
    replica.wanted = false;
    if (replica.child.isEmpty()) {
      become(replica, State.DOWN, Optional.of(why));
      return;
    }
    become(replica, State.DRAINING, Optional.of(why));
    var child = replica.child.get();
    boolean unasked = closing && !replica.service.entrance();
    if (unasked || replica.service.entrance()) {
      child.drain(unasked ? Duration.ZERO : EDGE_QUIET);
    } else {
      long list = listed;
      waiters
          .until(() -> heard >= list || roster.entrance().isEmpty())
          .completeOnTimeout(null, patience.notice.toMillis(), TimeUnit.MILLISECONDS)
          .thenRunAsync(() -> child.drain(REPLICA_QUIET), loop);
    }
    var most = unasked ? patience.stop : patience.drain;
    loop.schedule(
        () -> {
          if (replica.child.equals(Optional.of(child))) {
            log.warn("{} has not ended after {} s; killing it", replica.id, most.toSeconds());
            child.kill();
          }
        },
        most.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private void wake(Replica replica) {
    replica.wanted = true;
    replica.removed = false;
    replica.reason = Optional.empty();
    replica.backoff.reset();
    if (replica.child.isEmpty()) {
      spawn(replica);
    }
    // One that still drains ends first; `ended` sees that it is wanted again.
  }

  private void become(Replica replica, State state, Optional<String> reason) {
    if (replica.state != state) {
      replica.since = around.clock.instant();
    }
    replica.state = state;
    replica.reason = reason;
    if (replica.removed && state == State.DOWN) {
      replica.place.ifPresent(around.ports::giveBack);
      replica.place = Optional.empty();
      loop.schedule(() -> forget(replica), patience.listed.toMillis(), TimeUnit.MILLISECONDS);
    }
    changed();
  }

  private void forget(Replica replica) {
    if (replica.removed && roster.remove(replica)) {
      changed();
    }
  }

  /// Tells the edge, writes down the processes, and looks at who waits.
  private void changed() {
    around.register.accept(roster.children().map(Child::id).toList());
    listed++;
    var list =
        roster.replicas().stream()
            .filter(replica -> !replica.service.entrance())
            .map(replica -> {
              var members = replica.status().json();
              members.put("wanted", replica.wanted);
              return members;
            })
            .toList();
    for (var replica : roster.replicas()) {
      if (replica.service.entrance()) {
        replica.child.ifPresent(child -> child.send(Map.of("replicas", list, "list", listed)));
      }
    }
    waiters.look();
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> work) {
    return CompletableFuture.supplyAsync(work, loop).thenCompose(future -> future);
  }
}
