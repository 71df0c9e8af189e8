package dev.gatehouse.app.config;

import dev.gatehouse.edge.limit.AddressBlock;
import dev.gatehouse.edge.limit.Limit;
import dev.gatehouse.edge.limit.Limit.KeyPart;
import dev.gatehouse.edge.limit.Wildcard;
import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.http.Json;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// One limit in JSON, as the admin API takes and shows it and the database keeps it.
///
/// It is read by the keys of the file, so that both take the same and refuse it in the same words.
/// Variables are not filled in: what the environment holds is nothing for those who may set limits.
public final class LimitText {
  private LimitText() {}

  /// What reading came to.
  public sealed interface Read {
    record Good(Limit limit) implements Read {}

    /// @param mistakes a sentence each, which begins with its place
    record Bad(List<String> mistakes) implements Read {}
  }

  /// @param config whose routes a limit can be about
  public static Read read(String name, JsonNode body, Config config) {
    var text = Json.string(body);
    var reading = new Reading("limit", text, Map.of(), Map.of());
    var place = reading.at(1, 1);
    routes(config, reading);
    LimitKeys.name()
        .read(reading, new Spot("name", Optional.empty(), place, List.of(), Optional.of(name)));
    var node = Yaml.parse(text, reading);
    var limit =
        node.flatMap(found ->
            LimitKeys.unnamed(name)
                .read(
                    reading, new Spot("", Optional.of(found), place, List.of(), Optional.empty())));
    if (limit.isPresent() && reading.mistakes().isEmpty()) {
      return new Read.Good(limit.get());
    }
    var mistakes = new LinkedHashSet<String>();
    reading.mistakes().forEach(mistake -> mistakes.add(mistake.sentence()));
    return new Read.Bad(List.copyOf(mistakes));
  }

  /// What the reading of a file would have found before it came to the limits.
  private static void routes(Config config, Reading reading) {
    var indexes = new LinkedHashSet<String>();
    for (var route : config.routes()) {
      var path = "routes[" + indexes.size() + "]";
      indexes.add(Integer.toString(indexes.size()));
      reading.built(path, route);
    }
    reading.names("routes", indexes);
  }

  /// A limit as it is written, to be shown.
  public static Map<String, Object> written(Limit limit) {
    var match = new LinkedHashMap<String, Object>();
    list(match, "client", limit.match().clients().stream().map(AddressBlock::toString).toList());
    limit.match().path().ifPresent(path -> match.put("path", path.toString()));
    limit.match().host().ifPresent(host -> match.put("host", host));
    list(match, "method", limit.match().methods());
    var headers = new LinkedHashMap<String, Object>();
    limit.match().headers().forEach(condition -> headers.put(condition.name(), want(condition)));
    if (!headers.isEmpty()) {
      match.put("header", headers);
    }
    list(match, "user-agent", limit.match().userAgents().stream().map(Wildcard::text).toList());
    list(match, "user", limit.match().users());
    list(match, "plan", limit.match().plans());
    list(match, "route", limit.match().routes());
    var all = new LinkedHashMap<String, Object>();
    if (!match.isEmpty()) {
      all.put("match", match);
    }
    list(all, "key", limit.key().stream().map(KeyPart::toString).toList());
    all.put("rate", limit.rate().toString());
    limit.burst().ifPresent(size -> all.put("burst", size));
    if (!limit.key().isEmpty()) {
      all.put("missing-key", limit.missingKey().name().toLowerCase(Locale.ROOT));
    }
    all.put("cost", limit.cost());
    return all;
  }

  private static void list(Map<String, Object> to, String name, List<String> values) {
    if (!values.isEmpty()) {
      to.put(name, values.size() == 1 ? values.getFirst() : values);
    }
  }

  private static String want(Condition condition) {
    return switch (condition.want()) {
      case Condition.Want.Exactly(var value) -> value;
      case Condition.Want.Present() -> "*";
      case Condition.Want.Absent() -> "!";
    };
  }
}
