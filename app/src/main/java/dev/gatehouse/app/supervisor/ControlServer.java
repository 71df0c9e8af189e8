package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.http.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// The supervisor's end of its control socket: one JSON line in, one JSON line out.
///
/// Whoever may open the socket may command the assembly: directory and socket are the owner's
/// alone.
final class ControlServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ControlServer.class);

  private final Path run;
  private final ServerSocketChannel server;

  private ControlServer(Path run, ServerSocketChannel server) {
    this.run = run;
    this.server = server;
  }

  /// Listens; `answer` turns a request into the members of its reply, or throws a [PlainError].
  static ControlServer start(Path run, Function<JsonNode, Map<String, Object>> answer)
      throws IOException {
    var path = ControlPath.create(run);
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    var control = new ControlServer(run, server);
    Thread.ofPlatform().daemon().name("control").start(() -> control.accept(answer));
    return control;
  }

  private void accept(Function<JsonNode, Map<String, Object>> answer) {
    while (server.isOpen()) {
      try {
        var connection = server.accept();
        Thread.startVirtualThread(() -> serve(connection, answer));
      } catch (ClosedChannelException closed) {
        return;
      } catch (IOException e) {
        log.warn(
            "the control socket fails ({}); commands do not reach this assembly", e.toString());
        return;
      }
    }
  }

  private static void serve(
      SocketChannel connection, Function<JsonNode, Map<String, Object>> answer) {
    try (connection;
        var reader =
            new BufferedReader(
                new InputStreamReader(
                    Channels.newInputStream(connection), StandardCharsets.UTF_8));
        var out = Channels.newOutputStream(connection)) {
      var line = reader.readLine();
      if (line == null) {
        return;
      }
      out.write(Json.bytes(reply(line, answer)));
      out.write('\n');
      out.flush();
    } catch (IOException gone) {
      // The command was interrupted; there is nobody to tell.
    }
  }

  private static Map<String, Object> reply(
      String line, Function<JsonNode, Map<String, Object>> answer) {
    try {
      return answer.apply(Json.mapper().readTree(line));
    } catch (PlainError e) {
      return Map.of("error", e.sentence());
    } catch (RuntimeException e) {
      log.error("a command failed; its sender is told so", e);
      return Map.of("error", "The supervisor failed; its log has the details.");
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      ControlPath.forget(run);
    } catch (IOException e) {
      log.warn("the control socket was not removed ({}); the next start does it", e.toString());
    }
  }
}
