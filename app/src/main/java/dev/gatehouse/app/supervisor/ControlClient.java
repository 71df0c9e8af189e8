package dev.gatehouse.app.supervisor;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.http.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// How a short command talks to the assembly that runs in a data directory.
public final class ControlClient {
  private ControlClient() {}

  /// Sends one request and waits for its reply.
  ///
  /// @throws PlainError when nothing runs there, or with the reply's `error`
  public static JsonNode ask(Path data, Map<String, Object> request) {
    var nobody =
        new PlainError(
            "No assembly is running in "
                + data
                + "; start one with gatehouse up, or name its directory with --data.");
    var run = data.resolve("run");
    if (Files.isDirectory(run) && !Files.isReadable(run)) {
      throw new PlainError("The assembly in " + data + " belongs to another user.");
    }
    String line;
    try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(ControlPath.find(run)))) {
      var out = Channels.newOutputStream(channel);
      out.write(Json.bytes(request));
      out.write('\n');
      out.flush();
      line =
          new BufferedReader(
                  new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))
              .readLine();
    } catch (AccessDeniedException e) {
      throw new PlainError("The assembly in " + data + " belongs to another user.");
    } catch (IOException e) {
      throw nobody;
    }
    if (line == null) {
      throw new PlainError("The assembly in " + data + " ended before it answered.");
    }
    var reply = Json.mapper().readTree(line);
    if (reply.has("error")) {
      throw new PlainError(reply.path("error").asString());
    }
    return reply;
  }
}
