package dev.gatehouse.app.supervisor;

import dev.gatehouse.http.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// One running child process and its three pipes.
///
/// Its input carries our messages and stays open as long as we live; its output carries its events;
/// its standard error is its log. Two threads read, one writes: a child that is stopped stops
/// reading, and its full pipe must hold up nobody else.
final class Child {
  /// What a child tells; called on threads of the child's own, in order.
  interface Listener {
    void event(Child child, JsonNode event);

    void exited(Child child, int status);
  }

  /// So many messages may wait for a child that does not read, the newest is dropped.
  private static final int MOST_WAITING = 1000;

  private final Process process;
  private final ProcessId id;

  /// An empty entry closes the pipe.
  private final LinkedBlockingQueue<Optional<byte[]>> messages =
      new LinkedBlockingQueue<>(MOST_WAITING);

  private Child(Process process, ProcessId id) {
    this.process = process;
    this.id = id;
  }

  /// Starts a process; it ignores SIGINT and SIGHUP, since a terminal sends those to everyone and
  /// the order of stopping is the supervisor's.
  static Child start(
      List<String> command,
      Map<String, String> environment,
      Consumer<String> logLine,
      Listener listener)
      throws IOException {
    var builder = new ProcessBuilder("/bin/sh", "-c", "trap '' INT HUP; exec \"$@\"", "gatehouse");
    builder.command().addAll(command);
    builder.environment().putAll(environment);
    var process = builder.start();
    var id =
        ProcessId.of(process.pid()).orElseGet(() -> new ProcessId(process.pid(), "gone already"));
    var child = new Child(process, id);
    var name = environment.getOrDefault("GATEHOUSE_NAME", "child");
    Thread.ofPlatform()
        .daemon()
        .name(name + "-log")
        .start(() -> lines(process.getErrorStream(), logLine));
    var events =
        Thread.ofPlatform()
            .daemon()
            .name(name + "-events")
            .start(() -> child.readEvents(logLine, listener));
    Thread.ofVirtual().name(name + "-messages").start(child::write);
    process
        .onExit()
        .thenAcceptAsync(
            ended -> {
              child.messages.clear();
              child.endMessages();
              joined(events);
              listener.exited(child, ended.exitValue());
            },
            Thread::startVirtualThread);
    return child;
  }

  private void readEvents(Consumer<String> logLine, Listener listener) {
    lines(
        process.getInputStream(),
        line -> {
          try {
            var event = Json.mapper().readTree(line);
            if (event.isObject()) {
              listener.event(this, event);
              return;
            }
          } catch (JacksonException notOurs) {
            // Something in the child printed; it belongs to the log.
          }
          logLine.accept(line);
        });
  }

  /// Lets the last events come before the exit, but not for ever: a grandchild that inherited the
  /// pipe keeps it open.
  private static void joined(Thread events) {
    try {
      events.join(Duration.ofMillis(500));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void lines(InputStream stream, Consumer<String> each) {
    try (var reader =
        new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8), 2048)) {
      for (var line = reader.readLine(); line != null; line = reader.readLine()) {
        each.accept(line);
      }
    } catch (IOException ended) {
      // The process is gone.
    }
  }

  private void write() {
    try (var pipe = process.getOutputStream()) {
      for (var next = messages.take(); next.isPresent(); next = messages.take()) {
        pipe.write(next.get());
        pipe.write('\n');
        pipe.flush();
      }
    } catch (IOException ended) {
      // The process is gone; its exit is told by itself.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  ProcessId id() {
    return id;
  }

  /// Sends one message, soon.
  void send(Object message) {
    messages.offer(Optional.of(Json.bytes(message)));
  }

  /// It is to finish what it does and to end, once no request has come for `quiet`. Its input stays
  /// open: the end of that means that we are gone, and leaves it no time.
  void drain(Duration quiet) {
    send(Map.of("drain", Map.of("quietMillis", quiet.toMillis())));
  }

  private void endMessages() {
    messages.offer(Optional.empty());
  }

  /// Ends it at once, with all that it started.
  void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
