package dev.gatehouse.app.roles;

import dev.gatehouse.app.logs.LogSetup;
import dev.gatehouse.http.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// A child's end of the pipes to its supervisor: messages come in on standard input, events go out
/// on standard output, one JSON line each.
///
/// The end of the input means that the supervisor is gone or wants this process to end; there is no
/// other way to learn that a parent was killed which works everywhere and cannot be missed.
public final class ControlPipe {
  private final PrintStream events;
  private final CompletableFuture<JsonNode> settings = new CompletableFuture<>();
  private final CompletableFuture<Void> end = new CompletableFuture<>();
  private final CopyOnWriteArrayList<Consumer<JsonNode>> listeners = new CopyOnWriteArrayList<>();
  private Optional<JsonNode> replicas = Optional.empty();
  private Consumer<Duration> drain = quiet -> {};
  private Consumer<JsonNode> reload = order -> {};

  private ControlPipe(PrintStream events) {
    this.events = events;
  }

  /// Starts to read `in` on a thread of its own.
  public static ControlPipe open(InputStream in, PrintStream out) {
    var pipe = new ControlPipe(out);
    Thread.ofPlatform().daemon().name("control").start(() -> pipe.read(in));
    return pipe;
  }

  private void read(InputStream in) {
    try (var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (var line = reader.readLine(); line != null; line = reader.readLine()) {
        message(Json.mapper().readTree(line));
      }
    } catch (IOException | JacksonException broken) {
      // A broken pipe is an ended one.
    } finally {
      end.complete(null);
    }
  }

  private synchronized void message(JsonNode message) {
    if (message.has("settings")) {
      settings.complete(message.path("settings"));
    } else if (message.has("replicas")) {
      replicas = Optional.of(message.path("replicas"));
      listeners.forEach(listener -> listener.accept(message.path("replicas")));
      // A replica is told to end only when whoever sends it requests knows.
      tell(Map.of("event", "heard", "list", message.path("list").asLong()));
    } else if (message.has("drain")) {
      drain.accept(Duration.ofMillis(message.path("drain").path("quietMillis").asLong()));
    } else if (message.has("reload")) {
      reload.accept(message.path("reload"));
    } else if (message.has("logLevel")) {
      LogSetup.level(message.path("logLevel").asString());
    }
  }

  /// The database's URL and other secrets, once the supervisor knows them.
  public CompletableFuture<JsonNode> settings() {
    return settings;
  }

  /// Completes when this process is to end.
  public CompletableFuture<Void> end() {
    return end;
  }

  /// Calls `listener` with the list of replicas, now if there is one already and whenever it
  /// changes, one call at a time.
  public synchronized void onReplicas(Consumer<JsonNode> listener) {
    listeners.add(listener);
    replicas.ifPresent(listener);
  }

  /// Calls `listener` when this process is to finish what it does and to end: it goes on serving
  /// until no request has come for as long as it is given.
  public synchronized void onDrain(Consumer<Duration> listener) {
    drain = listener;
  }

  /// Calls `listener` with what the supervisor says of a new configuration.
  public synchronized void onReload(Consumer<JsonNode> listener) {
    reload = listener;
  }

  /// Tells the supervisor one event.
  public void tell(Map<String, Object> event) {
    synchronized (events) {
      events.println(Json.string(event));
      events.flush();
    }
  }
}
