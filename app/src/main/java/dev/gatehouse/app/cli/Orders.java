package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import dev.gatehouse.app.supervisor.ControlClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// The short commands: each is one request to the supervisor of a running assembly.
final class Orders {
  private static final int MOST_REPLICAS = 200;

  private Orders() {}

  static int status(Path data, boolean json) {
    var reply = ControlClient.ask(data, Map.of("do", "status"));
    System.out.println(json ? reply.toPrettyString() : table(reply));
    return 0;
  }

  private static String table(JsonNode reply) {
    var rows = new ArrayList<Table.Row>();
    rows.add(Table.Row.of("supervisor", "up", reply.path("pid").asLong(), "", ""));
    if (reply.has("databasePid")) {
      rows.add(Table.Row.of("postgres", "up", reply.path("databasePid").asLong(), "", ""));
    }
    for (var replica : reply.path("replicas")) {
      rows.add(
          Table.Row.of(
              replica.path("id").asString(),
              replica.path("state").asString(),
              replica.path("pid").asLong(0),
              replica.path("address").asString(""),
              replica.path("reason").asString("")));
    }
    return Table.of(rows);
  }

  static int send(Path data, String what, List<String> names) {
    for (var name : names) {
      ControlClient.ask(data, Map.of("do", what, "name", name));
    }
    return 0;
  }

  static int reload(Path data) {
    System.out.println(ControlClient.ask(data, Map.of("do", "reload")).path("said").asString());
    return 0;
  }

  static int scale(Path data, List<String> counts) {
    record Order(String service, int count) {}
    var orders = new ArrayList<Order>();
    for (var text : counts) {
      int equals = text.indexOf('=');
      var number = text.substring(equals + 1);
      if (equals < 1 || !number.matches("[0-9]{1,4}") || Integer.parseInt(number) > MOST_REPLICAS) {
        throw new PlainError(
            "'" + text + "' is not SERVICE=COUNT with a count from 0 to " + MOST_REPLICAS + ".");
      }
      orders.add(new Order(text.substring(0, equals), Integer.parseInt(number)));
    }
    for (var order : orders) {
      ControlClient.ask(data, Map.of("do", "scale", "name", order.service, "count", order.count));
    }
    return 0;
  }
}
