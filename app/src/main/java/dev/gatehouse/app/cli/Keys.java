package dev.gatehouse.app.cli;

import dev.gatehouse.app.PlainError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// `gatehouse keys`: API keys of the running assembly.
final class Keys {
  private static final String PATH = "/admin/keys";

  private Keys() {}

  /// Prints the key alone on standard output, so that a script can keep it.
  static int add(AdminClient admin, String name, Optional<String> plan) {
    var wanted = new LinkedHashMap<String, String>();
    wanted.put("name", name);
    plan.ifPresent(chosen -> wanted.put("plan", chosen));
    var made = admin.send("POST", PATH, wanted).body();
    System.out.println(made.path("key").asString());
    System.err.println(
        "gatehouse: this is the only time that the key of '"
            + name
            + "' is shown; only its hash is kept");
    return 0;
  }

  static int list(AdminClient admin) {
    var rows = new ArrayList<List<String>>();
    for (var key : all(admin)) {
      rows.add(
          List.of(
              key.path("name").asString(),
              key.path("plan").asString(""),
              key.path("id").asString(),
              key.path("created").asString(),
              key.path("lastUsed").asString("never"),
              key.path("revoked").asString("")));
    }
    System.out.println(
        Table.of(List.of("NAME", "PLAN", "ID", "CREATED", "LAST USED", "REVOKED"), rows));
    return 0;
  }

  /// @param which the name of a live key, or its id
  static int revoke(AdminClient admin, String which) {
    var key =
        all(admin).stream()
            .filter(one -> !one.has("revoked"))
            .filter(one ->
                one.path("name").asString().equals(which)
                    || one.path("id").asString().equals(which))
            .findFirst()
            .orElseThrow(() ->
                new PlainError(
                    "There is no live key '" + which + "'; 'gatehouse keys list' shows all."));
    admin.send("DELETE", PATH + "/" + key.path("id").asString(), java.util.Map.of());
    System.out.println(
        "the key of '"
            + key.path("name").asString()
            + "' is revoked, on every edge within a second");
    return 0;
  }

  private static List<JsonNode> all(AdminClient admin) {
    var all = new ArrayList<JsonNode>();
    for (var page = Optional.of(PATH); page.isPresent(); ) {
      var answer = admin.get(page.get());
      answer.body().forEach(all::add);
      page = answer.next();
    }
    return all;
  }
}
