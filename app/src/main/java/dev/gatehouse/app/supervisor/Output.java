package dev.gatehouse.app.supervisor;

import dev.gatehouse.http.Json;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.LinkedHashMap;

/// Where the children's log lines come together; each line names its replica.
public final class Output {
  private final PrintStream out;
  private final boolean json;
  private final InstantSource clock;
  private int width = 10;

  /// In JSON a line of a child that is no JSON (the JVM's own last words) is wrapped into some.
  public Output(PrintStream out, boolean json, InstantSource clock) {
    this.out = out;
    this.json = json;
    this.clock = clock;
  }

  /// Writes one whole line; lines of several children never mix.
  synchronized void line(String replica, String line) {
    if (!json) {
      width = Math.max(width, replica.length());
      out.println(replica + " ".repeat(width - replica.length()) + " | " + line);
    } else if (line.startsWith("{")) {
      out.println(line);
    } else if (!line.isBlank()) {
      var wrapped = new LinkedHashMap<String, Object>();
      wrapped.put("@timestamp", clock.instant().toString());
      wrapped.put("message", line);
      wrapped.put("level", "WARN");
      wrapped.put("replica", replica);
      out.println(Json.string(wrapped));
    }
    out.flush();
  }

  boolean json() {
    return json;
  }
}
