package dev.gatehouse.app.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// A list of texts, or one text, which is a list of one.
record OneOrMore<T>(Shape.Scalar<T> item) implements Shape<List<T>> {
  @Override
  public Optional<List<T>> read(Reading reading, Spot spot) {
    if (reading.override(spot.paths()).isEmpty()
        && spot.node().filter(SequenceNode.class::isInstance).isPresent()) {
      return new Shape.Items<>(item, 1).read(reading, spot);
    }
    return item.read(reading, spot).map(List::of);
  }

  @Override
  public boolean isText() {
    return true;
  }

  @Override
  public Map<String, Object> schema() {
    return Map.of("anyOf", List.of(item.schema(), new Shape.Items<>(item, 1).schema()));
  }

  @Override
  public List<String> scalars(String path) {
    return List.of(path);
  }
}
