package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.roles.ControlPipe;
import dev.gatehouse.app.roles.Role;
import dev.gatehouse.app.roles.RoleContext;
import dev.gatehouse.app.roles.RoleProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/// A child as the tests need one: `BEHAVIOUR DIARY --name N [--listen A]`. It writes what happens
/// to it into the file DIARY.
public final class TestChild {
  private TestChild() {}

  public static void main(String[] args) throws Exception {
    var arguments = List.of(args);
    var name = arguments.get(arguments.indexOf("--name") + 1);
    int listen = arguments.indexOf("--listen");
    var order =
        new RoleProcess.Order(name, listen < 0 ? "" : arguments.get(listen + 1), Path.of("data"));
    var diary = Path.of(arguments.get(1));
    System.exit(
        RoleProcess.supervised(
            context -> start(arguments.get(0), diary, context), order, InstantSource.system()));
  }

  private static Role.Running start(String behaviour, Path diary, RoleContext context)
      throws IOException {
    write(diary, context.name() + " started " + context.secrets().database());
    switch (behaviour) {
      case "steady" -> {}
      case "entrance" ->
          context
              .pipe()
              .ifPresent((ControlPipe pipe) ->
                  pipe.onReplicas(list -> {
                    for (var replica : list) {
                      write(
                          diary,
                          "told "
                              + replica.path("id").asString()
                              + " "
                              + replica.path("state").asString());
                    }
                  }));
      case "crash" -> Thread.ofPlatform().start(() -> Runtime.getRuntime().halt(3));
      case "refuse" -> throw new PlainError("The schema is newer than this program.");
      case "parent" -> {
        var grandchild = new ProcessBuilder("sleep", "600").start();
        write(diary, "grandchild " + grandchild.pid());
      }
      case "stubborn" -> {}
      default -> throw new IllegalArgumentException(behaviour);
    }
    var socket = bind(context.listen());
    return new Role.Running() {
      @Override
      public Optional<String> address() {
        return socket.map(bound -> "127.0.0.1:" + bound.getLocalPort());
      }

      @Override
      public void close() {
        write(diary, context.name() + " drained");
        if (!behaviour.equals("steady") && !behaviour.equals("entrance")) {
          forEver();
        }
      }
    };
  }

  private static Optional<ServerSocket> bind(String address) throws IOException {
    if (address.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new ServerSocket(
            Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)),
            5,
            InetAddress.getLoopbackAddress()));
  }

  private static void forEver() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static synchronized void write(Path diary, String line) {
    try {
      Files.writeString(diary, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
