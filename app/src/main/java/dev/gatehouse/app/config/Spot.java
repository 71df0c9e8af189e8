package dev.gatehouse.app.config;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.nodes.Node;

/// A place in the declaration that is about to be read.
///
/// @param path `edge.listen.main.address`
/// @param node what the file has there, if it has
/// @param place of that, or of what it is missing from
/// @param aliases shorter paths for the same setting, for overrides
/// @param fallback the text to read where there is nothing else
record Spot(
    String path,
    Optional<Node> node,
    Place place,
    List<String> aliases,
    Optional<String> fallback) {

  List<String> paths() {
    return Stream.concat(Stream.of(path), aliases.stream()).toList();
  }

  String child(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
