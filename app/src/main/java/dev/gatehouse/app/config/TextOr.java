package dev.gatehouse.app.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.snakeyaml.engine.v2.nodes.MappingNode;

/// One text, or a mapping that says more.
///
/// @param made what the mapping comes to
record TextOr<T, K, V>(Shape.Scalar<T> text, Pairs<K, V> mapping, Function<Map<K, V>, T> made)
    implements Shape<T> {
  @Override
  public Optional<T> read(Reading reading, Spot spot) {
    if (reading.override(spot.paths()).isEmpty()
        && spot.node().filter(MappingNode.class::isInstance).isPresent()) {
      return mapping.read(reading, spot).map(made);
    }
    return text.read(reading, spot);
  }

  @Override
  public boolean isText() {
    return true;
  }

  @Override
  public Map<String, Object> schema() {
    return Map.of("anyOf", List.of(text.schema(), mapping.schema()));
  }

  @Override
  public List<String> scalars(String path) {
    return List.of(path);
  }
}
