package dev.gatehouse.app.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.MappingNode;

/// A mapping of names that have a meaning of their own, each with one text, in the file's order.
///
/// @param noun what a name is: "header field"
/// @param name understands a name; two that mean the same are a mistake
record Pairs<K, V>(String noun, Shape.Parser<K> name, Shape.Scalar<V> value)
    implements Shape<Map<K, V>> {
  @Override
  public Optional<Map<K, V>> read(Reading reading, Spot spot) {
    var node = spot.node().orElseThrow();
    if (!(node instanceof MappingNode mapping) || mapping.getValue().isEmpty()) {
      var instead = node instanceof MappingNode ? "an empty one" : Shape.kind(node);
      reading.mistake(
          spot.place(),
          spot.path()
              + ": this must be a mapping with a "
              + noun
              + " on each line, not "
              + instead);
      return Optional.empty();
    }
    int before = reading.mistakes().size();
    var pairs = new LinkedHashMap<K, V>();
    var entries = reading.entries(mapping, spot.path());
    reading.names(spot.path(), Collections.unmodifiableSet(entries.keySet()));
    entries.forEach((key, entry) -> read(reading, spot, key, entry, pairs));
    return reading.mistakes().size() == before
        ? Optional.of(Collections.unmodifiableMap(pairs))
        : Optional.empty();
  }

  private void read(Reading reading, Spot spot, String key, Reading.Entry entry, Map<K, V> pairs) {
    var path = spot.child(key);
    reading.place(path, entry.key());
    try {
      var understood = name.parse(key, reading);
      var there =
          new Spot(
              path,
              Optional.of(entry.value()),
              reading.at(entry.value()),
              List.of(),
              Optional.empty());
      var read = value.read(reading, there);
      if (read.isPresent() && pairs.put(understood, read.get()) != null) {
        reading.mistake(
            entry.key(), spot.path() + ": the " + noun + " '" + key + "' is given twice");
      }
    } catch (Wrong e) {
      reading.mistake(entry.key(), spot.path() + ": " + e.sentence());
    }
  }

  @Override
  public Map<String, Object> schema() {
    return Map.of("type", "object", "minProperties", 1, "additionalProperties", value.schema());
  }
}
