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
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// All child processes of an assembly: keeps those running that are wanted, and stops them in
/// order.
///
/// Concurrency: every field and every [Replica] belongs to one thread, the loop. Children's
/// threads, the control socket and the timers only hand it work. Nothing on the loop blocks:
/// messages to children go through queues, and waiting for a state is a future in `waiters`, looked
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

  private record Waiter(BooleanSupplier condition, CompletableFuture<Void> done) {}

  private final List<ServiceSpec> services;
  private final Surroundings around;
  private final Patience patience;
  private final ScheduledExecutorService loop;
  private final List<Replica> replicas = new ArrayList<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private Optional<Map<String, Object>> settings = Optional.empty();
  private int connections = Integer.MAX_VALUE;

  /// Lists of replicas are numbered; the entrance says which it has heard.
  private long listed;

  private long heard;

  /// Orders to take over a configuration, numbered too, until the entrance has said what became of
  /// them.
  private final Map<Long, CompletableFuture<Void>> reloads = new LinkedHashMap<>();

  private long lastReload;
  private final AtomicBoolean closed = new AtomicBoolean();
  private boolean closing;

  Fleet(List<ServiceSpec> services, Surroundings around, Patience patience) {
    this.services = List.copyOf(services);
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
      for (var service : services) {
        for (int number = 1; number <= service.replicas(); number++) {
          spawn(add(service, number));
        }
      }
      when(() -> replicas.stream().allMatch(replica -> replica.state == State.UP))
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
      replicas.forEach(replica -> replica.child.ifPresent(this::greet));
    });
  }

  /// Says how many database connections all processes may have together; fails with a [PlainError]
  /// when those that run may need more.
  CompletableFuture<Void> connections(int allowed) {
    return onLoop(() -> {
      connections = allowed;
      requireConnections(service -> (int) running(service).count());
      return CompletableFuture.<Void>completedFuture(null);
    });
  }

  private Stream<Replica> running(ServiceSpec service) {
    return replicas.stream().filter(replica -> replica.service.equals(service) && replica.wanted);
  }

  private void requireConnections(ToIntFunction<ServiceSpec> count) {
    int needed =
        services.stream()
            .mapToInt(service -> count.applyAsInt(service) * service.jvm().connections())
            .sum();
    if (needed > connections) {
      throw new PlainError(
          "That many processes may need "
              + needed
              + " database connections, and the database has "
              + connections
              + " for them; run fewer replicas, or raise its max_connections.");
    }
  }

  List<ReplicaStatus> status() {
    return CompletableFuture.supplyAsync(this::list, loop).join();
  }

  /// The link with which the owner signs in to the console, as the entrance told it.
  Optional<String> signIn() {
    return CompletableFuture.supplyAsync(
            () -> replicas.stream().flatMap(replica -> replica.signIn.stream()).findFirst(), loop)
        .join();
  }

  private List<ReplicaStatus> list() {
    return replicas.stream().map(Replica::status).toList();
  }

  /// Makes a service run this many replicas; completes when they do.
  CompletableFuture<Void> scale(String name, int count) {
    return onLoop(() -> {
      var service = service(name);
      if (service.entrance()) {
        throw new PlainError(name + " is one process and cannot be scaled.");
      }
      requireConnections(other -> other.equals(service) ? count : (int) running(other).count());
      for (int number = 1; number <= count; number++) {
        wake(find(service, number).orElse(null), service, number);
      }
      for (var replica : List.copyOf(replicas)) {
        if (replica.service.equals(service) && replica.number > count && !replica.removed) {
          replica.removed = true;
          stop(replica, "scaled down to " + count);
        }
      }
      return when(() ->
          replicas.stream()
              .filter(replica -> replica.service.equals(service))
              .allMatch(replica ->
                  replica.number <= count ? replica.state == State.UP : replica.child.isEmpty()));
    });
  }

  /// Fails with a [PlainError] when these numbers of replicas cannot be had.
  CompletableFuture<Void> requireScale(Map<String, Integer> counts) {
    return onLoop(() -> {
      requireConnections(service ->
          counts.getOrDefault(service.name(), Math.toIntExact(running(service).count())));
      return CompletableFuture.<Void>completedFuture(null);
    });
  }

  /// Has the entrance take over a configuration; completes when it has, or with a [PlainError] that
  /// says why it has not. One that is just starting is waited for.
  CompletableFuture<Void> reload(String text) {
    return onLoop(() -> when(() -> entrance().isPresent()).thenCompose(up -> order(text)));
  }

  private CompletableFuture<Void> order(String text) {
    var order = new CompletableFuture<Void>();
    long id = ++lastReload;
    entrance()
        .ifPresentOrElse(
            child -> {
              reloads.put(id, order);
              child.send(Map.of("reload", Map.of("id", id, "text", text)));
            },
            () -> order.completeExceptionally(new PlainError("The edge is not up.")));
    return order;
  }

  private CompletableFuture<Void> reloaded(JsonNode event) {
    var order = reloads.remove(event.path("id").asLong());
    return order == null ? new CompletableFuture<>() : order;
  }

  /// Tells every child that runs.
  void tell(Map<String, Object> message) {
    loop.execute(() -> replicas.forEach(r -> r.child.ifPresent(child -> child.send(message))));
  }

  /// Tells the entrance that a configuration was refused before it heard of it.
  void refused(String reason) {
    loop.execute(() ->
        entrance().ifPresent(child -> child.send(Map.of("reload", Map.of("refused", reason)))));
  }

  /// Stops a replica or a whole service until it is started again; completes when it is gone.
  CompletableFuture<Void> stop(String name) {
    return onLoop(() -> {
      var chosen = named(name);
      chosen.forEach(replica -> stop(replica, "stopped by hand"));
      return when(() -> chosen.stream().allMatch(replica -> replica.child.isEmpty()));
    });
  }

  /// Starts what was stopped; completes when it is ready.
  CompletableFuture<Void> startAgain(String name) {
    return onLoop(() -> {
      var chosen = named(name);
      chosen.forEach(replica -> wake(replica, replica.service, replica.number));
      return when(() -> chosen.stream().allMatch(replica -> replica.state == State.UP));
    });
  }

  /// Stops and starts a replica, or those of a service one after the other, so that the others
  /// answer meanwhile.
  CompletableFuture<Void> restart(String name) {
    return onLoop(() -> {
      var done = CompletableFuture.<Void>completedFuture(null);
      for (var replica : named(name)) {
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
    var stages = new TreeSet<>(services.stream().map(ServiceSpec::stage).toList());
    for (int stage : stages) {
      var gone =
          onLoop(() -> {
            var members =
                replicas.stream().filter(replica -> replica.service.stage() == stage).toList();
            members.forEach(replica -> stop(replica, "the assembly is stopping"));
            return when(() -> members.stream().allMatch(replica -> replica.child.isEmpty()));
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
    var replica = new Replica(service, number, around.clock.instant());
    replicas.add(replica);
    replicas.sort((a, b) -> {
      int byService = Integer.compare(services.indexOf(a.service), services.indexOf(b.service));
      return byService != 0 ? byService : Integer.compare(a.number, b.number);
    });
    return replica;
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
        wakeWaiters();
      }
      case "reloaded" -> reloaded(event).complete(null);
      case "refused" ->
          reloaded(event).completeExceptionally(new PlainError(event.path("reason").asString("")));
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
      reloads
          .values()
          .forEach(order ->
              order.completeExceptionally(
                  new PlainError(replica.id + " ended while it took the configuration over.")));
      reloads.clear();
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
      when(() -> heard >= list || entrance().isEmpty())
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

  /// The entrance's process, while it is up.
  private Optional<Child> entrance() {
    return replicas.stream()
        .filter(replica -> replica.service.entrance() && replica.state == State.UP)
        .flatMap(replica -> replica.child.stream())
        .findFirst();
  }

  private void wake(@Nullable Replica known, ServiceSpec service, int number) {
    var replica = known == null ? add(service, number) : known;
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
    if (replica.removed && replicas.remove(replica)) {
      changed();
    }
  }

  /// Tells the edge, writes down the processes, and looks at who waits.
  private void changed() {
    around.register.accept(
        replicas.stream().flatMap(replica -> replica.child.stream()).map(Child::id).toList());
    listed++;
    var list =
        replicas.stream()
            .filter(replica -> !replica.service.entrance())
            .map(replica -> {
              var members = replica.status().json();
              members.put("wanted", replica.wanted);
              return members;
            })
            .toList();
    for (var replica : replicas) {
      if (replica.service.entrance()) {
        replica.child.ifPresent(child -> child.send(Map.of("replicas", list, "list", listed)));
      }
    }
    wakeWaiters();
  }

  private void wakeWaiters() {
    for (var waiter : List.copyOf(waiters)) {
      if (waiter.condition.getAsBoolean()) {
        waiters.remove(waiter);
        waiter.done.complete(null);
      }
    }
  }

  private CompletableFuture<Void> when(BooleanSupplier condition) {
    var done = new CompletableFuture<Void>();
    if (condition.getAsBoolean()) {
      done.complete(null);
    } else {
      waiters.add(new Waiter(condition, done));
    }
    return done;
  }

  private ServiceSpec service(String name) {
    return services.stream()
        .filter(service -> service.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new PlainError(
                "There is no service "
                    + name
                    + "; this assembly runs "
                    + String.join(", ", services.stream().map(ServiceSpec::name).toList())
                    + "."));
  }

  private Optional<Replica> find(ServiceSpec service, int number) {
    return replicas.stream()
        .filter(replica -> replica.service.equals(service) && replica.number == number)
        .findFirst();
  }

  /// A replica, or all of a service.
  private List<Replica> named(String name) {
    var found =
        replicas.stream()
            .filter(replica -> !replica.removed)
            .filter(replica -> replica.id.equals(name) || replica.service.name().equals(name))
            .toList();
    if (found.isEmpty()) {
      throw new PlainError(
          "There is no replica or service "
              + name
              + "; there are "
              + String.join(", ", replicas.stream().map(replica -> replica.id).toList())
              + ".");
    }
    return found;
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> work) {
    return CompletableFuture.supplyAsync(work, loop).thenCompose(future -> future);
  }
}
